// @ts-check
// A newcomer with files of their own: JSONL chosen, CSV dropped, TXT chosen; every bad row is named
// with its place, the good ones are submitted, reviewed and published.
//
// TRIBUTARY_URL=http://localhost:8545 TRIBUTARY_CHROMIUM=/path TRIBUTARY_PICTURES=dir node files.mjs
import { Buffer } from "node:buffer";
import process from "node:process";
import { HANG_MS, URL_BASE, check, close, handed, launch, overflow, picture, ready, watch } from "./browser.mjs";

/** @typedef {import("playwright-core").Page} Page */
/** @typedef {{name: string, mimeType: string, text: string, rows: number, good: number, faults: RegExp[]}} Own */

const place = `${process.pid}-${Date.now().toString(36)}`;
/** @param {number} number */
function fact(number) {
  return `The ferry of Vellamo pier ${number} ${place} leaves when the copper bell has rung ${number + 3} times.`;
}

/** @type {Own[]} */
const files = [
  {
    name: "ferries.jsonl",
    mimeType: "application/jsonl",
    text: [
      JSON.stringify({ prompt: `When does the ferry of pier 1 ${place} leave?`, completion: fact(1) }),
      `{"text": "an open quote}`,
      JSON.stringify({ text: fact(2), id: "own-2" }),
      JSON.stringify({ text: fact(2) }),
      JSON.stringify({ messages: [{ role: "user", content: `Pier 3 ${place}?` }, { role: "assistant", content: fact(3) }] }),
      JSON.stringify({ title: "not a record" }),
      "",
    ].join("\n"),
    rows: 6,
    good: 3,
    faults: [/row 2.*column \d+/i, /row 4/i, /row 6/i],
  },
  {
    name: "ferries.csv",
    mimeType: "text/csv",
    text: ["prompt,completion", `"Pier 4, ${place}?","${fact(4)}"`, `"only one field"`, `"Pier 5, ${place}?","${fact(5)}"`, ""].join("\r\n"),
    rows: 3,
    good: 2,
    faults: [/row 3.*1 field.*2/i],
  },
  {
    name: "ferries.txt",
    mimeType: "text/plain",
    text: [fact(6), "", `${fact(7)}\nIt comes back at dusk ${place}.`, "", "ab", ""].join("\n"),
    rows: 3,
    good: 2,
    faults: [/row 6/i],
  },
];

/** A file let fall on the page, as a person would. @param {Page} page @param {Own} file */
async function drop(page, file) {
  const transfer = await page.evaluateHandle(({ name, mimeType, text }) => {
    const data = new DataTransfer();
    data.items.add(new File([text], name, { type: mimeType }));
    return data;
  }, file);
  await page.dispatchEvent(".dropzone", "dragover", { dataTransfer: transfer });
  check(await page.locator(".dropzone.over").count(), "the place to drop shows that it takes the file");
  await page.dispatchEvent(".dropzone", "drop", { dataTransfer: transfer });
}

/** @param {Page} page @param {Own} file */
async function choose(page, file) {
  await page.setInputFiles("input[type=file]", { name: file.name, mimeType: file.mimeType, buffer: Buffer.from(file.text) });
  await page.getByRole("button", { name: "Check this file" }).click();
}

/** @param {Page} page @param {Own} file @param {string[]} faults */
async function contribute(page, file, faults) {
  await page.goto(`${URL_BASE}${datanet}/contribute`);
  await ready(page);
  if (file.name.endsWith(".csv")) await drop(page, file);
  else await choose(page, file);
  await page.waitForURL(/upload=/, { timeout: HANG_MS });
  await ready(page);
  check((await page.locator("table.checks tbody tr").count()) === file.rows, `${file.name}: every row has its check`);
  const bad = await page.locator("table.checks tr.bad").evaluateAll((all) => all.map((row) => `row ${(row.textContent ?? "").replaceAll(/\s+/g, " ")}`));
  check(bad.length === file.faults.length, `${file.name}: ${bad.length} rows are left out`);
  for (const fault of file.faults) check(bad.some((row) => fault.test(row)), `${file.name}: named ${fault.source} in ${bad.join(" | ")}`);
  await picture(page, `files-${file.name.replace(".", "-")}`);
  const wide = await overflow(page);
  if (wide > 0) faults.push(`${file.name} scrolls ${wide} px sideways`);
  await page.getByRole("button", { name: `Submit ${file.good} rows` }).click();
  await page.waitForURL(/\/contributions\/\d+/, { timeout: HANG_MS });
  return page.url();
}

/** A file in which nothing can be read stays on its page, with the place of the first fault. @param {Page} page */
async function hopeless(page) {
  await page.goto(`${URL_BASE}${datanet}/contribute`);
  await ready(page);
  await choose(page, { ...files[0], text: `{"text": 5}\n`, name: "hopeless.jsonl", rows: 0, good: 0, faults: [] });
  const status = page.locator("form.drop .form-status");
  await status.filter({ hasText: /row 1/ }).waitFor({ timeout: HANG_MS });
  check(/nothing was stored/.test(await status.innerText()), `a hopeless file says why: ${await status.innerText()}`);
  check((await page.locator("input[type=file]").evaluate((input) => /** @type {HTMLInputElement} */ (input).files?.length)) === 1, "the form keeps the file");
  await choose(page, { ...files[0], text: "x", name: "rows.docx", rows: 0, good: 0, faults: [] });
  await status.filter({ hasText: /\.jsonl, \.csv or \.txt/ }).waitFor({ timeout: HANG_MS });
  check(true, "an ending that is not read is named with those that are");
}

const { datanet } = handed();
const browser = await launch();
/** @type {string[]} */
const faults = [];
const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
const page = await context.newPage();
watch(page, faults);
await page.goto(`${URL_BASE}${datanet}/contribute`);
await ready(page);
await page.getByRole("button", { name: "Try as guest" }).click();
await page.locator("#account .amount").waitFor({ timeout: HANG_MS });
await hopeless(page);
// The browser reports the refusals that were asked for.
faults.splice(0, faults.length, ...faults.filter((fault) => !fault.includes("status of 422") && !fault.includes("status of 400")));
/** @type {string[]} */
const sent = [];
for (const file of files) sent.push(await contribute(page, file, faults));
for (const [at, where] of sent.entries()) {
  await page.goto(where);
  await page.locator(".callout .button.primary").waitFor({ timeout: HANG_MS });
  check((await page.locator("h1").innerText()).startsWith(`${files[at]?.good} rows`), `${files[at]?.name} is published`);
}
await page.goto(`${URL_BASE}${datanet}?mine=1`);
const rows = await page.locator("table.rows tbody tr").count();
check(rows === files.reduce((sum, file) => sum + file.good, 0), `the viewer shows ${rows} rows of mine`);
await browser.close();
close(`${files.length} files contributed`, faults);
