// Runs before the first paint, so that a dark screen never flashes white. A file of its own: inline scripts are not allowed.
(function () {
  var choice = null;
  try {
    choice = localStorage.getItem("frontdesk.theme");
  } catch {
    /* storage is blocked: follow the system */
  }
  var dark = choice === "dark" || (choice !== "light" && matchMedia("(prefers-color-scheme: dark)").matches);
  document.documentElement.dataset.theme = dark ? "dark" : "light";
})();
