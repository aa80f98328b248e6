// The button and the frame, inside a closed shadow root. Important rules of the inside win over important rules of the
// page, so not even `* { … !important }` moves it.
export const CSS = `
:host{all:initial!important}
.start .b,.start iframe{inset-inline:20px auto}
.b,iframe{all:unset;position:fixed;inset-block-end:20px;inset-inline-end:20px;z-index:var(--z,2147483000)}
.b{box-sizing:border-box;width:56px;height:56px;border-radius:50%;display:grid;place-items:center;background:var(--c,#4c51c9);color:var(--i,#fff);cursor:pointer;box-shadow:0 4px 20px rgb(0 0 0/.24)}
.b:focus-visible{outline:3px solid var(--i,#fff);outline-offset:-6px}
.b[hidden],iframe[hidden],.n[hidden]{display:none}
svg{width:28px;height:28px;fill:none;stroke:currentColor;stroke-width:2;stroke-linecap:round;stroke-linejoin:round}
.n{position:absolute;inset-block-start:-3px;inset-inline-end:-3px;box-sizing:border-box;min-width:22px;height:22px;padding:0 6px;border-radius:11px;background:#c2182b;color:#fff;font:600 12px/22px system-ui,sans-serif;text-align:center}
iframe{inset-block-end:88px;width:384px;height:min(660px,calc(100dvh - 108px));border-radius:16px;background:transparent;color-scheme:auto;box-shadow:0 12px 48px rgb(0 0 0/.28)}
@media(max-width:480px){iframe,.start iframe{inset:0;width:100%;height:100dvh;border-radius:0}.on .b{display:none}}
@media print{.b,iframe{display:none}}
`
