// Stock viem against the node.

import assert from "node:assert/strict";
import { awaited, compile, finish, mnemonic, require, scenario, url, webSocketUrl } from "./_setup.mjs";

const viem = require("viem");
const { mnemonicToAccount } = require("viem/accounts");
const { createPublicClient, createTestClient, createWalletClient, http, parseEther, webSocket } = viem;

const account = mnemonicToAccount(mnemonic, { addressIndex: 0 });
const other = mnemonicToAccount(mnemonic, { addressIndex: 1 });
const probe = createPublicClient({ transport: http(url) });
const id = await probe.getChainId();
const chain = viem.defineChain({
  id,
  name: "Tributary",
  nativeCurrency: { name: "OPEN", symbol: "OPEN", decimals: 18 },
  rpcUrls: { default: { http: [url], webSocket: [webSocketUrl] } },
});
const pollingInterval = 50;
const client = createPublicClient({ chain, transport: http(url), pollingInterval });
const batching = createPublicClient({ chain, transport: http(url, { batch: true }) });
const live = createPublicClient({ chain, transport: webSocket(webSocketUrl), pollingInterval });
const wallet = createWalletClient({ account, chain, transport: http(url) });
const test = createTestClient({ chain, mode: "anvil", transport: http(url) });
const { abi, bytecode } = compile();
const mined = (hash) => client.waitForTransactionReceipt({ hash });

let tally;

await scenario("chain id, block number, gas price, syncing", async () => {
  assert.equal(id, 7310);
  assert.equal(typeof (await client.getBlockNumber()), "bigint");
  assert.ok((await client.getGasPrice()) > 0n);
  assert.ok((await client.estimateFeesPerGas()).maxFeePerGas > 0n);
  assert.equal(await client.request({ method: "eth_syncing" }), false);
});

await scenario("accounts and balances", async () => {
  const addresses = await wallet.getAddresses();
  assert.equal(addresses[0], account.address);
  assert.equal((await test.request({ method: "eth_accounts" })).length, 10);
  assert.ok((await client.getBalance({ address: account.address })) > parseEther("1"));
});

await scenario("a transfer arrives and costs what the receipt says", async () => {
  const [before, mine] = await Promise.all([
    client.getBalance({ address: other.address }),
    client.getBalance({ address: account.address }),
  ]);
  const hash = await wallet.sendTransaction({ to: other.address, value: parseEther("1.5") });
  const receipt = await mined(hash);
  assert.equal(receipt.status, "success");
  assert.equal(receipt.gasUsed, 21000n);
  assert.equal(await client.getBalance({ address: other.address }), before + parseEther("1.5"));
  const cost = receipt.gasUsed * receipt.effectiveGasPrice;
  const left = await client.getBalance({ address: account.address });
  assert.equal(left, mine - parseEther("1.5") - cost);
  const tx = await client.getTransaction({ hash });
  assert.equal(tx.from.toLowerCase(), account.address.toLowerCase());
  assert.equal(tx.type, "eip1559");
  const block = await client.getBlock({ blockHash: receipt.blockHash, includeTransactions: true });
  assert.ok(block.transactions.some((inner) => inner.hash === hash));
});

await scenario("legacy and access list transactions", async () => {
  const gasPrice = (await client.getGasPrice()) * 2n;
  for (const extra of [{ type: "legacy" }, { type: "eip2930", accessList: [] }]) {
    const hash = await wallet.sendTransaction({ to: other.address, value: 1n, gasPrice, ...extra });
    const receipt = await mined(hash);
    assert.equal(receipt.type, extra.type);
  }
});

await scenario("a set-code transaction delegates", async () => {
  const authorization = await wallet.signAuthorization({
    contractAddress: "0x0000000000000000000000000000000000000004",
    executor: "self",
  });
  const hash = await wallet.sendTransaction({
    to: account.address,
    authorizationList: [authorization],
  });
  assert.equal((await mined(hash)).type, "eip7702");
  const code = await client.getCode({ address: account.address });
  assert.equal(code, "0xef01000000000000000000000000000000000000000004");
  const undo = await wallet.signAuthorization({ contractAddress: viem.zeroAddress, executor: "self" });
  await mined(await wallet.sendTransaction({ to: account.address, authorizationList: [undo] }));
});

