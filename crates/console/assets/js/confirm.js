// @ts-check
// Asks before an act that cannot be taken back: a modal dialog of the page itself.

/** @param {string} value @param {string} label @param {string} kind */
function choice(value, label, kind) {
  const button = document.createElement("button");
  button.className = kind;
  button.value = value;
  button.textContent = label;
  return button;
}

/**
 * True when the act may go on. The first sentence is the question, the rest says what follows.
 * @param {string} text
 * @param {string} yes
 * @returns {Promise<boolean>}
 */
export function confirmed(text, yes) {
  const [question, ...rest] = text.split(/(?<=\?) /);
  const dialog = document.createElement("dialog");
  dialog.className = "ask";
  dialog.setAttribute("aria-labelledby", "ask-question");
  const form = document.createElement("form");
  form.method = "dialog";
  const title = document.createElement("h2");
  title.id = "ask-question";
  title.textContent = question ?? text;
  const words = document.createElement("p");
  words.textContent = rest.join(" ");
  const row = document.createElement("div");
  row.className = "actions";
  // The harmless choice is first, so that Enter takes it.
  row.append(choice("no", "Not now", "button"), choice("yes", yes, "button primary"));
  form.append(title, words, row);
  dialog.append(form);
  document.body.append(dialog);
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "yes");
    });
    dialog.showModal();
  });
}
