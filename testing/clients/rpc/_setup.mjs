// What the scripts share: where the node is, the packages, the compiled contract.
// Started with the folder of the packages as working directory.

import { createRequire } from "node:module";
import { readFileSync } from "node:fs";

export const require = createRequire(`${process.cwd()}/`);
export const url = process.env.TRIBUTARY_RPC_URL ?? "http://localhost:8545";
export const webSocketUrl = url.replace(/^http/, "ws");
export const mnemonic = "test test test test test test test test test test test junk";

/** Compiles a contract of this folder, and the interfaces that the ABI emits beside it. */
export function compile(name = "Tally", interfaces = []) {
  const solc = require("solc");
  const read = (path) => ({ content: readFileSync(new URL(path, import.meta.url), "utf8") });
  const sources = { [`${name}.sol`]: read(`${name}.sol`) };
  for (const file of interfaces) sources[file] = read(`../../../crates/contracts/solidity/${file}`);
  const settings = {
    optimizer: { enabled: true },
    outputSelection: { "*": { "*": ["abi", "evm.bytecode.object"] } },
  };
  const output = JSON.parse(solc.compile(JSON.stringify({ language: "Solidity", sources, settings })));
  const errors = (output.errors ?? []).filter((error) => error.severity === "error");
  if (errors.length > 0) throw new Error(errors.map((e) => e.formattedMessage).join("\n"));
  const abiOf = (file, contract) => output.contracts[file][contract].abi;
  return {
    abi: abiOf(`${name}.sol`, name),
    bytecode: `0x${output.contracts[`${name}.sol`][name].evm.bytecode.object}`,
    interfaces: Object.fromEntries(
      interfaces.map((file) => [file, abiOf(file, file.replace(".sol", ""))]),
    ),
  };
}

let failed = 0;

/** Runs one scenario and prints a line for it. */
export async function scenario(name, run) {
  try {
    await run();
    console.log(`ok      ${name}`);
  } catch (error) {
    failed += 1;
    console.log(`FAILED  ${name}\n${error?.stack ?? error}`);
  }
}

export function finish() {
  console.log(failed === 0 ? "all scenarios passed" : `${failed} scenarios failed`);
  process.exit(failed === 0 ? 0 : 1);
}

/** A promise that others resolve, rejected when nothing comes within 30 s. */
export function awaited(what) {
  let settle;
  const promise = new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`no ${what} within 30 s`)), 30_000);
    settle = (value) => {
      clearTimeout(timer);
      resolve(value);
    };
  });
  return { promise, resolve: settle };
}
