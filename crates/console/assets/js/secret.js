// @ts-check
// A secret that the API shows once: it stands on the page until the page is left, and nowhere else.

/** @param {string} secret */
function copier(secret) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "button";
  button.textContent = "Copy";
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(secret);
      button.textContent = "Copied";
    } catch {
      button.textContent = "Select it and copy by hand";
    }
  });
  return button;
}

/**
 * Puts a secret behind the form that asked for it.
 * @param {HTMLFormElement} form
 * @param {string} secret
 */
export function reveal(form, secret) {
  const place = form.parentElement?.querySelector(".secret-place");
  if (!place) return;
  const words = document.createElement("p");
  words.textContent = "Copy it now. When you leave this page it is gone.";
  const code = document.createElement("code");
  code.className = "secret";
  code.dataset.secretValue = "";
  code.tabIndex = 0;
  code.textContent = secret;
  place.setAttribute("role", "status");
  place.replaceChildren(words, code, copier(secret));
  code.focus();
}
