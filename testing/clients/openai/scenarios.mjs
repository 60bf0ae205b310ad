// The stock npm client against /v1: every scenario prints a line; one failure ends with 1.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";

import { apiKey, baseURL, model, poorKey, require, rest, trainedModel, until } from "./_setup.mjs";

const { OpenAI } = require("openai");
const client = new OpenAI({ baseURL, apiKey, maxRetries: 0, timeout: 120_000 });
const messages = [{ role: "user", content: "Hello there" }];

const ask = (options = {}, request = {}) =>
  client.chat.completions.create({ model, messages, max_tokens: 12, ...options }, request);
const textOf = (answer) => answer.choices[0].message.content;

/** A request that answers with many tokens, and what the whole of it costs. */
async function longAnswer() {
  for (let seed = 1; seed < 40; seed += 1) {
    const request = { model, prompt: "Once upon a time", max_tokens: 400, temperature: 2, seed };
    const { usage } = await client.completions.create(request);
    const [whole, part = ""] = usage.cost.split(".");
    if (usage.completion_tokens >= 200) return { request, cost: BigInt(whole + part.padEnd(18, "0")) };
  }
  throw new Error("no seed gives 200 tokens");
}

async function refused(status, code, call) {
  try {
    await call();
  } catch (error) {
    assert.equal(error.status, status, `${error}`);
    assert.ok(error.error?.message && error.error?.type, "the error has message and type");
    if (code) assert.equal(error.code, code);
    return error;
  }
  throw new Error(`nothing was refused; ${status} was expected`);
}

