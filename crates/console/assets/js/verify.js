// @ts-check
// The Verify button: asks for every check and lists what came out.
import { answerOf } from "./api.js";

/** @typedef {{name: string, status: "ok" | "failed" | "not_checkable", detail?: string}} Check */

const SIGNS = { ok: "✓", failed: "✕", not_checkable: "–" };
const CLASSES = { ok: "ok", failed: "fault", not_checkable: "muted" };

/** @param {Check} check */
function line(check) {
  const item = document.createElement("li");
  item.dataset.check = check.name;
  item.dataset.status = check.status;
  const sign = document.createElement("span");
  sign.className = CLASSES[check.status] ?? "muted";
  sign.textContent = SIGNS[check.status] ?? "?";
  const name = document.createElement("strong");
  name.textContent = check.name.replaceAll("_", " ");
  const detail = document.createElement("span");
  detail.className = "muted";
  detail.textContent = check.detail || (check.status === "not_checkable" ? "cannot be checked from here" : "");
  item.append(sign, name, detail);
  return item;
}

/** @param {HTMLAnchorElement} button @param {HTMLElement} place */
async function verify(button, place) {
  button.setAttribute("aria-busy", "true");
  place.textContent = "Running the answer again and checking every number…";
  try {
    const response = await fetch(button.href, { headers: { accept: "application/json" } });
    /** @type {{verified: boolean, checks: Check[]}} */
    const result = await answerOf(response);
    const verdict = document.createElement("p");
    verdict.className = `verdict ${result.verified ? "ok" : "fault"}`;
    verdict.dataset.verified = String(result.verified);
    verdict.textContent = result.verified ? "Verified: every check holds" : "Not verified";
    const list = document.createElement("ul");
    list.className = "checks-list";
    list.append(...result.checks.map(line));
    place.replaceChildren(verdict, list);
  } catch (error) {
    place.textContent = error instanceof Error ? error.message : "The check could not be run.";
  } finally {
    button.removeAttribute("aria-busy");
  }
}

/** Upgrades the link to the check's raw answer. */
export function startVerify() {
  const button = document.querySelector("a[data-verify]");
  const place = document.getElementById("checks");
  if (!(button instanceof HTMLAnchorElement) || !place) return;
  button.addEventListener("click", (event) => {
    event.preventDefault();
    void verify(button, place);
  });
}
