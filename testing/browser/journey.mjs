// @ts-check
// The newcomer's journey: from an empty console to "I was paid for my data", by clicks alone,
// with the node's power cut in the middle of the training.
//
// TRIBUTARY_URL=http://localhost:8545 TRIBUTARY_CHROMIUM=/path TRIBUTARY_PICTURES=dir node journey.mjs
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { HANG_MS, PICTURES, TALKS, URL_BASE, backAgain, check, cutPower, hand, hangUp, launch, overflow, picture, ready, watch } from "./browser.mjs";

const MOST_CLICKS = 9;
/** @type {string[]} */
const faults = [];
/** @type {{step: string, ms: number}[]} */
const times = [];
/** Every kind of page that the journey came by. @type {Set<string>} */
const paths = new Set(["/", "/data", "/models", "/jobs", "/receipts", "/earn", "/account", "/explore", "/explore?before=20", "/docs", "/docs/specs/0002-receipts-and-settlement", "/nothing-here"]);
let clicks = 0;
let began = performance.now();

/** @typedef {import("playwright-core").Page} Page */

/** @param {string} step */
function lap(step) {
  times.push({ step, ms: Math.round(performance.now() - began) });
  began = performance.now();
}

/** One click of the newcomer. @param {Page} page @param {import("playwright-core").Locator} target */
async function click(page, target) {
  await target.first().waitFor({ state: "visible", timeout: HANG_MS });
  clicks += 1;
  console.log(`click ${clicks}: ${(await target.first().innerText()).replaceAll(/\s+/g, " ")} (${new URL(page.url()).pathname})`);
  await target.first().click();
}

/** @param {Page} page */
function keep(page) {
  const url = new URL(page.url());
  paths.add(url.pathname + url.search);
}

/** @param {Page} page @param {RegExp} where */
async function arrive(page, where) {
  await page.waitForURL(where, { timeout: HANG_MS });
  await ready(page);
  keep(page);
}

/** @param {Page} page @param {string} name */
async function look(page, name) {
  await picture(page, `journey-${name}`);
  const wide = await overflow(page);
  if (wide > 0) faults.push(`${name} scrolls ${wide} px sideways`);
}

/** @param {Page} page @param {string} within @param {RegExp} what */
async function keepLinks(page, within, what) {
  const links = await page.locator(`${within} a`).evaluateAll((all) => all.map((one) => one.getAttribute("href") ?? ""));
  const link = links.find((href) => what.test(href));
  check(link, `${within} links to ${what.source}`);
  paths.add(String(link));
}

/** @param {Page} page */
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
  await keepLinks(page, ".stepper", /^\/explore\/tx\//);
  await look(page, "05-published");
  lap("published");
}

/** @param {Page} page */
async function train(page) {
  await click(page, page.getByRole("link", { name: "Train on this" }));
  await arrive(page, /\/models\/new/);
  check(await page.locator(".preset-price .amount").count(), "price and time are shown before the start");
  await look(page, "06-factory");
  await click(page, page.getByRole("button", { name: /^Start/ }));
  await arrive(page, /\/jobs\/\d+/);
  await page.locator("path.curve[d*='L']").waitFor({ timeout: HANG_MS });
  await look(page, "07-training");
  if (TALKS) await survive(page);
  await page.locator(".callout .button.primary").waitFor({ timeout: HANG_MS });
  check(await page.locator("path.curve[d*='L']").count(), "the loss curve is there to the end");
  await look(page, "09-trained");
  lap("trained");
}

/** @param {Page} page */
function stepOf(page) {
  return page.locator("[data-step]").first().getAttribute("data-step").then(Number);
}

/**
 * The node dies and comes back. This tab goes on by itself, another one after a reload.
 * @param {Page} page
 */
async function survive(page) {
  const draft = "What was I going to ask?";
  const other = await page.context().newPage();
  watch(other, faults);
  await other.goto(`${URL_BASE}/play`);
  await ready(other);
  await other.locator("#ask textarea").fill(draft);
  const before = await stepOf(page);
  const account = await page.locator("#account .account-name").innerText();
  await cutPower(async () => {
    await page.locator("#lost").waitFor({ state: "visible", timeout: HANG_MS });
    await look(page, "08-away");
  });
  await page.locator("#lost").waitFor({ state: "hidden", timeout: HANG_MS });
  backAgain();
  await page.waitForFunction((seen) => {
    const step = Number(document.querySelector("[data-step]")?.getAttribute("data-step"));
    return step > seen || document.querySelector(".callout .button.primary") !== null;
  }, before, { timeout: HANG_MS });
  check(true, `the same tab goes on past step ${before} after kill -9, without a reload`);
  await page.reload();
  await ready(page);
  check(await page.locator("path.curve[d*='L']").count(), "the curve is whole after a reload");
  check((await page.locator("#account .account-name").innerText()) === account, "the session goes on");
  await other.reload();
  await ready(other);
  check((await other.locator("#ask textarea").inputValue()) === draft, "a draft is still there");
  await other.close();
}