await scenario("deploy, read, write, events", async () => {
  const hash = await wallet.deployContract({ abi, bytecode, args: [10n] });
  const receipt = await mined(hash);
  tally = viem.getContract({ address: receipt.contractAddress, abi, client: { public: client, wallet } });
  assert.equal(await tally.read.sum(), 10n);
  const added = await mined(await tally.write.add([5n]));
  const [log] = viem.parseEventLogs({ abi, logs: added.logs });
  assert.equal(log.eventName, "Added");
  assert.deepEqual(log.args, { who: account.address, amount: 5n, sum: 15n });
  const logs = await tally.getEvents.Added({ who: account.address }, { fromBlock: added.blockNumber });
  assert.equal(logs.length, 1);
  assert.equal(logs[0].transactionHash, added.transactionHash);
  const code = await client.getCode({ address: tally.address });
  assert.ok(code.length > 100);
});

await scenario("simulate and estimate name the revert", async () => {
  const { result } = await client.simulateContract({ ...tally, functionName: "add", args: [1n], account });
  assert.equal(result, 16n);
  await assert.rejects(tally.simulate.add([0n], { account }), /nothing to add/);
  await assert.rejects(tally.simulate.add([2000n], { account }), /TooMuch/);
  await assert.rejects(tally.estimateGas.add([0n], { account }), /nothing to add/);
  const gas = await tally.estimateGas.add([7n], { account });
  const receipt = await mined(await tally.write.add([7n], { gas }));
  assert.equal(receipt.status, "success");
});

await scenario("state overrides change a call and nothing else", async () => {
  const before = await tally.read.sum();
  const data = viem.encodeFunctionData({ abi, functionName: "sum" });
  const slot = viem.toHex(0n, { size: 32 });
  const value = viem.toHex(4242n, { size: 32 });
  const stateOverride = [{ address: tally.address, stateDiff: [{ slot, value }] }];
  const answer = await client.call({ to: tally.address, data, stateOverride });
  assert.equal(BigInt(answer.data), 4242n);
  assert.equal(await tally.read.sum(), before);
});

await scenario("multicall through the predeployed contract", async () => {
  const calls = [0, 1].map(() => ({ address: tally.address, abi, functionName: "sum" }));
  const multicallAddress = "0xcA11bde05977b3631167028862bE2a173976CA11";
  const answers = await client.multicall({ contracts: calls, multicallAddress, allowFailure: false });
  assert.equal(answers[0], answers[1]);
  const code = await client.getCode({ address: multicallAddress });
  const canonical = "0xd5c15df687b16f2ff992fc8d767b4216323184a2bbc6ee2f9c398c318e770891";
  assert.equal(viem.keccak256(code), canonical);
});

await scenario("blocks of calls are simulated, each on the one before", async () => {
  const someone = viem.getAddress("0x00000000000000000000000000000000000000ee");
  const [first, second] = await client.simulateBlocks({
    blocks: [
      {
        stateOverrides: [{ address: someone, balance: parseEther("2") }],
        calls: [{ account: someone, to: other.address, value: parseEther("1") }],
      },
      { calls: [{ account: someone, to: tally.address, abi, functionName: "add", args: [0n] }] },
    ],
    traceTransfers: true,
  });
  assert.equal(second.number, first.number + 1n);
  assert.equal(first.calls[0].status, "success");
  assert.equal(BigInt(first.calls[0].logs[0].data), parseEther("1"));
  assert.equal(second.calls[0].status, "failure");
  assert.match(second.calls[0].error.message, /nothing to add/);
  assert.equal(await client.getBalance({ address: someone }), 0n);
});

