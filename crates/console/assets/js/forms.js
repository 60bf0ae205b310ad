// @ts-check
// Forms with `data-api` post JSON and go on to `data-next`, forms with `data-secret` show a field
// of the answer once; selects with `data-autosubmit` submit.
import { during, fill, post } from "./api.js";
import { confirmed } from "./confirm.js";
import { reveal } from "./secret.js";

/** @param {HTMLFormElement} form */
function fields(form) {
  /** @type {Record<string, string | number>} */
  const body = {};
  for (const [name, value] of new FormData(form)) {
    if (typeof value !== "string" || value === "") continue;
    const field = form.elements.namedItem(name);
    const marks = field instanceof HTMLElement ? field.dataset : {};
    if ("number" in marks) body[name] = Number(value);
    // People write OPEN; a bare number would be read as wei.
    else body[name] = "money" in marks ? `${value} OPEN` : value;
  }
  return body;
}

/** Goes to a page, also when only its fragment differs. @param {string} next */
function go(next) {
  const target = new URL(next, window.location.href);
  const same = target.pathname + target.search === window.location.pathname + window.location.search;
  window.location.assign(target);
  if (same) window.location.reload();
}

/** @param {HTMLFormElement} form @param {SubmitEvent} event */
async function act(form, event) {
  const yes = (event.submitter?.textContent ?? "").trim() || "Yes";
  if (form.dataset.confirm && !(await confirmed(form.dataset.confirm, yes))) return;
  const { next = "/", secret } = form.dataset;
  const path = new URL(form.action).pathname;
  await during(form, async () => {
    const answer = await post(path, fields(form), Boolean(secret));
    if (secret) reveal(form, String(answer[secret]));
    else go(fill(next, answer));
  });
}

/** @param {SubmitEvent} event */
function onSubmit(event) {
  const form = event.target;
  if (!(form instanceof HTMLFormElement) || !form.matches("form[data-api], form[data-secret]")) return;
  event.preventDefault();
  void act(form, event);
}

/** The start button names the price and time of the chosen preset. @param {HTMLFormElement} form */
function nameThePrice(form) {
  const button = form.querySelector("[data-start-label]");
  const chosen = form.querySelector("input[name=preset]:checked");
  if (!(button instanceof HTMLElement) || !(chosen instanceof HTMLInputElement)) return;
  const { price, seconds } = chosen.dataset;
  const label = button.dataset.startLabel ?? "Start";
  if (!price || !seconds) return;
  const time = Number(seconds) < 60 ? `${seconds} s` : `${Math.floor(Number(seconds) / 60)} min`;
  button.textContent = `${label} (${price} OPEN, about ${time})`;
}

/** @param {Event} event */
function onChange(event) {
  const field = event.target;
  if (!(field instanceof HTMLInputElement || field instanceof HTMLSelectElement)) return;
  const form = field.form;
  if (form?.matches("form[data-autosubmit]")) form.requestSubmit();
  if (form && field.name === "preset") nameThePrice(form);
}

/** Listens on the document, so that forms that arrive later work too. */
export function startForms() {
  document.documentElement.dataset.scripted = "1";
  document.addEventListener("submit", onSubmit);
  document.addEventListener("change", onChange);
}
