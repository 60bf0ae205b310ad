// @ts-check
// Keeps what was typed into a field with `data-draft` for this tab until it is sent, so that a
// reload or a node that went away costs nobody a sentence.

/** @param {HTMLTextAreaElement} field */
function keyOf(field) {
  return `draft:${window.location.pathname}:${field.name}`;
}

/** @param {HTMLTextAreaElement} field */
export function forgetDraft(field) {
  window.sessionStorage.removeItem(keyOf(field));
}

export function startDrafts() {
  for (const field of document.querySelectorAll("textarea[data-draft]")) {
    if (!(field instanceof HTMLTextAreaElement)) continue;
    const kept = window.sessionStorage.getItem(keyOf(field));
    if (kept) field.value = kept;
    field.addEventListener("input", () => window.sessionStorage.setItem(keyOf(field), field.value));
  }
}