await scenario("a fee under the base fee is included, an impossible one refused", async () => {
  const { baseFeePerGas } = await client.getBlock({ blockTag: "pending" });
  const fee = (baseFeePerGas * 97n) / 100n;
  // With its gas: an estimate, like a call, refuses a fee below the base fee of now.
  const gas = 21000n;
  const low = { to: other.address, value: 1n, maxFeePerGas: fee, maxPriorityFeePerGas: 0n, gas };
  const receipt = await mined(await wallet.sendTransaction(low));
  assert.ok(receipt.effectiveGasPrice <= fee);
  const impossible = { ...low, maxFeePerGas: 1n };
  await assert.rejects(wallet.sendTransaction(impossible), /underpriced/);
});

await scenario("a batch of calls", async () => {
  const answers = await Promise.all([
    batching.getBlockNumber(),
    batching.getChainId(),
    batching.getBalance({ address: account.address }),
  ]);
  assert.equal(answers[1], id);
});

await scenario("fee history and proof", async () => {
  const history = await client.getFeeHistory({ blockCount: 4, rewardPercentiles: [25, 75] });
  assert.equal(history.baseFeePerGas.length, history.gasUsedRatio.length + 1);
  assert.equal(history.reward.at(-1).length, 2);
  const storageKeys = [viem.toHex(0n, { size: 32 })];
  const proof = await client.getProof({ address: tally.address, storageKeys });
  assert.equal(proof.storageProof[0].value, await tally.read.sum());
  assert.ok(proof.accountProof.length > 0);
});

await scenario("watch blocks, events and pending transactions over WebSocket", async () => {
  const [block, event, pending] = ["block", "event", "pending transaction"].map(awaited);
  const failed = (error) => console.log(error);
  const stop = [
    live.watchBlocks({ onBlock: block.resolve, onError: failed }),
    live.watchContractEvent({ ...tally, onLogs: event.resolve, onError: failed }),
    live.watchPendingTransactions({ onTransactions: pending.resolve, onError: failed }),
  ];
  // A subscription is confirmed before the next call on the same socket is answered.
  await live.getBlockNumber();
  await live.getBlockNumber();
  const hash = await tally.write.add([3n]);
  await mined(hash);
  const [log] = await event.promise;
  assert.equal(log.transactionHash, hash);
  assert.equal(log.args.amount, 3n);
  assert.ok((await block.promise).number > 0n);
  assert.ok((await pending.promise).length > 0);
  stop.forEach((end) => end());
});

await scenario("polled filters", async () => {
  const filter = await client.createContractEventFilter({ ...tally, eventName: "Added" });
  const blocks = await client.createBlockFilter();
  await mined(await tally.write.add([2n]));
  const logs = await client.getFilterChanges({ filter });
  assert.equal(logs.length, 1);
  assert.deepEqual(await client.getFilterChanges({ filter }), []);
  assert.ok((await client.getFilterChanges({ filter: blocks })).length >= 1);
  assert.equal(await client.uninstallFilter({ filter }), true);
  await assert.rejects(client.getFilterChanges({ filter }), /filter not found/);
});

await scenario("trace of a transaction", async () => {
  const hash = await tally.write.add([1n]);
  await mined(hash);
  const params = [hash, { tracer: "callTracer" }];
  const trace = await client.request({ method: "debug_traceTransaction", params });
  assert.equal(trace.to.toLowerCase(), tally.address.toLowerCase());
  assert.equal(trace.type, "CALL");
  const steps = await client.request({ method: "debug_traceTransaction", params: [hash, {}] });
  assert.ok(steps.structLogs.length > 10);
});

