// @ts-check
// The newcomer's journey: from an empty console to "I was paid for my data", by clicks alone.
//
// TRIBUTARY_URL=http://localhost:8545 TRIBUTARY_CHROMIUM=/path TRIBUTARY_PICTURES=dir node journey.mjs
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { HANG_MS, PICTURES, URL_BASE, check, launch, overflow, picture, watch } from "./browser.mjs";

const MOST_CLICKS = 9;
/** @type {string[]} */
const faults = [];
/** @type {{step: string, ms: number}[]} */
const times = [];
let clicks = 0;
let began = performance.now();

/** @param {string} step */
function lap(step) {
  times.push({ step, ms: Math.round(performance.now() - began) });
  began = performance.now();
}

/**
 * One click of the newcomer.
 * @param {import("playwright-core").Page} page
 * @param {import("playwright-core").Locator} target
 */
async function click(page, target) {
  await target.first().waitFor({ state: "visible", timeout: HANG_MS });
  clicks += 1;
  console.log(`click ${clicks}: ${(await target.first().innerText()).replaceAll(/\s+/g, " ")} (${new URL(page.url()).pathname})`);
  await target.first().click();
}

/** @param {import("playwright-core").Page} page @param {string | RegExp} where */
async function arrive(page, where) {
  await page.waitForURL(where, { timeout: HANG_MS });
  await page.waitForFunction(() => document.documentElement.dataset.scripted === "1", undefined, { timeout: HANG_MS });
}

/** @param {import("playwright-core").Page} page @param {string} name */
async function look(page, name) {
  await picture(page, `journey-${name}`);
  const wide = await overflow(page);
  if (wide > 0) faults.push(`${name} scrolls ${wide} px sideways`);
}

/** @param {import("playwright-core").Page} page */
async function contribute(page) {
  await page.goto(`${URL_BASE}/`);
  await look(page, "01-home");
  await click(page, page.getByRole("button", { name: "Try as guest" }));
  await arrive(page, /\/data\/\d+\/contribute/);
  check(await page.locator("#account .amount").count(), "the guest has a name and a balance");
  await look(page, "02-contribute");
  lap("guest");
  await click(page, page.getByRole("button", { name: /Use the sample/ }));
  await arrive(page, /upload=/);
  const rows = await page.locator("table.checks tbody tr").count();
  check(rows === 20, "twenty rows are checked one by one");
  await look(page, "03-checked");
  lap("checked");
  await click(page, page.getByRole("button", { name: /^Submit/ }));
  await arrive(page, /\/contributions\/\d+/);
  await look(page, "04-submitted");
  await page.reload();
  await page.locator(".callout .button.primary").waitFor({ timeout: HANG_MS });
  check((await page.locator(".stepper li.done").count()) === 4, "submitted, checked, reviewed and published");
  check((await page.locator(".stepper a.hash").count()) === 4, "each of the four steps links its transaction");
  await look(page, "05-published");
  lap("published");
}

/** @param {import("playwright-core").Page} page */
async function train(page) {
  await click(page, page.getByRole("link", { name: "Train on this" }));
  await arrive(page, /\/models\/new/);
  check(await page.locator(".preset-price .amount").count(), "price and time are shown before the start");
  await look(page, "06-factory");
  await click(page, page.getByRole("button", { name: /^Start/ }));
  await arrive(page, /\/jobs\/\d+/);
  await page.locator("path.curve[d*='L']").waitFor({ timeout: HANG_MS });
  await look(page, "07-training");
  // Leaving and coming back in the middle loses nothing.
  const job = page.url();
  await page.goto(`${URL_BASE}/explore`);
  await look(page, "08-explorer");
  await page.goto(job);
  await page.reload();
  await page.locator(".callout .button.primary").waitFor({ timeout: HANG_MS });
  check(await page.locator("path.curve[d*='L']").count(), "the loss curve is there after a reload");
  await look(page, "09-trained");
  lap("trained");
}

