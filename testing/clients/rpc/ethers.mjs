// Stock ethers against the node.

import assert from "node:assert/strict";
import { awaited, compile, finish, mnemonic, require, scenario, url, webSocketUrl } from "./_setup.mjs";

const { ethers } = require("ethers");
const provider = new ethers.JsonRpcProvider(url, undefined, { polling: true, pollingInterval: 50, cacheTimeout: -1 });
const path = (index) => `m/44'/60'/0'/0/${index}`;
const phrase = ethers.Mnemonic.fromPhrase(mnemonic);
const key = (index) => ethers.HDNodeWallet.fromMnemonic(phrase, path(index)).connect(provider);
const [wallet, other] = [key(2), key(3)];
const { abi, bytecode } = compile();

let tally;

await scenario("network, block, fees", async () => {
  const network = await provider.getNetwork();
  assert.equal(network.chainId, 7310n);
  const block = await provider.getBlock("latest");
  assert.equal(block.number, await provider.getBlockNumber());
  const fees = await provider.getFeeData();
  assert.ok(fees.maxFeePerGas >= block.baseFeePerGas);
  for (const tag of ["earliest", "safe", "finalized", "pending"]) {
    const tagged = await provider.send("eth_getBlockByNumber", [tag, false]);
    assert.ok(tagged.parentHash, tag);
  }
});

await scenario("a transfer", async () => {
  const before = await provider.getBalance(other.address);
  const sent = await wallet.sendTransaction({ to: other.address, value: ethers.parseEther("0.5") });
  const receipt = await sent.wait();
  assert.equal(receipt.status, 1);
  assert.equal(await provider.getBalance(other.address), before + ethers.parseEther("0.5"));
  const found = await provider.getTransaction(sent.hash);
  assert.equal(found.from, wallet.address);
  assert.equal(found.blockHash, receipt.blockHash);
  const block = await provider.getBlock(receipt.blockNumber, true);
  assert.ok(block.prefetchedTransactions.some((tx) => tx.hash === sent.hash));
});

await scenario("transactions of one sender stay in order", async () => {
  const first = await provider.getTransactionCount(wallet.address);
  const fees = await provider.getFeeData();
  const hashes = await Promise.all(
    [0, 1, 2, 3, 4].map(async (nth) => {
      const { maxFeePerGas, maxPriorityFeePerGas } = fees;
      const tx = { to: other.address, value: 1n, gasLimit: 21000n, type: 2, chainId: 7310n };
      const signed = await wallet.signTransaction({
        ...tx,
        maxFeePerGas: maxFeePerGas * 2n,
        maxPriorityFeePerGas,
        nonce: first + nth,
      });
      return provider.broadcastTransaction(signed);
    }),
  );
  const receipts = await Promise.all(hashes.map((sent) => sent.wait()));
  assert.ok(receipts.every((receipt) => receipt.status === 1));
  assert.equal(await provider.getTransactionCount(wallet.address), first + 5);
});

await scenario("deploy, call, events", async () => {
  const factory = new ethers.ContractFactory(abi, bytecode, wallet);
  tally = await (await factory.deploy(10n)).waitForDeployment();
  assert.equal(await tally.sum(), 10n);
  const receipt = await (await tally.add(5n)).wait();
  const [log] = receipt.logs;
  assert.equal(log.fragment.name, "Added");
  assert.equal(log.args.sum, 15n);
  const found = await tally.queryFilter(tally.filters.Added(wallet.address), receipt.blockNumber);
  assert.equal(found.length, 1);
  assert.equal(found[0].transactionHash, receipt.hash);
  const paid = await (await tally.pay({ value: 7n })).wait();
  assert.equal(paid.status, 1);
  assert.equal(await provider.getBalance(await tally.getAddress()), 7n);
});

await scenario("reverts are decoded", async () => {
  await assert.rejects(tally.add.staticCall(0n), (error) => {
    assert.equal(error.code, "CALL_EXCEPTION");
    assert.equal(error.reason, "nothing to add");
    return true;
  });
  await assert.rejects(tally.add.staticCall(5000n), (error) => {
    assert.equal(error.revert.name, "TooMuch");
    assert.deepEqual([...error.revert.args], [5000n, 1000n]);
    return true;
  });
  await assert.rejects(tally.add(0n), /nothing to add/);
  const failing = await tally.add(0n, { gasLimit: 100_000n });
  await assert.rejects(failing.wait(), (error) => error.receipt.status === 0);
});

await scenario("estimates hold", async () => {
  const gas = await tally.add.estimateGas(1n);
  const receipt = await (await tally.add(1n, { gasLimit: gas })).wait();
  assert.equal(receipt.status, 1);
  assert.ok(receipt.gasUsed <= gas);
});

await scenario("storage, code, raw access list", async () => {
  const address = await tally.getAddress();
  assert.equal(BigInt(await provider.getStorage(address, 0)), await tally.sum());
  assert.ok((await provider.getCode(address)).length > 100);
  const data = tally.interface.encodeFunctionData("sum");
  const list = await provider.send("eth_createAccessList", [{ to: address, data }, "latest"]);
  assert.equal(list.accessList.length, 1);
  assert.ok(BigInt(list.gasUsed) > 21000n);
});

await scenario("events by polling", async () => {
  const seen = awaited("event");
  await tally.on("Added", (who, amount) => seen.resolve(amount));
  await (await tally.add(9n)).wait();
  assert.equal(await seen.promise, 9n);
  await tally.removeAllListeners();
});

await scenario("blocks and logs over WebSocket", async () => {
  const socket = new ethers.WebSocketProvider(webSocketUrl);
  const [block, event] = ["block", "event"].map(awaited);
  await socket.on("block", block.resolve);
  const contract = new ethers.Contract(await tally.getAddress(), abi, socket);
  await contract.on("Added", (who, amount) => event.resolve(amount));
  await socket.getBlockNumber();
  await (await tally.add(4n)).wait();
  assert.equal(await event.promise, 4n);
  assert.ok((await block.promise) > 0);
  await socket.destroy();
});

await scenario("the node signs for its accounts", async () => {
  const signer = await provider.getSigner(3);
  assert.equal(signer.address, other.address);
  const sent = await signer.sendTransaction({ to: wallet.address, value: 1n });
  assert.equal((await sent.wait()).from, other.address);
  const signature = await signer.signMessage("tributary");
  assert.equal(ethers.verifyMessage("tributary", signature), other.address);
});

await scenario("a batch of calls in one request", async () => {
  const answers = await Promise.all([
    provider.getBalance(wallet.address),
    provider.getBlockNumber(),
    provider.getTransactionCount(wallet.address, "pending"),
    provider.send("net_version", []),
    provider.send("web3_clientVersion", []),
  ]);
  assert.equal(answers[3], "7310");
  assert.match(answers[4], /^tributary\//);
});

await scenario("blob transactions are refused clearly", async () => {
  await assert.rejects(provider.send("eth_sendRawTransaction", ["0x03c0"]), /type 3/);
});

provider.destroy();
finish();