await scenario("cheat codes: mine, time, snapshot, balance, code, nonce, storage", async () => {
  const snapshot = await test.snapshot();
  const height = await client.getBlockNumber({ cacheTime: 0 });
  await test.mine({ blocks: 3 });
  assert.equal(await client.getBlockNumber({ cacheTime: 0 }), height + 3n);
  const { timestamp } = await client.getBlock();
  await test.setNextBlockTimestamp({ timestamp: timestamp + 1000n });
  await test.mine({ blocks: 1 });
  assert.equal((await client.getBlock()).timestamp, timestamp + 1000n);
  await test.increaseTime({ seconds: 500 });
  await test.mine({ blocks: 1 });
  assert.ok((await client.getBlock()).timestamp >= timestamp + 1500n);
  const address = "0x00000000000000000000000000000000000000aB";
  await test.setBalance({ address, value: parseEther("3") });
  assert.equal(await client.getBalance({ address }), parseEther("3"));
  await test.setCode({ address, bytecode: "0x6001" });
  assert.equal(await client.getCode({ address }), "0x6001");
  await test.setNonce({ address, nonce: 5 });
  assert.equal(await client.getTransactionCount({ address }), 5);
  const value = viem.toHex(7n, { size: 32 });
  await test.setStorageAt({ address, index: 2, value });
  assert.equal(await client.getStorageAt({ address, slot: "0x2" }), value);
  await test.revert({ id: snapshot });
  assert.equal(await client.getBlockNumber({ cacheTime: 0 }), height);
  assert.equal(await client.getBalance({ address }), 0n);
});

await scenario("cheat codes: impersonate, automine, drop", async () => {
  const address = "0x00000000000000000000000000000000000000Cd";
  await test.setBalance({ address, value: parseEther("1") });
  await test.impersonateAccount({ address });
  const stranger = createWalletClient({ account: address, chain, transport: http(url) });
  const hash = await stranger.sendTransaction({ to: other.address, value: 1n });
  const receipt = await mined(hash);
  assert.equal(receipt.from, address.toLowerCase());
  await test.stopImpersonatingAccount({ address });
  await assert.rejects(stranger.sendTransaction({ to: other.address, value: 1n }), /unknown account/);
  await test.setAutomine(false);
  const waiting = await wallet.sendTransaction({ to: other.address, value: 1n });
  // Others may be sending meanwhile, so look for this one.
  const hashes = async () => {
    const { pending } = await test.getTxpoolContent();
    return Object.values(pending).flatMap((lane) => Object.values(lane).map((tx) => tx.hash));
  };
  assert.ok((await test.getTxpoolStatus()).pending >= 1);
  assert.ok((await hashes()).includes(waiting));
  assert.equal((await client.getTransaction({ hash: waiting })).blockNumber, null);
  await test.dropTransaction({ hash: waiting });
  assert.ok(!(await hashes()).includes(waiting));
  await test.setAutomine(true);
});

await scenario("signing by the node, and by the account", async () => {
  const message = "tributary";
  const byNode = await client.request({
    method: "personal_sign",
    params: [viem.stringToHex(message), account.address],
  });
  assert.equal(byNode, await account.signMessage({ message }));
  const typed = {
    domain: { name: "Tally", version: "1", chainId: id, verifyingContract: tally.address },
    types: {
      Person: [{ name: "name", type: "string" }, { name: "wallet", type: "address" }],
      Mail: [
        { name: "from", type: "Person" },
        { name: "to", type: "Person[]" },
        { name: "amount", type: "uint256" },
        { name: "contents", type: "bytes" },
      ],
    },
    primaryType: "Mail",
    message: {
      from: { name: "a", wallet: account.address },
      to: [{ name: "b", wallet: other.address }],
      amount: 7n,
      contents: "0x1234",
    },
  };
  const node = createWalletClient({ account: account.address, chain, transport: http(url) });
  assert.equal(await node.signTypedData(typed), await account.signTypedData(typed));
});

await scenario("errors carry the codes that clients expect", async () => {
  const failure = async (method, params) =>
    client.request({ method, params }, { retryCount: 0 }).then(
      () => assert.fail(`${method} passed`),
      (error) => error.walk?.((inner) => inner.code !== undefined) ?? error,
    );
  assert.equal((await failure("eth_noSuchMethod", [])).code, -32601);
  assert.equal((await failure("eth_getBalance", ["0x12"])).code, -32602);
  const data = viem.encodeFunctionData({ abi, functionName: "add", args: [0n] });
  const reverted = await failure("eth_call", [{ to: tally.address, data }, "latest"]);
  assert.equal(reverted.code, 3);
  await assert.rejects(
    wallet.sendTransaction({ to: other.address, value: parseEther("1000000000000"), gas: 21000n }),
    /insufficient funds|exceeds the balance/,
  );
});

finish();