const scenarios = {
  async lists_models() {
    const ids = [];
    for await (const entry of client.models.list()) ids.push(entry.id);
    assert.ok(ids.includes(model), ids.join());
  },
  async retrieves_a_model() {
    const entry = await client.models.retrieve(model);
    assert.deepEqual([entry.id, entry.object], [model, "model"]);
  },
  async chats() {
    const { id, object, created, choices, usage } = await ask();
    assert.ok(id.startsWith("chatcmpl-") && created > 1_600_000_000);
    assert.equal(object, "chat.completion");
    assert.equal(choices[0].message.role, "assistant");
    assert.equal(choices[0].logprobs, null);
    assert.ok(["stop", "length"].includes(choices[0].finish_reason));
    assert.ok(usage.prompt_tokens > 0 && usage.completion_tokens > 0);
    assert.equal(usage.total_tokens, usage.prompt_tokens + usage.completion_tokens);
  },
  async streams_a_chat() {
    let text = "";
    let finish = null;
    for await (const chunk of await ask({ stream: true, temperature: 0 })) {
      assert.equal(chunk.object, "chat.completion.chunk");
      for (const choice of chunk.choices) {
        text += choice.delta.content ?? "";
        finish ??= choice.finish_reason;
      }
    }
    assert.ok(["stop", "length"].includes(finish));
    assert.equal(text, textOf(await ask({ temperature: 0 })));
  },
  async completes() {
    const prompt = "Once upon a time";
    const answer = await client.completions.create({ model, prompt, max_tokens: 8 });
    assert.equal(answer.object, "text_completion");
    assert.ok(["stop", "length"].includes(answer.choices[0].finish_reason));
  },
  async streams_a_completion() {
    const asked = { model, prompt: "Once upon a time", max_tokens: 8, temperature: 0 };
    let text = "";
    for await (const chunk of await client.completions.create({ ...asked, stream: true })) {
      text += chunk.choices.map((choice) => choice.text).join("");
    }
    assert.equal(text, (await client.completions.create(asked)).choices[0].text);
  },
  async includes_usage() {
    const chunks = [];
    const options = { stream: true, stream_options: { include_usage: true } };
    for await (const chunk of await ask(options)) chunks.push(chunk);
    const last = chunks.pop();
    assert.deepEqual(last.choices, []);
    assert.ok(last.usage.completion_tokens > 0 && Number(last.usage.cost) > 0);
    assert.ok(chunks.every((chunk) => chunk.usage === null));
  },
  async repeats_a_seed() {
    const first = await ask({ seed: 7, temperature: 1 });
    const again = await ask({ seed: 7, temperature: 1 });
    assert.equal(textOf(again), textOf(first));
    assert.ok(first.system_fingerprint && first.system_fingerprint === again.system_fingerprint);
    const others = new Set();
    for (let seed = 0; seed < 6; seed += 1) {
      others.add(textOf(await ask({ seed, temperature: 1.5 })));
    }
    assert.ok(others.size > 1, "six seeds gave one answer");
  },
  async stops() {
    const whole = textOf(await ask({ temperature: 0, max_tokens: 24 }));
    const words = whole.split(" ").slice(1).filter((word) => word.trim());
    assert.ok(words.length > 0, `the model said one word: ${whole}`);
    const stop = words[Math.min(2, words.length - 1)];
    const answer = await ask({ temperature: 0, max_tokens: 24, stop: [stop] });
    assert.ok(!textOf(answer).includes(stop) && whole.startsWith(textOf(answer)));
    assert.equal(answer.choices[0].finish_reason, "stop");
  },
  async holds_max_tokens() {
    const short = await ask({ max_tokens: 3, temperature: 0 });
    assert.equal(short.usage.completion_tokens, 3);
    assert.equal(short.choices[0].finish_reason, "length");
    const options = { max_tokens: undefined, max_completion_tokens: 2 };
    assert.ok((await ask(options)).usage.completion_tokens <= 2);
  },
  async gives_two_choices() {
    const answer = await ask({ n: 2, temperature: 1, seed: 3 });
    assert.deepEqual(answer.choices.map((choice) => choice.index), [0, 1]);
    assert.equal(answer.tributary.receipts.length, 2);
    assert.notEqual(answer.choices[0].message.content, answer.choices[1].message.content);
  },
  async streams_two_choices() {
    const texts = ["", ""];
    const ends = [null, null];
    for await (const { choices } of await ask({ n: 2, temperature: 1, seed: 3, stream: true })) {
      for (const { index, delta, finish_reason: finish } of choices) {
        texts[index] += delta.content ?? "";
        ends[index] ??= finish;
      }
    }
    const whole = await ask({ n: 2, temperature: 1, seed: 3 });
    assert.deepEqual(texts, whole.choices.map((choice) => choice.message.content));
    assert.ok(ends.every((end) => ["stop", "length"].includes(end)), `${ends}`);
  },
  async ignores_what_it_does_not_know_and_says_so() {
    const answer = await ask({ logprobs: true, frequency_penalty: 0.5, of_tomorrow: 1 });
    const told = answer.tributary.warnings.join();
    for (const name of ["logprobs", "frequency_penalty", "of_tomorrow"]) {
      assert.ok(told.includes(name), `${name} is not among ${told}`);
    }
  },
  async tells_what_is_left_of_its_allowance() {
    const { response } = await ask({ max_tokens: 1 }).withResponse();
    const number = (name) => Number.parseInt(response.headers.get(`x-ratelimit-${name}`), 10);
    assert.ok(number("limit-requests") > number("remaining-requests"));
    assert.ok(number("remaining-requests") >= 0 && number("reset-requests") >= 0);
  },
  async is_greedy_at_temperature_zero() {
    const first = textOf(await ask({ temperature: 0 }));
    assert.equal(textOf(await ask({ temperature: 0 })), first);
  },
  async tells_its_cost() {
    const { data, response } = await ask({ max_tokens: 4 }).withResponse();
    assert.ok(Number(data.usage.cost) > 0);
    assert.equal(response.headers.get("x-tributary-cost"), data.usage.cost);
    const parts = Object.values(data.usage.cost_details).map(Number);
    const sum = parts.reduce((total, part) => total + part, 0);
    assert.ok(Math.abs(sum - Number(data.usage.cost)) < 1e-12);
    assert.equal(response.headers.get("x-tributary-receipt"), data.tributary.receipt_id);
    assert.ok(response.headers.get("x-request-id"));
  },
  async refuses_a_wrong_key() {
    for (const wrong of [`trib_sk_${"0".repeat(64)}`, "sk-nothing"]) {
      const stranger = new OpenAI({ baseURL, apiKey: wrong, maxRetries: 0 });
      await refused(401, "invalid_api_key", () => stranger.models.list());
    }
  },
  async names_the_cap() {
    const poor = new OpenAI({ baseURL, apiKey: await poorKey(1000), maxRetries: 0 });
    const error = await refused(402, "key_cap_reached", () =>
      poor.chat.completions.create({ model, messages }),
    );
    assert.match(error.error.message, /cap/);
  },
  async refuses_an_unknown_model() {
    await refused(404, "model_not_found", () => ask({ model: "nobody/nothing" }));
    await refused(404, undefined, () => client.models.retrieve("nobody/nothing"));
  },
  async refuses_bad_requests() {
    await refused(400, undefined, () => ask({ messages: [] }));
    await refused(400, undefined, () => ask({ temperature: 9 }));
    await refused(400, "empty_prompt", () => ask({ messages: [{ role: "user", content: "" }] }));
    const long = [{ role: "user", content: "word ".repeat(200_000) }];
    await refused(413, "context_length_exceeded", () => ask({ messages: long }));
  },
  async replays_an_idempotent_request() {
    const own = () => rest("GET", "/keys/default", { key: apiKey });
    const headers = { "Idempotency-Key": randomUUID() };
    const first = await ask({ temperature: 1 }, { headers });
    const { spent } = await own();
    const { data: again, response } = await ask({ temperature: 1 }, { headers }).withResponse();
    assert.equal(first.id, again.id);
    assert.deepEqual(first.tributary, again.tributary);
    assert.equal(response.headers.get("idempotency-replayed"), "true");
    assert.equal((await own()).spent, spent, "a replay was paid");
    await refused(422, "key_reused", () => ask({ temperature: 0 }, { headers }));
  },
  async pays_only_what_was_delivered() {
    const own = () => rest("GET", "/keys/default", { key: apiKey });
    const asked = await longAnswer();
    // The provider may be done before an abort reaches it on a busy machine: one of five is not.
    for (let attempt = 0; attempt < 5; attempt += 1) {
      const { spent } = await own();
      const stream = await client.completions.create({ ...asked.request, stream: true });
      for await (const chunk of stream) {
        if (chunk.choices.some((choice) => choice.text)) break;
      }
      stream.controller.abort();
      const after = await until("settled call", 30, async () => {
        const key = await own();
        return key.spent !== spent && key.held === "0" && key;
      });
      const paid = BigInt(after.spent) - BigInt(spent);
      assert.ok(paid > 0n && paid <= asked.cost, `${paid} was paid of ${asked.cost}`);
      if (paid < asked.cost) return;
    }
    throw new Error("five aborted answers were all paid to their end");
  },
  async cites_its_sources() {
    const { name, prompt } = await trainedModel();
    const asked = { model: name, messages: [{ role: "user", content: prompt }] };
    const answer = await client.chat.completions.create({ ...asked, temperature: 0, max_tokens: 48 });
    const { annotations, content } = answer.choices[0].message;
    assert.ok(annotations?.length > 0, `no source for ${content}`);
    for (const { type, url_citation: cited } of annotations) {
      assert.equal(type, "url_citation");
      assert.ok(cited.start_index < cited.end_index && cited.end_index <= [...content].length);
      assert.ok(cited.url && cited.title);
    }
  },
  async streams_its_sources() {
    const { name, prompt } = await trainedModel();
    const asked = { model: name, messages: [{ role: "user", content: prompt }], max_tokens: 48 };
    const notes = [];
    let receipt;
    const stream = await client.chat.completions.create({ ...asked, temperature: 0, stream: true });
    for await (const chunk of stream) {
      receipt = chunk.tributary?.receipt_id ?? receipt;
      for (const { delta } of chunk.choices) notes.push(...(delta.annotations ?? []));
    }
    assert.ok(notes.length > 0 && notes.every((note) => note.type === "url_citation"));
    assert.match(receipt, /^0x[0-9a-f]{64}$/);
  },
  async says_when_to_come_back() {
    const hits = Array.from({ length: 400 }, () =>
      client.models.list().then(() => null, (error) => error),
    );
    const refusals = (await Promise.all(hits)).filter((error) => error?.status === 429);
    assert.ok(refusals.length > 0, "400 requests at once were all served");
    assert.ok(Number(refusals[0].headers.get("retry-after")) >= 1);
  },
};

let failed = 0;
const wanted = process.argv.slice(2);
for (const [name, scenario] of Object.entries(scenarios)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue;
  try {
    await scenario();
    console.log(`ok      ${name}`);
  } catch (error) {
    failed += 1;
    console.log(`FAILED  ${name}\n${error.stack}`);
  }
}
console.log(`openai for JavaScript: ${failed} failed`);
process.exit(failed > 0 ? 1 : 0);