/** @param {import("playwright-core").Page} page */
async function ask(page) {
  await click(page, page.getByRole("link", { name: "Try it" }));
  await arrive(page, /\/play/);
  check((await page.locator("#ask textarea").inputValue()).length > 0, "a question is already typed");
  await click(page, page.getByRole("button", { name: "Send" }));
  await page.locator(".turn-model [data-receipt]").waitFor({ timeout: HANG_MS });
  await page.locator("#sources .source").first().waitFor({ timeout: HANG_MS });
  check(await page.locator("mark.lit").count(), "the answer's sources are lit");
  check(await page.locator("#sources .source").first().getAttribute("data-yours") !== null, "the newcomer's own row is the top source");
  const pays = await page.locator("#sources .source-pay").evaluateAll((all) => all.map((one) => one.getAttribute("data-amount") ?? ""));
  const records = await page.locator("#sources .source").evaluateAll((all) => all.map((one) => one.getAttribute("data-record") ?? ""));
  await look(page, "10-answer");
  lap("answered");
  return { pays, records };
}

/**
 * @param {import("playwright-core").Page} page
 * @param {{pays: string[], records: string[]}} shown
 */
async function verify(page, shown) {
  const toast = page.locator(".toast-earned").first();
  await toast.waitFor({ timeout: HANG_MS });
  const earned = BigInt((await toast.getAttribute("data-amount")) ?? "0");
  check(/You earned .* from 1 answer/.test((await toast.innerText()).replaceAll(/\s+/g, " ")), "a toast says what was earned from one answer");
  await look(page, "11-earned");
  lap("earned");
  await click(page, toast.getByRole("link", { name: "See why" }));
  await arrive(page, /\/receipts\/0x/);
  const shares = await page.locator("#shares tbody tr").evaluateAll((all) =>
    all.map((row) => ({ amount: row.getAttribute("data-amount") ?? "0", record: row.getAttribute("data-record") })));
  for (const [at, record] of shown.records.entries()) {
    const sum = shares.filter((share) => share.record === record).reduce((total, share) => total + BigInt(share.amount), 0n);
    check(sum === BigInt(shown.pays[at] ?? "0"), `source ${at + 1} was shown with the receipt's own share`);
  }
  const total = shares.reduce((sum, share) => sum + BigInt(share.amount), 0n);
  const fee = (await page.locator("#shares tfoot .amount").getAttribute("title")) ?? "";
  check(fee === `${total} wei`, "the shares add up to the fee, to the wei");
  const account = await page.locator("#account a").getAttribute("href");
  const own = await page.locator(`#shares tbody tr:has(a[href="${account}"])`).evaluateAll((all) => all.map((row) => row.getAttribute("data-amount") ?? "0"));
  check(own.reduce((sum, wei) => sum + BigInt(wei), 0n) === earned, "the toast's amount is the newcomer's part of the receipt");
  check(await page.locator("#prompt-hash").count(), "the receipt shows the prompt's hash");
  check(await page.locator("#posted a").count(), "the receipt names the block of its root");
  await look(page, "12-receipt");
  await click(page, page.locator("[data-verify]"));
  const verdict = page.locator("[data-verified]");
  await verdict.waitFor({ timeout: HANG_MS });
  const failed = await page.locator("#checks [data-status=failed]").allInnerTexts();
  await look(page, "13-verified");
  check((await verdict.getAttribute("data-verified")) === "true", `every check holds ${failed.join("; ")}`);
  lap("verified");
}

const browser = await launch();
const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, colorScheme: "light" });
// A wallet that is asked would be a fault: the journey needs none.
await context.addInitScript(() => {
  Object.defineProperty(window, "ethereum", { get() { console.error("a wallet was asked for"); return undefined; } });
});
const page = await context.newPage();
watch(page, faults);
try {
  await contribute(page);
  await train(page);
  await verify(page, await ask(page));
  check(clicks <= MOST_CLICKS, `${clicks} clicks, at most ${MOST_CLICKS}`);
  await page.goto(`${URL_BASE}/earn`);
  check((await page.locator(".is-earned dd[data-wei]").getAttribute("data-wei")) !== "0", "earned money waits on the Earn page");
  await look(page, "14-earn");
  check(faults.length === 0, `no prompt, no script error, nothing sideways ${faults.join("; ")}`);
} catch (error) {
  await picture(page, "journey-failed").catch(() => {});
  for (const fault of faults) console.error(`  !!  ${fault}`);
  console.error(error);
  process.exitCode = 1;
} finally {
  const cookies = await context.cookies();
  const session = cookies.find((cookie) => cookie.name === "tributary_session")?.value;
  writeFileSync(join(PICTURES, "journey.json"), JSON.stringify({ clicks, times, faults, session }, null, 2));
  console.log(JSON.stringify({ clicks, total_ms: times.reduce((sum, one) => sum + one.ms, 0), times }));
  await browser.close();
}
