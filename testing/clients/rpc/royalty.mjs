// A Solidity contract contributes rows and claims its own royalty with the proof.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { finish, mnemonic, require, scenario, url } from "./_setup.mjs";

const viem = require("viem");
const solc = require("solc");
const { mnemonicToAccount } = require("viem/accounts");
const { concat, createPublicClient, createTestClient, createWalletClient, http, keccak256, pad, parseEther, toHex } = viem;

const contracts = new URL("../../../crates/contracts/", import.meta.url);
const abiOf = (name) => JSON.parse(readFileSync(new URL(`abi/${name}.json`, contracts), "utf8"));
const address = (low) => `0x${low.toString(16).padStart(40, "0")}`;
const modules = Object.fromEntries(
  [["IStaking", 0x1002], ["IDatanets", 0x1003], ["IChannels", 0x1007]].map(([name, low]) => [
    name,
    { address: address(low), abi: abiOf(name) },
  ]),
);

/** Compiles Earner.sol against the interfaces that the chain ships. */
function compile() {
  const text = (path) => ({ content: readFileSync(path, "utf8") });
  const sources = { "Earner.sol": text(new URL("Earner.sol", import.meta.url)) };
  for (const name of ["IChannels.sol", "IDatanets.sol"]) {
    sources[name] = text(new URL(`solidity/${name}`, contracts));
  }
  const settings = { outputSelection: { "*": { "*": ["abi", "evm.bytecode.object"] } } };
  const output = JSON.parse(solc.compile(JSON.stringify({ language: "Solidity", sources, settings })));
  const errors = (output.errors ?? []).filter((error) => error.severity === "error");
  if (errors.length > 0) throw new Error(errors.map((e) => e.formattedMessage).join("\n"));
  const contract = output.contracts["Earner.sol"].Earner;
  // The modules' errors too, so that a refusal inside the contract has its name.
  const errorsOf = modules.IChannels.abi.filter((item) => item.type === "error");
  return { abi: [...contract.abi, ...errorsOf], bytecode: `0x${contract.evm.bytecode.object}` };
}

const probe = createPublicClient({ transport: http(url) });
const id = await probe.getChainId();
const chain = viem.defineChain({
  id,
  name: "Tributary",
  nativeCurrency: { name: "OPEN", symbol: "OPEN", decimals: 18 },
  rpcUrls: { default: { http: [url] } },
});
const client = createPublicClient({ chain, transport: http(url), pollingInterval: 50 });
const test = createTestClient({ chain, mode: "anvil", transport: http(url) });
const wallet = (index) =>
  createWalletClient({ account: mnemonicToAccount(mnemonic, { addressIndex: index }), chain, transport: http(url) });
const [gateway, payer, passerBy] = [wallet(5), wallet(6), wallet(7)];

const read = (module, functionName, args = []) => client.readContract({ ...modules[module], functionName, args });
async function send(from, contract, functionName, args = [], value = 0n) {
  const hash = await from.writeContract({ ...contract, functionName, args, value });
  const receipt = await client.waitForTransactionReceipt({ hash });
  assert.equal(receipt.status, "success", functionName);
  return receipt;
}

const word = (value, size) => pad(toHex(value), { size });
const leafHash = ({ role, party, cumulative }) =>
  keccak256(concat(["0x5300", word(role, 1), pad(party, { size: 32 }), word(cumulative, 16)]));
const { abi, bytecode } = compile();
let earner;

await scenario("a contract contributes rows with its own coins", async () => {
  const hash = await passerBy.deployContract({ abi, bytecode, value: parseEther("2") });
  const contractAddress = viem.getAddress((await client.waitForTransactionReceipt({ hash })).contractAddress);
  earner = { address: contractAddress, abi };
  const spec = { name: "Contracts", uri: "", schemaHash: word(0, 32), licence: "CC0-1.0", reviewers: 1, acceptScore: 60, autoPublish: true };
  const created = await send(passerBy, modules.IDatanets, "createDatanet", [spec]);
  const [event] = viem.parseEventLogs({
    abi: modules.IDatanets.abi,
    eventName: "DatanetCreated",
    logs: created.logs,
  });
  const datanet = event.args.id;
  await send(passerBy, earner, "contribute", [datanet, word(7, 32), 3n, word(9, 32)]);
  const [contribution] = await read("IDatanets", "contributionsBy", [contractAddress, 0n, 1n]);
  const found = await read("IDatanets", "getContribution", [contribution]);
  assert.equal(found.contributor, contractAddress);
  assert.equal(found.stake, parseEther("1"));
});

await scenario("the contract claims its own royalty with the proof, once", async () => {
  const ours = gateway.account.address;
  await send(gateway, modules.IStaking, "stake", [], parseEther("2"));
  await send(gateway, modules.IStaking, "provision", [3, parseEther("2")]);
  await send(payer, modules.IChannels, "deposit", [], parseEther("1"));
  const signer = payer.account.address;
  const channelId = await read("IChannels", "nextChannelId", [signer, ours, signer]);
  const { timestamp } = await client.getBlock();
  await send(payer, modules.IChannels, "openChannel", [ours, signer, parseEther("1"), timestamp + 3600n]);
  const voucher = {
    channelId,
    seq: 1n,
    cumulative: parseEther("1"),
    usageRoot: word(0, 32),
    deadline: timestamp + 3600n,
  };
  const Voucher = ["bytes32 channelId", "uint64 seq", "uint128 cumulative", "bytes32 usageRoot", "uint64 deadline"].map(
    (field) => ({ type: field.split(" ")[0], name: field.split(" ")[1] }),
  );
  const domain = { name: "Tributary Channels", version: "1", chainId: id, verifyingContract: modules.IChannels.address };
  const signature = await payer.signTypedData({ domain, types: { Voucher }, primaryType: "Voucher", message: voucher });
  await send(gateway, modules.IChannels, "redeem", [voucher, signature]);

  const leaves = [
    { role: 1, party: ours, cumulative: parseEther("0.3") },
    { role: 3, party: earner.address, cumulative: parseEther("0.7") },
  ];
  const [left, right] = leaves.map((leaf) => ({ hash: leafHash(leaf), sum: leaf.cumulative }));
  const top = keccak256(concat(["0x5301", left.hash, word(left.sum, 16), right.hash, word(right.sum, 16)]));
  const total = left.sum + right.sum;
  const root = keccak256(concat(["0x5302", word(2, 8), top, word(total, 16)]));
  await send(gateway, modules.IChannels, "postEpochRoot", [1n, root, total, 2n, word(0, 32)]);
  const { holdBack } = await read("IChannels", "channelsParams");
  await test.increaseTime({ seconds: Number(holdBack) + 1 });
  await test.mine({ blocks: 1 });

  const proof = [ours, 1n, right.sum, 1n, [left]];
  const before = await client.getBalance({ address: earner.address });
  await send(passerBy, earner, "claim", proof);
  assert.equal((await client.getBalance({ address: earner.address })) - before, right.sum);
  await assert.rejects(
    client.simulateContract({ ...earner, functionName: "claim", args: proof, account: passerBy.account }),
    /NothingToClaim/,
  );
  const raised = [ours, 1n, right.sum + 1n, 1n, [left]];
  await assert.rejects(
    client.simulateContract({ ...earner, functionName: "claim", args: raised, account: passerBy.account }),
    /BadProof/,
  );
});

finish();
