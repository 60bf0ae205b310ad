// What the scenarios need beside a key: a guest, a poor key, a model that was trained on rows.

import { randomUUID } from "node:crypto";
import { createRequire } from "node:module";
import { setTimeout as pause } from "node:timers/promises";

// The packages lie in the folder that the script is started in.
export const require = createRequire(`${process.cwd()}/`);

export const baseURL = process.env.TRIBUTARY_BASE_URL.replace(/\/$/, "");
export const apiKey = process.env.TRIBUTARY_API_KEY;
export const model = process.env.TRIBUTARY_MODEL;
const nodeURL = baseURL.replace(/\/v1$/, "");

/** One request to /api/v1; its JSON, or its text. */
export async function rest(method, path, { body, session, key, raw, text } = {}) {
  const headers = { "idempotency-key": randomUUID() };
  if (session) headers["x-tributary-session"] = session;
  if (key) headers.authorization = `Bearer ${key}`;
  if (body !== undefined) headers["content-type"] = "application/json";
  const response = await fetch(`${nodeURL}/api/v1${path}`, {
    method,
    headers,
    body: raw ?? (body === undefined ? undefined : JSON.stringify(body)),
  });
  const answer = await response.text();
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${answer}`);
  return text ? answer : JSON.parse(answer);
}

export const guest = () => rest("POST", "/guests", { body: {} });

/** A key whose cap does not cover one answer. */
export async function poorKey(capWei) {
  const { session } = await guest();
  const made = await rest("POST", "/keys", { session, body: { name: "poor", cap: `${capWei}` } });
  return made.key;
}

export async function until(what, seconds, look) {
  const end = Date.now() + seconds * 1000;
  while (Date.now() < end) {
    const found = await look();
    if (found) return found;
    await pause(200);
  }
  throw new Error(`no ${what} within ${seconds} s`);
}

/** A model with a datanet and a prompt of its rows; trains one when there is none. */
export async function trainedModel() {
  const { items } = await rest("GET", "/models");
  const found = items.find((entry) => entry.kind === "adapter" && entry.status === "active");
  if (found) return { name: found.name, prompt: await promptOf(found.datanet) };
  return train();
}

async function promptOf(datanet) {
  const { items } = await rest("GET", `/datanets/${datanet}/rows?limit=100`);
  for (const row of items) {
    if (row.prompt) return row.prompt;
    if (row.messages) return row.messages.find((message) => message.role === "user").content;
  }
  return items[0].text.slice(0, 40);
}

async function train() {
  const { session } = await guest();
  const datanet = (await rest("GET", "/datanets")).items[0].id;
  const raw = await rest("GET", "/samples/newcomer", { text: true });
  const upload = await rest("POST", `/uploads?filename=s.jsonl&datanet=${datanet}`, { session, raw });
  const path = `/datanets/${datanet}/contributions`;
  const sent = await rest("POST", path, { session, body: { upload: upload.id } });
  await until("published version", 60, async () => {
    const shown = await rest("GET", `/contributions/${sent.contribution}`);
    return shown.state === "published";
  });
  const job = await rest("POST", "/jobs", { session, body: { datanet, preset: "quick" } });
  const over = ["done", "failed", "cancelled", "expired"];
  const done = await until("trained model", 600, async () => {
    const shown = await rest("GET", `/jobs/${job.id}`);
    return over.includes(shown.state) && shown;
  });
  if (done.state !== "done") throw new Error(JSON.stringify(done));
  return { name: done.model_name, prompt: await promptOf(datanet) };
}
