// @ts-check
// The stream's manners: says when the node is away, keeps what the account was told of, and lets
// toasts be dismissed.

/** The sum that the newest header speaks of, kept where the next page's stream sees it. */
function keepTold() {
  const account = document.getElementById("account");
  const { account: whose, posted } = account?.dataset ?? {};
  if (whose && posted) document.cookie = `tributary_told=${whose}.${posted}; path=/; samesite=strict; max-age=2592000`;
}

/** @param {boolean} lost */
function showLost(lost) {
  document.getElementById("lost")?.toggleAttribute("hidden", !lost);
}

export function startNews() {
  const whose = document.getElementById("account")?.dataset.account;
  if (whose && !document.cookie.includes(`tributary_told=${whose}.`)) keepTold();
  document.addEventListener("htmx:sse:error", () => showLost(true));
  document.addEventListener("htmx:sse:after:connection", () => showLost(false));
  document.addEventListener("htmx:sse:after:message", () => {
    showLost(false);
    keepTold();
  });
  document.addEventListener("click", (event) => {
    const close = event.target instanceof Element ? event.target.closest("[data-close]") : null;
    close?.closest(".toast")?.remove();
  });
}
