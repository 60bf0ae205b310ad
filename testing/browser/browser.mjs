// @ts-check
// What both scripts share: a Chromium by path, a page that reports its own faults, pictures.
import { mkdirSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import process from "node:process";

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