/** @param {Page} page */
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
  keep(page);
  lap("answered");
  return { pays, records };
}

/** @param {Page} page @param {{pays: string[], records: string[]}} shown */
async function verify(page, shown) {
  const toast = page.locator(".toast-earned").first();
  await toast.waitFor({ timeout: HANG_MS });
  const earned = BigInt((await toast.getAttribute("data-amount")) ?? "0");
  check(/You earned .* from 1 answer/.test((await toast.innerText()).replaceAll(/\s+/g, " ")), "a toast says what was earned from one answer");
  await page.locator("#sources [data-pay-state]", { hasText: /^(earned|paid)$/ }).first().waitFor({ timeout: HANG_MS });
  await look(page, "11-earned");
  // The picture of the README: what fits a window, with nothing still on its way in.
  await page.screenshot({ path: join(PICTURES, "playground.png"), animations: "disabled" });
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
  const account = await page.locator("#account").getAttribute("data-account");
  const own = await page.locator(`#shares tbody tr:has(a[href="/explore/address/${account}" i])`).evaluateAll((all) => all.map((row) => row.getAttribute("data-amount") ?? "0"));
  check(own.reduce((sum, wei) => sum + BigInt(wei), 0n) === earned, "the toast's amount is the newcomer's part of the receipt");
  check((await page.locator("#shares tbody tr[data-record] .badge").first().innerText()) === "earned", "the newcomer's share is earned");
  check(await page.locator("#prompt-hash").count(), "the receipt shows the prompt's hash");
  await keepLinks(page, "#posted", /^\/explore\/block\//);
  await keepLinks(page, "#posted", /^\/explore\/tx\//);
  await keepLinks(page, "#shares", /^\/records\//);
  paths.add(`/explore/address/${account}`);
  await look(page, "12-receipt");
  await click(page, page.locator("[data-verify]"));
  const verdict = page.locator("[data-verified]");
  await verdict.waitFor({ timeout: HANG_MS });
  const failed = await page.locator("#checks [data-status=failed]").allInnerTexts();
  await look(page, "13-verified");
  check((await verdict.getAttribute("data-verified")) === "true", `every check holds ${failed.join("; ")}`);
  lap("verified");
}

/** Earned money is withdrawn: it is paid then. @param {Page} page */
async function withdraw(page) {
  await page.goto(`${URL_BASE}/earn`);
  await ready(page);
  const wei = (/** @type {string} */ state) => page.locator(`.is-${state} dd[data-wei]`).getAttribute("data-wei");
  const earned = await wei("earned");
  check(earned !== "0", "earned money waits on the Earn page");
  await look(page, "14-earn");
  await page.getByRole("button", { name: /^Withdraw/ }).click();
  await page.locator(`.is-paid dd[data-wei="${earned}"]`).waitFor({ timeout: HANG_MS });
  check((await wei("earned")) === "0", "what was earned is paid");
  await look(page, "15-paid");
  lap("paid");
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
  await withdraw(page);
  const session = (await context.cookies()).find((cookie) => cookie.name === "tributary_session");
  check(session?.httpOnly && session.sameSite === "Strict", "the session's cookie is HttpOnly and SameSite=Strict");
  const datanet = [...paths].find((path) => /^\/data\/\d+\/contribute$/.test(path))?.replace("/contribute", "") ?? "";
  const model = new URL([...paths].find((path) => path.startsWith("/play?model=")) ?? "/", URL_BASE).searchParams.get("model") ?? "";
  for (const path of [datanet, `${datanet}/versions`, `${datanet}/earnings`, `/models/${model}`]) paths.add(path);
  hand({ session: session?.value, paths: [...paths].sort(), datanet, model });
  check(faults.length === 0, `no prompt, no script error, nothing sideways ${faults.join("; ")}`);
} catch (error) {
  await picture(page, "journey-failed").catch(() => {});
  for (const fault of faults) console.error(`  !!  ${fault}`);
  console.error(error);
  process.exitCode = 1;
} finally {
  writeFileSync(join(PICTURES, "journey.json"), JSON.stringify({ clicks, times, faults }, null, 2));
  console.log(JSON.stringify({ clicks, total_ms: times.reduce((sum, one) => sum + one.ms, 0), times }));
  await browser.close();
  hangUp();
}
