// @ts-check
// Calls of the same origin's API and words for what went wrong.

/**
 * What the API says when it refuses.
 * @typedef {{title?: string, detail?: string, hint?: string, code?: string, row?: number, column?: number, error?: {message?: string}}} Problem
 */

/** A refusal, ready to be shown. */
export class Refusal extends Error {
  /** @param {Problem} problem @param {number} status */
  constructor(problem, status) {
    super(words(problem, status));
    this.problem = problem;
    this.status = status;
  }
}

/**
 * What happened, where, and what to do.
 * @param {Problem} problem
 * @param {number} status
 */
function words(problem, status) {
  const what = problem.detail || problem.title || problem.error?.message || `The node answered ${status}.`;
  const place = problem.row && !what.includes(`row ${problem.row}`) ? ` (row ${problem.row}${problem.column ? `, column ${problem.column}` : ""})` : "";
  const hint = problem.hint ? ` ${problem.hint}` : "";
  return what + place + hint;
}

/**
 * @param {Response} response
 * @returns {Promise<any>}
 */
export async function answerOf(response) {
  const text = await response.text();
  /** @type {any} */
  let body = {};
  try {
    body = text ? JSON.parse(text) : {};
  } catch {
    body = { detail: text.slice(0, 200) };
  }
  if (!response.ok) throw new Refusal(body, response.status);
  return body;
}

/** A fresh key, so that a repeated request is one request. */
export function idempotencyKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/**
 * Posts JSON. An answer that is shown once is asked for without a key, so that nothing keeps it.
 * @param {string} path
 * @param {unknown} body
 * @param {boolean} [once]
 */
export async function post(path, body, once = false) {
  const headers = new Headers({ "content-type": "application/json", accept: "application/json" });
  if (!once) headers.set("idempotency-key", idempotencyKey());
  return answerOf(await fetch(path, { method: "POST", headers, body: JSON.stringify(body) }));
}

/**
 * Sends a file's bytes to be checked.
 * @param {string} action
 * @param {string} name
 * @param {Blob} bytes
 */
export async function upload(action, name, bytes) {
  const headers = { "content-type": bytes.type || "application/octet-stream", accept: "application/json", "idempotency-key": idempotencyKey() };
  const place = new URL(action, window.location.href);
  place.searchParams.set("filename", name);
  return answerOf(await fetch(place, { method: "POST", headers, body: bytes }));
}

/**
 * Puts fields of an answer into the `{field}` places of a path.
 * @param {string} target
 * @param {Record<string, unknown>} answer
 */
export function fill(target, answer) {
  return target.replace(/\{(\w+)\}/g, (whole, name) => {
    const value = answer[name];
    return typeof value === "string" || typeof value === "number" ? encodeURIComponent(String(value)) : whole;
  });
}

/**
 * Shows a line under a form, or clears it.
 * @param {Element} form
 * @param {string} text
 * @param {boolean} [busy]
 */
export function say(form, text, busy = false) {
  const line = form.querySelector(".form-status");
  if (!line) return;
  line.textContent = text;
  line.classList.toggle("busy", busy);
}

/**
 * Runs an act of a form: one at a time, with its button busy, its refusal under it.
 * @param {HTMLFormElement} form
 * @param {() => Promise<void>} act
 */
export async function during(form, act) {
  if (form.dataset.running) return;
  form.dataset.running = "1";
  const buttons = Array.from(form.querySelectorAll("button[type=submit]"));
  for (const button of buttons) button.setAttribute("aria-busy", "true");
  say(form, "");
  try {
    await act();
  } catch (error) {
    say(form, error instanceof Refusal ? error.message : "The node cannot be reached. Is it still running?");
  } finally {
    delete form.dataset.running;
    for (const button of buttons) button.removeAttribute("aria-busy");
  }
}
