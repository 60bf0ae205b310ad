// @ts-check
// Forms with `data-api` post JSON and go on to `data-next`; selects with `data-autosubmit` submit.
import { during, fill, post } from "./api.js";

/** @param {HTMLFormElement} form */
function fields(form) {
  /** @type {Record<string, string | number>} */
  const body = {};
  for (const [name, value] of new FormData(form)) {
    if (typeof value !== "string" || value === "") continue;
    const field = form.elements.namedItem(name);
    const number = field instanceof HTMLElement && "number" in field.dataset;
    body[name] = number ? Number(value) : value;
  }
  return body;
}

/** @param {SubmitEvent} event */
function onSubmit(event) {
  const form = event.target;
  if (!(form instanceof HTMLFormElement) || !form.matches("form[data-api]")) return;
  event.preventDefault();
  if (form.dataset.confirm && !window.confirm(form.dataset.confirm)) return;
  const next = form.dataset.next ?? "/";
  const path = new URL(form.action).pathname;
  void during(form, async () => {
    const answer = await post(path, fields(form));
    window.location.assign(fill(next, answer));
  });
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
