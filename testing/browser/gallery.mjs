// @ts-check
// A look at every kind of page over what the journey left on the node: light and dark, 360 and
// 1280 wide, with no sideways scrolling, no console error and no accessibility violation.
//
// TRIBUTARY_URL=http://localhost:8545 TRIBUTARY_CHROMIUM=/path TRIBUTARY_PICTURES=dir node gallery.mjs
// after journey.mjs, or with TRIBUTARY_PATHS="/ /data ..." and TRIBUTARY_SESSION=token.
import { readFileSync } from "node:fs";
import process from "node:process";
import { URL_BASE, close, handed, launch, overflow, picture, ready, require, watch, windowOf } from "./browser.mjs";

const WIDTHS = [1280, 360];
const SCHEMES = /** @type {const} */ (["light", "dark"]);
// As many as a small machine has cores.
const WINDOWS = 2;

const own = process.env.TRIBUTARY_PATHS?.split(/\s+/);
const found = own ? { session: process.env.TRIBUTARY_SESSION ?? "", paths: own } : handed();
const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

/** @typedef {import("playwright-core").Page} Page */

/** @param {Page} page @returns {Promise<string[]>} */
function violations(page) {
  return page.evaluate(async () => {
    const scope = /** @type {any} */ (window);
    const seen = await scope.axe.run(document, { resultTypes: ["violations"] });
    return seen.violations.map((/** @type {any} */ one) => `${one.id}: ${one.help} (${one.nodes.slice(0, 3).map((/** @type {any} */ node) => node.html.slice(0, 90)).join(" | ")})`);
  });
}

/** @param {string} path */
function fileName(path) {
  return path === "/" ? "home" : path.replace(/^\//, "").replaceAll(/0x[0-9a-f]{40,}|[0-9a-f]{32,}/gi, "id").replaceAll(/[^a-z0-9]+/gi, "-");
}

/** Parts that hold more than they show. @param {Page} page @returns {Promise<string[]>} */
function clipped(page) {
  return page.evaluate(() => Array.from(document.querySelectorAll("h1, h2, button, .button, .badge, .amount, .figure dd, .account"))
    .filter((one) => one.clientWidth > 0 && one.scrollWidth > one.clientWidth + 1 && getComputedStyle(one).overflow !== "visible")
    .map((one) => one.outerHTML.slice(0, 80)));
}

/** @param {Page} page @param {string} path @param {string[]} faults */
async function look(page, path, faults) {
  const missing = path.startsWith("/nothing");
  const response = await page.goto(URL_BASE + path, { waitUntil: "load" });
  const status = response?.status();
  if (status !== (missing ? 404 : 200)) faults.push(`${path} answered ${status}`);
  await ready(page);
  await page.evaluate(axe);
  for (const width of WIDTHS) {
    await page.setViewportSize({ width, height: 900 });
    for (const scheme of SCHEMES) {
      await page.emulateMedia({ colorScheme: scheme });
      const where = `${path} at ${width} (${scheme})`;
      const wide = await overflow(page);
      if (wide > 0) faults.push(`${where} scrolls ${wide} px sideways`);
      for (const one of await clipped(page)) faults.push(`${where} clips ${one}`);
      for (const one of await violations(page)) faults.push(`${where} ${one}`);
      await picture(page, `${fileName(path)}-${width}-${scheme}`);
    }
  }
}

const browser = await launch();
/** @type {string[]} */
const faults = [];
const waiting = [...found.paths];

async function visitor() {
  // The page's own policy forbids evaluated text; the check that is injected needs it.
  const context = await windowOf(browser, found.session, { reducedMotion: "reduce", bypassCSP: true });
  for (let path = waiting.shift(); path !== undefined; path = waiting.shift()) {
    const page = await context.newPage();
    /** @type {string[]} */
    const own = [];
    watch(page, own);
    await look(page, path, own);
    // The browser itself reports the status of a page that is not there.
    faults.push(...own.filter((fault) => !(path.startsWith("/nothing") && fault.includes("status of 404"))));
    await page.close();
  }
  await context.close();
}

await Promise.all(Array.from({ length: WINDOWS }, visitor));
await browser.close();
close(`${found.paths.length} pages looked at, each ${WIDTHS.length * SCHEMES.length} times`, faults);
