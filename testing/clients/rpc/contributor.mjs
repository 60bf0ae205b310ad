// A Solidity contract contributes rows, is paid when an answer quotes them, and claims its own
// royalty with the proof. Needs the whole node: chain, gateway, provider.

import assert from "node:assert/strict";
import { compile, finish, mnemonic, require, scenario, url } from "./_setup.mjs";

const viem = require("viem");
const { mnemonicToAccount } = require("viem/accounts");

if (!process.env.TRIBUTARY_BASE_URL) {
  console.log("SKIPPED: TRIBUTARY_BASE_URL names no gateway");
  process.exit(0);
}
const { baseURL, guest, rest, until } = await import("../openai/_setup.mjs");

const account = mnemonicToAccount(mnemonic, { addressIndex: 8 });
const transport = viem.http(url);
const probe = viem.createPublicClient({ transport });
const chain = viem.defineChain({
  id: await probe.getChainId(),
  name: "Tributary",
  nativeCurrency: { name: "OPEN", symbol: "OPEN", decimals: 18 },
  rpcUrls: { default: { http: [url] } },
});
const client = viem.createPublicClient({ chain, transport, pollingInterval: 50 });
const wallet = viem.createWalletClient({ account, chain, transport });
const { abi, bytecode, interfaces } = compile("Contributor", ["IChannels.sol", "IDatanets.sol"]);
const datanets = "0x0000000000000000000000000000000000001003";
const mined = async (hash) => {
  const receipt = await client.waitForTransactionReceipt({ hash });
  assert.equal(receipt.status, "success");
  return receipt;
};

let contract;
let datanet;
let model;
let receipt;
let prompt;
let session;

await scenario("a contract contributes rows with a stake", async () => {
  session = (await guest()).session;
  const made = await rest("POST", "/datanets", {
    session,
    body: { name: "Rows of a contract", description: "Contributed by code.", licence: "CC-BY-4.0" },
  });
  datanet = made.id;
  const { contractAddress } = await mined(await wallet.deployContract({ abi, bytecode }));
  contract = viem.getContract({ address: contractAddress, abi, client: { public: client, wallet } });
  const raw = await rest("GET", "/samples/newcomer", { text: true });
  prompt = JSON.parse(raw.split("\n")[0]).prompt;
  const path = `/uploads?filename=rows.jsonl&datanet=${datanet}&account=${contractAddress}`;
  const upload = await rest("POST", path, { raw });
  const body = { upload: upload.id };
  const prepared = await rest("POST", `/datanets/${datanet}/contributions/prepare`, { body });
  const [call] = prepared.calls;
  const { args } = viem.decodeFunctionData({ abi: interfaces["IDatanets.sol"], data: call.data });
  await mined(await contract.write.contribute(args, { value: BigInt(prepared.total) }));
  const id = await contract.read.contribution();
  const stored = await client.readContract({
    address: datanets,
    abi: interfaces["IDatanets.sol"],
    functionName: "getContribution",
    args: [id],
  });
  assert.equal(stored.contributor, viem.getAddress(contractAddress));
  await until("published contribution", 120, async () => {
    const shown = await rest("GET", `/contributions/${id}`);
    assert.notEqual(shown.state, "rejected");
    return shown.state === "published";
  });
});

await scenario("a model is trained on them and quotes them", async () => {
  const job = await rest("POST", "/jobs", { session, body: { datanet, preset: "quick" } });
  const over = ["done", "failed", "cancelled", "expired"];
  const done = await until("trained model", 600, async () => {
    const shown = await rest("GET", `/jobs/${job.id}`);
    return over.includes(shown.state) && shown;
  });
  assert.equal(done.state, "done", JSON.stringify(done));
  model = done.model_name;
  const response = await fetch(`${baseURL}/chat/completions`, {
    method: "POST",
    headers: {
      authorization: `Bearer ${process.env.TRIBUTARY_API_KEY}`,
      "content-type": "application/json",
    },
    body: JSON.stringify({
      model,
      messages: [{ role: "user", content: prompt }],
      temperature: 0,
      max_tokens: 40,
    }),
  });
  const answer = await response.json();
  assert.equal(response.status, 200, JSON.stringify(answer));
  receipt = answer.tributary.receipt_id;
});

await scenario("the contract claims its royalty with the proof", async () => {
  const mine = (part) =>
    part.role === "data" && part.party.toLowerCase() === contract.address.toLowerCase();
  const share = await until("posted root", 120, async () => {
    const { explain } = await rest("GET", `/receipts/${receipt}`);
    assert.ok(explain.some(mine), "the answer quotes no row of the contract");
    return explain.find((part) => mine(part) && part.proof);
  });
  const { gateway, epoch, index, cumulative, proof } = share.proof;
  const siblings = proof.siblings.map(({ hash, sum }) => ({ hash, sum: BigInt(sum) }));
  const args = [gateway, BigInt(epoch), 3, BigInt(cumulative), BigInt(index), siblings];
  // The root is held back for a while, and only then can be claimed.
  const hash = await until("end of the hold-back", 60, async () => {
    const ready = contract.simulate.claim(args, { account, blockTag: "pending" });
    return (await ready.then(() => true, () => false)) && contract.write.claim(args);
  });
  const claimed = await mined(hash);
  const [{ args: event }] = viem.parseEventLogs({ abi, logs: claimed.logs, eventName: "Received" });
  assert.equal(event.amount, BigInt(cumulative));
  // Over the block of the claim alone: other money may reach the contract before and after.
  const { address } = contract;
  const [before, after] = await Promise.all(
    [claimed.blockNumber - 1n, claimed.blockNumber].map((blockNumber) =>
      client.getBalance({ address, blockNumber }),
    ),
  );
  assert.equal(after - before, event.amount);
  const again = contract.simulate.claim(args, { account, blockTag: "pending" });
  const paid = await again.then(({ result }) => result, () => 0n);
  assert.equal(paid, 0n, "a claim pays once");
  const raised = args.with(3, BigInt(cumulative) + 1n);
  await assert.rejects(contract.simulate.claim(raised, { account, blockTag: "pending" }));
});

finish();
