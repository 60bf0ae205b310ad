// A Solidity contract asks a model by a task with escrow: a provider accepts, delivers its signed
// receipt, and the contract has the rest back in the same transaction.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
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
const [owner, provider] = [wallet(3), wallet(4)];
const { abi, bytecode, interfaces } = compile("Asker", ["IRoyalties.sol", "ITasks.sol"]);
const module = (low, file) => {
  const path = new URL(`../../../crates/contracts/abi/${file}.json`, import.meta.url);
  return { address: `0x${low.padStart(40, "0")}`, abi: JSON.parse(readFileSync(path, "utf8")) };
};
const staking = module("1002", "IStaking");
const models = module("1004", "IModels");
const tasks = { address: module("1006", "ITasks").address, abi: interfaces["ITasks.sol"] };
const royalties = { address: module("1008", "IRoyalties").address, abi: interfaces["IRoyalties.sol"] };

const read = (contract, functionName, args) => client.readContract({ ...contract, functionName, args });
async function send(from, contract, functionName, args, value = 0n) {
  const hash = await from.writeContract({ ...contract, functionName, args, value });
  const receipt = await client.waitForTransactionReceipt({ hash });
  assert.equal(receipt.status, "success", functionName);
  return receipt;
}

const open = viem.parseEther;
const zero = viem.zeroHash;
const prompt = viem.keccak256(viem.toHex("what is tea?"));
let asker;
let model;

const ask = async (value) => {
  const { timestamp } = await client.getBlock();
  const args = [model, prompt, provider.account.address, timestamp + 600n];
  const { logs } = await send(owner, asker, "ask", args, value);
  const [event] = viem.parseEventLogs({ abi, logs, eventName: "Asked" });
  return event.args.task;
};

await scenario("a contract asks a model and its escrow is held", async () => {
  const spec = {
    kind: 1, name: `asker/${Date.now()}`, digest: viem.keccak256(viem.toHex(Date.now())),
    tokenizerDigest: zero, cardDigest: zero, licence: "CC0-1.0", uri: "", parents: [], snapshots: [],
    priceIn: 0n, priceOut: 0n, derivativeSharePpm: 0,
  };
  await send(owner, models, "registerModel", [spec]);
  model = (await read(models, "modelByName", [spec.name])).id;
  await send(provider, staking, "stake", [], open("2"));
  await send(provider, staking, "provision", [1, open("2")]);
  const { id: provision } = await read(staking, "provisionOf", [provider.account.address, 1]);
  const key = provider.account.address;
  await send(provider, staking, "setProfile", [provision, "", key, 0n, 0n, 0n]);
  const hash = await owner.deployContract({ abi, bytecode });
  const { contractAddress } = await client.waitForTransactionReceipt({ hash });
  asker = { address: contractAddress, abi };
  const task = await read(tasks, "getTask", [await ask(open("1"))]);
  assert.equal(task.requester, viem.getAddress(contractAddress));
  assert.equal(task.maxFee, open("1"));
});

await scenario("the provider delivers its receipt; the contract checks it and has the rest", async () => {
  const task = await ask(open("1"));
  await send(provider, tasks, "acceptTask", [task]);
  const receipt = {
    gateway: viem.zeroAddress, payer: asker.address, channelId: zero,
    provider: provider.account.address, modelId: model, modelDigest: zero, adapterDigest: zero,
    tokenizerDigest: zero, snapshot: { datanetId: 0n, version: 0, root: zero },
    promptCommitment: prompt, completionCommitment: viem.keccak256(viem.toHex("a leaf")),
    promptTokens: 4, completionTokens: 3,
    sampler: { temperatureMicro: 0, topPPpm: 1_000_000, topK: 0, maxTokens: 8, digest: zero },
    jobSeed: zero, logitsDigest: zero, feeCompute: open("0.25"), feeLicence: 0n, spansDigest: zero,
    sharesDigest: zero, blockNumber: 1n, blockHash: zero, issuedAt: 1n,
  };
  const digest = await read(royalties, "receiptDigest", [receipt]);
  const signature = await provider.account.sign({ hash: digest });
  const before = await client.getBalance({ address: asker.address });
  await send(provider, tasks, "completeTask", [task, digest, zero, open("0.25")]);
  const after = await client.getBalance({ address: asker.address });
  assert.equal(after - before, open("0.75"), "the rest of the escrow");
  const { logs } = await send(owner, asker, "settle", [task, receipt, signature]);
  const [event] = viem.parseEventLogs({ abi, logs, eventName: "Answered" });
  assert.equal(event.args.completion, receipt.completionCommitment);
  assert.equal(event.args.fee, open("0.25"));
  const forged = { ...receipt, completionTokens: 4 };
  const args = [task, forged, signature];
  const refused = client.simulateContract({ ...asker, functionName: "settle", args, account: owner.account });
  await assert.rejects(refused, /another receipt/);
});

await scenario("a task that nobody took is called off and comes back whole", async () => {
  const task = await ask(open("1"));
  const before = await client.getBalance({ address: asker.address });
  await send(owner, asker, "cancel", [task]);
  assert.equal((await client.getBalance({ address: asker.address })) - before, open("1"));
});

finish();
