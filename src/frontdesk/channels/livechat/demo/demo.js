// The three buttons of the try-it page, through the widget's public API.
let dark = matchMedia('(prefers-color-scheme: dark)').matches
const deeds = {
  open: () => window.frontdesk('open'),
  reset: () => window.frontdesk('reset'),
  theme: () => {
    dark = !dark
    window.frontdesk('set', { theme: dark ? 'dark' : 'light' })
    window.frontdesk('open')
  },
}
for (const button of document.querySelectorAll('[data-do]')) {
  button.addEventListener('click', () => deeds[button.dataset.do]?.())
}
