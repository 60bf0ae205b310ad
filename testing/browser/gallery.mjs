// @ts-check
// A picture of every page, light and dark, 360 and 1280 wide, with no sideways scrolling and,
// where axe-core is installed, no accessibility violation.
//
// TRIBUTARY_URL=http://localhost:8600 TRIBUTARY_CHROMIUM=/path TRIBUTARY_SESSION=token
// TRIBUTARY_PATHS="/ /data ..." node gallery.mjs
import { readFileSync } from "node:fs";
import process from "node:process";
import { URL_BASE, launch, overflow, picture, require, watch } from "./browser.mjs";

const PATHS = (process.env.TRIBUTARY_PATHS ?? "/ /data /data/1 /data/1/contribute /data/1/versions /data/1/earnings /models /models/1 /models/new /jobs /play /receipts /earn /explore /docs").split(/\s+/);
const WIDTHS = (process.env.TRIBUTARY_WIDTHS ?? "360 1280").split(/\s+/).map(Number);
const SCHEMES = /** @type {const} */ (["light", "dark"]);

function axeSource() {
  try {
    return readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
  } catch {
    console.log("axe-core is not installed: accessibility is not checked");
    return "";
  }
}

/**
 * @param {import("playwright-core").Page} page
 * @param {string} source
 * @returns {Promise<string[]>}
 */
async function violations(page, source) {
  if (!source) return [];
  return page.evaluate(async (text) => {
    const scope = /** @type {any} */ (window);
    if (!scope.axe) (0, eval)(text);
    const found = await scope.axe.run(document, { resultTypes: ["violations"] });
    return found.violations.map((/** @type {any} */ one) => `${one.id}: ${one.help} (${one.nodes.slice(0, 3).map((/** @type {any} */ node) => node.html.slice(0, 90)).join(" | ")})`);
  }, source);
}

/** @param {string} path */
function fileName(path) {
  return path === "/" ? "home" : path.replace(/^\//, "").replace(/0x[0-9a-f]{40,}/gi, "id").replaceAll(/[^a-z0-9]+/gi, "-");
}

const browser = await launch();
const axe = axeSource();
/** @type {string[]} */
const faults = [];
for (const scheme of SCHEMES) {
  for (const width of WIDTHS) {
    // The page's own policy forbids evaluated text; the check that is injected needs it.
    const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme: scheme, reducedMotion: "reduce", bypassCSP: Boolean(axe) });
    if (process.env.TRIBUTARY_SESSION) {
      await context.addCookies([{ name: "tributary_session", value: process.env.TRIBUTARY_SESSION, url: URL_BASE }]);
    }
    for (const path of PATHS) {
      const page = await context.newPage();
      watch(page, faults);
      const response = await page.goto(URL_BASE + path, { waitUntil: "load" });
      if (!response?.ok()) faults.push(`${path} answered ${response?.status()}`);
      await page.waitForFunction(() => document.documentElement.dataset.scripted === "1");
      const wide = await overflow(page);
      if (wide > 0) faults.push(`${path} at ${width} (${scheme}) scrolls ${wide} px sideways`);
      for (const one of await violations(page, axe)) faults.push(`${path} at ${width} (${scheme}) ${one}`);
      await picture(page, `${fileName(path)}-${width}-${scheme}`);
      await page.close();
    }
    await context.close();
  }
}
await browser.close();
for (const fault of faults) console.log(`  !!  ${fault}`);
console.log(`${PATHS.length * WIDTHS.length * SCHEMES.length} pages looked at, ${faults.length} faults`);
process.exitCode = faults.length ? 1 : 0;
