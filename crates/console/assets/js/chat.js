// @ts-check
// The Playground's chat: streams an answer from /v1, then shows it with its sources lit.
import { Refusal, answerOf, during, say } from "./api.js";
import { forgetDraft } from "./draft.js";
import { dataOf } from "./stream.js";

/** @typedef {{role: "user" | "assistant", content: string}} Message */

/** @param {string} kind @param {string} text */
function addTurn(kind, text) {
  const log = document.getElementById("log");
  log?.querySelector(".log-empty")?.remove();
  const turn = document.createElement("div");
  turn.className = `turn turn-${kind}`;
  const words = document.createElement("p");
  words.textContent = text;
  if (kind === "model") {
    words.className = "answer-text cursor";
    // Read out when it is whole, not piece by piece.
    turn.setAttribute("aria-busy", "true");
  }
  turn.append(words);
  log?.append(turn);
  return { turn, words };
}

/**
 * The server draws the lit answer and the panel; both replace what stands there.
 * @param {string} receipt
 * @param {Element} turn
 */
async function showSources(receipt, turn) {
  const response = await fetch(`/play/sources/${encodeURIComponent(receipt)}`);
  if (!response.ok) return false;
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  const answer = page.querySelector("[data-part=answer]");
  const panel = page.querySelector("[data-part=panel]");
  if (answer) turn.replaceChildren(...answer.childNodes);
  if (panel) document.getElementById("sources")?.replaceChildren(...panel.childNodes);
  return Boolean(answer);
}

/** Money moved: the cards of the answer that stands there say where theirs is now. */
async function followPay() {
  const shown = document.querySelector("#sources [data-of]");
  if (!(shown instanceof HTMLElement)) return;
  const states = [...shown.querySelectorAll("[data-pay-state]")];
  if (states.every((state) => state.textContent === "paid")) return;
  const response = await fetch(`/play/sources/${encodeURIComponent(shown.dataset.of ?? "")}`);
  if (!response.ok) return;
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  const now = page.querySelectorAll("[data-pay-state]");
  states.forEach((state, at) => { state.textContent = now[at]?.textContent ?? state.textContent; });
}

/** @param {HTMLFormElement} form @param {Message[]} messages */
function requestOf(form, messages) {
  const data = new FormData(form);
  return {
    model: form.dataset.model,
    messages,
    stream: true,
    stream_options: { include_usage: true },
    temperature: Number(data.get("temperature") ?? 0),
    max_tokens: Number(data.get("max_tokens") ?? 64),
  };
}

/**
 * @param {HTMLFormElement} form
 * @param {Message[]} messages
 * @param {(text: string) => void} onText
 * @param {AbortSignal} signal
 * @returns {Promise<{text: string, receipt?: string}>}
 */
async function ask(form, messages, onText, signal) {
  const headers = { "content-type": "application/json", accept: "text/event-stream" };
  const body = JSON.stringify(requestOf(form, messages));
  const response = await fetch("/v1/chat/completions", { method: "POST", headers, body, signal });
  if (!response.ok || !response.body) await answerOf(response);
  let text = "";
  /** @type {string | undefined} */
  let receipt;
  if (!response.body) return { text, receipt };
  for await (const data of dataOf(response.body)) {
    if (data === "[DONE]") break;
    const chunk = JSON.parse(data);
    if (chunk.error) throw new Refusal(chunk, response.status);
    const piece = chunk.choices?.[0]?.delta?.content;
    if (piece) {
      text += piece;
      onText(text);
    }
    receipt = chunk.tributary?.receipt_id ?? receipt;
  }
  return { text, receipt };
}

/** @param {HTMLFormElement} form @param {string} receipt */
function remember(form, receipt) {
  const place = new URL(window.location.href);
  place.searchParams.set("model", form.dataset.modelId ?? "");
  place.searchParams.set("receipt", receipt);
  place.searchParams.delete("prompt");
  window.history.replaceState(null, "", place);
}

/** @param {HTMLFormElement} form @param {HTMLTextAreaElement} field @param {Element | null} stop */
async function send(form, field, stop) {
  const prompt = field.value.trim();
  if (!prompt) return;
  addTurn("user", prompt);
  const { turn, words } = addTurn("model", "");
  const abort = new AbortController();
  const onStop = () => abort.abort();
  stop?.addEventListener("click", onStop, { once: true });
  stop?.removeAttribute("hidden");
  field.value = "";
  try {
    const messages = [{ role: /** @type {const} */ ("user"), content: prompt }];
    const { text, receipt } = await ask(form, messages, (all) => { words.textContent = all; }, abort.signal);
    words.classList.remove("cursor");
    if (!text) words.textContent = "(an empty answer)";
    forgetDraft(field);
    if (receipt) {
      await showSources(receipt, turn);
      remember(form, receipt);
    }
  } catch (error) {
    words.classList.remove("cursor");
    if (abort.signal.aborted) {
      say(form, "Stopped. Only what arrived is paid.", true);
    } else {
      turn.remove();
      field.value = prompt;
      throw error;
    }
  } finally {
    turn.removeAttribute("aria-busy");
    stop?.setAttribute("hidden", "");
    stop?.removeEventListener("click", onStop);
  }
}

/** Upgrades the question form. */
export function startChat() {
  document.addEventListener("htmx:sse:after:message", () => void followPay());
  const form = document.getElementById("ask");
  const field = form?.querySelector("textarea");
  if (!(form instanceof HTMLFormElement) || !field) return;
  const stop = form.querySelector("[data-stop]");
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    void during(form, () => send(form, field, stop));
  });
  field.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      form.requestSubmit();
    }
  });
}
