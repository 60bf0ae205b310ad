// @ts-check
// What the scripts share: a Chromium by path, a page that reports its own faults, pictures, and
// requests to the test that started the script.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import process from "node:process";
import { createInterface } from "node:readline";

// The packages lie in the folder that the script is started in.
export const require = createRequire(`${process.cwd()}/`);
/** @type {typeof import("playwright-core")} */
const { chromium } = require("playwright-core");

export const URL_BASE = process.env.TRIBUTARY_URL ?? "http://localhost:8545";
export const PICTURES = process.env.TRIBUTARY_PICTURES ?? "pictures";
// Hang limit of one step, far above what it takes: never an assertion about speed.
export const HANG_MS = Number(process.env.TRIBUTARY_HANG_MS ?? 300_000);

/** @param {unknown} truth @param {string} message @returns {asserts truth} */
export function check(truth, message) {
  if (!truth) throw new Error(message);
  console.log(`  ok  ${message}`);
}

export async function launch() {
  const executablePath = process.env.TRIBUTARY_CHROMIUM;
  if (!executablePath) throw new Error("TRIBUTARY_CHROMIUM must name a Chromium or its headless shell");
  mkdirSync(PICTURES, { recursive: true });
  return chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu", "--force-prefers-reduced-motion"] });
}

/** Whether a test listens that can cut the node's power. */
export const TALKS = Boolean(process.env.TRIBUTARY_TALKS);
/** @type {AsyncIterator<string> | undefined} */
let answers;

/**
 * Asks the test for an act and waits until it is done.
 * @param {string} act
 */
export async function request(act) {
  answers ??= createInterface({ input: process.stdin })[Symbol.asyncIterator]();
  console.log(`@${act}`);
  const { value, done } = await answers.next();
  if (done || value !== act) throw new Error(`the test did not grant: ${act}`);
}

/** No more requests: the script may end. */
export function hangUp() {
  if (answers) process.stdin.destroy();
}

/** True while the node is away on purpose: then a page may say that it cannot be reached. */
let away = false;

/**
 * Kills the node in the middle of whatever it does; it is up again when this returns.
 * @param {() => Promise<void>} [meanwhile] looked at while it is away
 */
export async function cutPower(meanwhile) {
  away = true;
  await request("kill");
  await meanwhile?.();
  await request("start");
}

/** From here on every page must reach the node again. */
export function backAgain() {
  away = false;
}

/** What one script found, for the next. @param {object} found */
export function hand(found) {
  writeFileSync(join(PICTURES, "found.json"), JSON.stringify(found, null, 2));
}

/** @returns {{session: string, paths: string[], datanet: string, model: string}} */
export function handed() {
  return JSON.parse(readFileSync(join(PICTURES, "found.json"), "utf8"));
}

/**
 * Until the page's modules run.
 * @param {import("playwright-core").Page} page
 */
export function ready(page) {
  return page.waitForFunction(() => document.documentElement.dataset.scripted === "1", undefined, { timeout: HANG_MS });
}

/**
 * A signed-in window.
 * @param {import("playwright-core").Browser} browser
 * @param {string} session
 * @param {import("playwright-core").BrowserContextOptions} options
 */
export async function windowOf(browser, session, options) {
  const context = await browser.newContext(options);
  await context.addCookies([{ name: "tributary_session", value: session, url: URL_BASE, httpOnly: true, sameSite: "Strict" }]);
  return context;
}

/**
 * Prints faults and ends the script with what they mean.
 * @param {string} what
 * @param {string[]} faults
 */
export function close(what, faults) {
  for (const fault of faults) console.error(`  !!  ${fault}`);
  console.log(`${what}, ${faults.length} faults`);
  process.exitCode = faults.length ? 1 : 0;
}

/**
 * Collects everything that a clean page never does.
 * @param {import("playwright-core").Page} page
 * @param {string[]} faults
 */
export function watch(page, faults) {
  page.on("pageerror", (error) => faults.push(`script error on ${page.url()}: ${error.message}`));
  page.on("dialog", (dialog) => {
    faults.push(`a prompt on ${page.url()}: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on("console", (message) => {
    const text = message.text();
    if (away && (text.includes("net::ERR_") || text.includes("htmx:sse:error"))) return;
    if (message.type() === "error" && !text.includes("net::ERR_ABORTED")) faults.push(`console on ${page.url()}: ${text}`);
  });
}

/**
 * @param {import("playwright-core").Page} page
 * @param {string} name
 */
export async function picture(page, name) {
  await page.screenshot({ path: join(PICTURES, `${name}.png`), fullPage: true });
}

/**
 * How far the page is wider than its window.
 * @param {import("playwright-core").Page} page
 */
export function overflow(page) {
  return page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
}
