// @ts-check
// Colours and relative times.

const KEY = "tributary-theme";

/** @param {string | null} choice */
function apply(choice) {
  if (choice === "light" || choice === "dark") document.documentElement.dataset.theme = choice;
  else delete document.documentElement.dataset.theme;
  for (const button of document.querySelectorAll("[data-theme-choice]")) {
    const mine = button.getAttribute("data-theme-choice") === (choice ?? "system");
    button.setAttribute("aria-pressed", String(mine));
  }
}

export function startTheme() {
  apply(window.localStorage.getItem(KEY));
  document.addEventListener("click", (event) => {
    const button = event.target instanceof Element ? event.target.closest("[data-theme-choice]") : null;
    const choice = button?.getAttribute("data-theme-choice");
    if (!choice) return;
    if (choice === "system") window.localStorage.removeItem(KEY);
    else window.localStorage.setItem(KEY, choice);
    apply(choice);
  });
}

/** @param {number} seconds */
function spanOf(seconds) {
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86400)} d`;
}

function refresh() {
  for (const time of document.querySelectorAll("time[datetime]")) {
    const past = Math.max(0, Math.floor((Date.now() - Date.parse(time.getAttribute("datetime") ?? "")) / 1000));
    const text = `${spanOf(past)} ago`;
    if (time.textContent !== text) time.textContent = text;
  }
}

export function startTimes() {
  window.setInterval(refresh, 5000);
}
