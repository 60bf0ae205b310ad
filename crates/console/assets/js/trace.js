// @ts-check
// Choosing a span keeps only its rows; "span n" in the panel keeps only that span lit; Escape ends it.

/** @param {string} span */
function choose(span) {
  for (const source of document.querySelectorAll(".source")) {
    const spans = (source.getAttribute("data-spans") ?? "").split(" ");
    source.toggleAttribute("hidden", !spans.includes(span));
  }
  light(span);
}

/** @param {string} span */
function light(span) {
  for (const mark of document.querySelectorAll("mark.lit")) {
    const mine = mark.getAttribute("data-span") === span;
    mark.classList.toggle("dim", !mine);
    mark.querySelector("button")?.setAttribute("aria-pressed", String(mine));
  }
}

function clear() {
  for (const source of document.querySelectorAll(".source[hidden]")) source.removeAttribute("hidden");
  for (const mark of document.querySelectorAll("mark.dim")) mark.classList.remove("dim");
  for (const button of document.querySelectorAll("mark.lit button")) button.removeAttribute("aria-pressed");
}

/** Listens on the document: answers arrive later. */
export function startTrace() {
  document.addEventListener("click", (event) => {
    const target = event.target instanceof Element ? event.target.closest("[data-span], [data-locate]") : null;
    if (!target) return;
    const span = target.getAttribute("data-span");
    if (target.querySelector("[aria-pressed=true]")) clear();
    else if (span !== null) choose(span);
    else light(target.getAttribute("data-locate") ?? "");
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") clear();
  });
}
