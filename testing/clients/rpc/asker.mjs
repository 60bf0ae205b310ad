// A Solidity contract asks a model by a task with escrow: the prompt is left at the gateway, the
// node's own provider answers and delivers its signed receipt, the contract has the rest back in the
// same transaction, and the fee goes the way of every answer: into the next root.

import assert from "node:assert/strict";
import { compile, finish, mnemonic, require, scenario, url } from "./_setup.mjs";

const viem = require("viem");
const { mnemonicToAccount } = require("viem/accounts");

const transport = viem.http(url);
const id = await viem.createPublicClient({ transport }).getChainId();
const chain = viem.defineChain({
  id,
  name: "Tributary",
  nativeCurrency: { name: "OPEN", symbol: "OPEN", decimals: 18 },
  rpcUrls: { default: { http: [url] } },
});
const client = viem.createPublicClient({ chain, transport, pollingInterval: 50 });
const wallet = (addressIndex) =>
  viem.createWalletClient({ account: mnemonicToAccount(mnemonic, { addressIndex }), chain, transport });
const owner = wallet(3);
const { abi, bytecode, interfaces } = compile("Asker", ["IRoyalties.sol", "ITasks.sol"]);
const at = (low) => `0x${low.padStart(40, "0")}`;
const tasks = { address: at("1006"), abi: interfaces["ITasks.sol"] };
const royalties = { address: at("1008"), abi: interfaces["IRoyalties.sol"] };
const COMPLETED = 3;

const read = (contract, functionName, args) => client.readContract({ ...contract, functionName, args });
async function send(from, contract, functionName, args, value = 0n) {
  const hash = await from.writeContract({ ...contract, functionName, args, value });
  const receipt = await client.waitForTransactionReceipt({ hash });
  assert.equal(receipt.status, "success", functionName);
  return receipt;
}

/** An answer of the gateway; `session` names who asks. */
async function api(path, session, body) {
  const headers = { "content-type": "application/json", "x-tributary-session": session };
  const init = body === undefined ? { headers } : { method: "POST", headers, body: JSON.stringify(body) };
  const answer = await fetch(`${url}/api/v1${path}`, init);
  return { status: answer.status, body: await answer.json() };
}
const guest = async () => (await api("/guests", "", {})).body.session;

/** Asks again until there is an answer: tasks are answered and roots posted in their own time. */
async function until(what, seconds, ask) {
  const end = Date.now() + seconds * 1000;
  while (Date.now() < end) {
    const found = await ask();
    if (found) return found;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`no ${what} within ${seconds} s`);
}

/** The contract's form of a receipt, field by field. */
const onChain = (r) => ({
  gateway: r.gateway, payer: r.payer, channelId: r.channel, provider: r.provider,
  modelId: BigInt(r.model), modelDigest: hex(r.model_digest), adapterDigest: hex(r.adapter_digest),
  tokenizerDigest: hex(r.tokenizer_digest),
  snapshot: { datanetId: BigInt(r.snapshot.datanet), version: r.snapshot.version, root: r.snapshot.root },
  promptCommitment: hex(r.prompt_commitment), completionCommitment: hex(r.completion_commitment),
  promptTokens: r.prompt_tokens, completionTokens: r.completion_tokens,
  sampler: {
    temperatureMicro: r.temperature_micro, topPPpm: r.top_p_ppm, topK: r.top_k,
    maxTokens: r.max_tokens, digest: hex(r.sampler_digest),
  },
  jobSeed: hex(r.job_seed), logitsDigest: hex(r.logits_digest), feeCompute: BigInt(r.fee_compute),
  feeLicence: BigInt(r.fee_licence), spansDigest: hex(r.spans_digest),
  sharesDigest: hex(r.shares_digest), blockNumber: BigInt(r.block_number), blockHash: r.block_hash,
  issuedAt: BigInt(r.issued_at),
});
const hex = (digest) => (digest.startsWith("0x") ? digest : `0x${digest}`);

const session = await guest();
let asker;
let kept;
let task;

