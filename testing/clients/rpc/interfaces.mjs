// The stock compiler reads the Solidity interfaces and gives the same ABI as the JSON files.

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { finish, require, scenario } from "./_setup.mjs";

const solc = require("solc");
const contracts = new URL("../../../crates/contracts/", import.meta.url);
const read = (path) => readFileSync(new URL(path, contracts), "utf8");
const names = readdirSync(new URL("solidity/", contracts)).map((file) => file.replace(".sol", ""));

const typeOf = (input) =>
  input.type.startsWith("tuple")
    ? `(${input.components.map(typeOf).join(",")})${input.type.slice("tuple".length)}`
    : input.type;
const signature = (item) => {
  const indexed = (input) => (input.indexed ? " indexed" : "");
  const inputs = item.inputs.map((input) => typeOf(input) + indexed(input)).join(",");
  const outputs = (item.outputs ?? []).map(typeOf).join(",");
  return `${item.type} ${item.name}(${inputs}) -> (${outputs}) ${item.stateMutability ?? ""}`;
};

const sources = Object.fromEntries(names.map((name) => [`${name}.sol`, { content: read(`solidity/${name}.sol`) }]));
const settings = { outputSelection: { "*": { "*": ["abi"] } } };
const output = JSON.parse(solc.compile(JSON.stringify({ language: "Solidity", sources, settings })));
const errors = (output.errors ?? []).filter((error) => error.severity === "error");
assert.deepEqual(errors.map((error) => error.formattedMessage), []);
assert.equal(names.length, 7);

for (const name of names) {
  await scenario(`${name}: the compiler and the JSON agree`, async () => {
    const compiled = output.contracts[`${name}.sol`][name].abi.map(signature).sort();
    assert.deepEqual(compiled, JSON.parse(read(`abi/${name}.json`)).map(signature).sort());
  });
}

finish();