const ask = async (prompt, value) => {
  const { timestamp } = await client.getBlock();
  const args = [BigInt(kept.model), prompt, kept.provider, kept.gateway, timestamp + 600n];
  const { logs } = await send(owner, asker, "ask", args, value);
  const [event] = viem.parseEventLogs({ abi, logs, eventName: "Asked" });
  return event.args.task;
};

await scenario("a prompt is left at the gateway, which says what a task must name", async () => {
  const { items } = (await api("/models", session)).body;
  const asked = { model: items.at(-1).name, max_tokens: 16, temperature: 0 };
  const nobody = await api("/prompts", "", { ...asked, prompt: "Once" });
  assert.equal(nobody.status, 401);
  const empty = await api("/prompts", session, { ...asked, messages: [] });
  assert.equal(empty.status, 400);
  const messages = [{ role: "user", content: "Who keeps the lantern?" }];
  kept = (await api("/prompts", session, { ...asked, messages })).body;
  assert.equal(kept.prompt_ids.length, kept.prompt_tokens);
  assert.ok(BigInt(kept.max_fee) > 0n);
  const hash = await owner.deployContract({ abi, bytecode });
  const { contractAddress } = await client.waitForTransactionReceipt({ hash });
  asker = { address: contractAddress, abi };
});

await scenario("the node's provider answers the contract, which has the rest of its escrow", async () => {
  const value = BigInt(kept.max_fee) * 2n;
  task = await ask(hex(kept.input_digest), value);
  const done = await until("answer", 60, async () => {
    const found = await read(tasks, "getTask", [task]);
    return found.state === COMPLETED ? found : null;
  });
  assert.equal(done.acceptedBy, viem.getAddress(kept.provider));
  assert.ok(done.fee > 0n && done.fee <= BigInt(kept.max_fee), `${done.fee}`);
  assert.equal(await client.getBalance({ address: asker.address }), value - done.fee);
});

await scenario("the contract checks the receipt that it paid for", async () => {
  const { resultDigest, fee } = await read(tasks, "getTask", [task]);
  const shown = await until("receipt", 60, async () => {
    const { status, body } = await api(`/receipts/${resultDigest}`, session);
    return status === 200 ? body : null;
  });
  const receipt = onChain(shown.receipt.body);
  const { signature } = shown.receipt;
  assert.equal(await read(royalties, "receiptDigest", [receipt]), resultDigest);
  const { logs } = await send(owner, asker, "settle", [task, receipt, signature]);
  const [event] = viem.parseEventLogs({ abi, logs, eventName: "Answered" });
  assert.equal(event.args.completion, receipt.completionCommitment);
  assert.equal(event.args.fee, fee);
  const forged = { ...receipt, completionTokens: receipt.completionTokens + 1 };
  const args = [task, forged, signature];
  const refused = client.simulateContract({ ...asker, functionName: "settle", args, account: owner.account });
  await assert.rejects(refused, /another receipt/);
});

await scenario("the answer is its asker's alone, and all of it can be derived again", async () => {
  const { resultDigest } = await read(tasks, "getTask", [task]);
  const told = await api(`/receipts/${resultDigest}/transcript`, session);
  assert.ok(told.body.completion.length > 0);
  const other = await api(`/receipts/${resultDigest}/transcript`, await guest());
  assert.equal(other.status, 403);
  const report = await until("root with the receipt", 60, async () => {
    const { body } = await api(`/receipts/${resultDigest}/verify`, session);
    return body.verified ? body : null;
  });
  assert.ok(report.checks.every((check) => check.status === "ok"));
  const paid = await api(`/receipts/${resultDigest}`, session);
  assert.notEqual(paid.body.state, "pending");
});

await scenario("a prompt that nobody keeps is not answered, and its escrow comes back whole", async () => {
  const before = await client.getBalance({ address: asker.address });
  const idle = await ask(viem.keccak256(viem.toHex("nobody knows this one")), viem.parseEther("1"));
  assert.equal((await read(tasks, "getTask", [idle])).state, 1);
  await send(owner, asker, "cancel", [idle]);
  assert.equal(await client.getBalance({ address: asker.address }), before + viem.parseEther("1"));
});

finish();
