// @ts-check
// Manners of the console: it works without scripts, by keyboard alone and without motion; a
// guest's key can be taken once; an app's key works and can be revoked.
//
// TRIBUTARY_URL=http://localhost:8545 TRIBUTARY_CHROMIUM=/path TRIBUTARY_PICTURES=dir node manners.mjs
import { Buffer } from "node:buffer";
import process from "node:process";
import { HANG_MS, URL_BASE, check, close, handed, launch, picture, ready, watch } from "./browser.mjs";

/** @typedef {import("playwright-core").Page} Page */
/** @typedef {import("playwright-core").Browser} Browser */

const place = `${process.pid}-${Date.now().toString(36)}`;
const found = handed();
/** @type {string[]} */
const faults = [];

/** @param {string} name @param {string} text */
function file(name, text) {
  return { name, mimeType: "text/plain", buffer: Buffer.from(text) };
}

/** Reading and a guest's forms need no script. @param {Browser} browser */
async function withoutScript(browser) {
  const context = await browser.newContext({ javaScriptEnabled: false, viewport: { width: 1280, height: 900 } });
  const page = await context.newPage();
  for (const path of found.paths) {
    await page.goto(URL_BASE + path);
    check((await page.locator("main h1").count()) + (await page.locator("main .prose h1").count()) > 0, `${path} reads without a script`);
  }
  await page.goto(`${URL_BASE}/data`);
  await page.goto(`${URL_BASE}${found.datanet}/contribute`);
  await page.getByRole("button", { name: "Try as guest" }).click();
  await page.setInputFiles("input[type=file]", file("plain.txt", `The well of Sarnio holds ${place} silver fish.\n\nThe gate of Sarnio opens for ${place} geese at dawn.\n`));
  await page.getByRole("button", { name: "Check this file" }).click();
  await page.waitForURL(/upload=/);
  await picture(page, "plain-checked");
  await page.getByRole("button", { name: /^Submit 2 rows/ }).click();
  await page.waitForURL(/\/contributions\/\d+/);
  check(true, "a guest contributes a file without a script");
  await page.goto(`${URL_BASE}/account`);
  await picture(page, "plain-account");
  await page.getByRole("button", { name: "Show the private key" }).click();
  check(/"private_key":\s*"0x[0-9a-f]{64}"/.test(await page.content()), "without a script the key is shown too, not lost on the way");
  await page.goto(`${URL_BASE}/account`);
  check((await page.getByRole("button", { name: "Show the private key" }).count()) === 0, "and it is offered no second time");
  await context.close();
}

/** Tab until something with these words has the focus. @param {Page} page @param {RegExp} words */
async function tabTo(page, words) {
  for (let presses = 0; presses < 90; presses += 1) {
    await page.keyboard.press("Tab");
    const focused = await page.evaluate(() => {
      const one = document.activeElement;
      if (!(one instanceof HTMLElement)) return { text: "", seen: false };
      const box = one.getBoundingClientRect();
      const ring = getComputedStyle(one).outlineStyle !== "none" || one.closest("label")?.matches(":focus-within") === true;
      const text = one.getAttribute("aria-label") ?? (one.innerText || one.getAttribute("name") || "");
      return { text, seen: ring && box.width > 0 && box.top >= 0 && box.bottom <= window.innerHeight };
    });
    if (!words.test(focused.text)) continue;
    if (!focused.seen) faults.push(`${focused.text} has the focus on ${page.url()} and nobody sees it`);
    return;
  }
  throw new Error(`no Tab leads to ${words.source} on ${page.url()}`);
}

/** The journey's acts by keyboard alone. @param {Browser} browser */
async function byKeyboard(browser) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, reducedMotion: "reduce" });
  const page = await context.newPage();
  watch(page, faults);
  await page.goto(`${URL_BASE}/`);
  await ready(page);
  await page.keyboard.press("Tab");
  check((await page.evaluate(() => document.activeElement?.textContent)) === "Skip to content", "the first Tab offers to skip the navigation");
  await tabTo(page, /Try as guest/);
  await page.keyboard.press("Enter");
  await page.waitForURL(/\/contribute/, { timeout: HANG_MS });
  await ready(page);
  await page.setInputFiles("input[type=file]", file("keys.txt", `The lighthouse of Ombra burns ${place} barrels of thistle oil a year.\n`));
  await tabTo(page, /Check this file/);
  await page.keyboard.press("Enter");
  await page.waitForURL(/upload=/, { timeout: HANG_MS });
  await ready(page);
  await tabTo(page, /^Submit/);
  await page.keyboard.press("Enter");
  await page.waitForURL(/\/contributions\/\d+/, { timeout: HANG_MS });
  await page.locator(".callout .button.primary").waitFor({ timeout: HANG_MS });
  await tabTo(page, /Train on this/);
  await page.keyboard.press("Enter");
  await page.waitForURL(/\/models\/new/, { timeout: HANG_MS });
  await ready(page);
  await tabTo(page, /preset/);
  await page.keyboard.press("ArrowDown");
  check(/Start \(.*OPEN/.test(await page.locator("[data-start-label]").innerText()), "the start names the price of the preset chosen by arrow key");
  check((await page.evaluate(() => document.getAnimations().length)) === 0, "nothing moves when motion is not wanted");
  await context.close();
}

/** A question, its sources and back, by keyboard. @param {Browser} browser */
async function askByKeyboard(browser) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
  const page = await context.newPage();
  watch(page, faults);
  await page.goto(`${URL_BASE}/play?model=${found.model}`);
  await ready(page);
  await tabTo(page, /Try as guest/);
  await page.keyboard.press("Enter");
  await page.locator("#ask textarea").waitFor({ timeout: HANG_MS });
  await ready(page);
  await tabTo(page, /prompt/);
  await page.keyboard.press("Enter");
  await page.locator("#sources .source").first().waitFor({ timeout: HANG_MS });
  check((await page.locator("[role=log]").getAttribute("aria-live")) === "polite", "the conversation is a log that is read out");
  await page.locator("#ask textarea").focus();
  await page.keyboard.press("Shift+Tab");
  await page.keyboard.press("Shift+Tab");
  const lit = page.locator("mark.lit button").first();
  await lit.focus();
  await page.keyboard.press("Enter");
  check((await lit.getAttribute("aria-pressed")) === "true", "Enter on a lit span keeps only its rows");
  await page.keyboard.press("Escape");
  check((await lit.getAttribute("aria-pressed")) === null, "Escape shows all rows again");
  await context.close();
}

/** The account's key is shown once; an app's key works until it is revoked. @param {Browser} browser */
async function keys(browser) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
  const page = await context.newPage();
  watch(page, faults);
  await page.goto(`${URL_BASE}/account`);
  await ready(page);
  await page.getByRole("button", { name: "Try as guest" }).click();
  const show = page.getByRole("button", { name: "Show the private key" });
  await show.waitFor({ timeout: HANG_MS });
  await show.click();
  await page.locator("dialog.ask").waitFor();
  await picture(page, "account-asks");
  await page.getByRole("button", { name: "Not now" }).click();
  check((await page.locator("[data-secret-value]").count()) === 0, "`Not now` shows nothing");
  await show.click();
  await page.locator("dialog.ask button[value=yes]").click();
  const secret = await page.locator("#export [data-secret-value]").innerText();
  check(/^0x[0-9a-f]{64}$/.test(secret), "the private key is shown");
  console.log(`exported ${secret}`);
  await picture(page, "account-shown");
  const again = await page.evaluate(async () => {
    const response = await fetch("/api/v1/session/export", { method: "POST" });
    return { status: response.status, text: await response.text() };
  });
  check(again.status === 409 && again.text.includes("already_exported") && !again.text.includes(secret), "a second export is refused");
  faults.splice(0, faults.length, ...faults.filter((fault) => !fault.includes("status of 409")));
  await page.reload();
  await ready(page);
  check((await show.count()) === 0 && !(await page.content()).includes(secret), "after a reload the page says when, not what");
  await appKey(page);
  await context.close();
}

/** @param {Page} page */
async function appKey(page) {
  await page.locator("form.new-key input[name=cap]").fill("0.5");
  await page.getByRole("button", { name: "Make a key" }).click();
  const key = await page.locator(".new-key + .secret-place [data-secret-value]").innerText({ timeout: HANG_MS });
  await picture(page, "account-key");
  const call = () => fetch(`${URL_BASE}/v1/models`, { headers: { authorization: `Bearer ${key}` } }).then((response) => response.status);
  check((await call()) === 200, "an app calls with the new key");
  await page.reload();
  await ready(page);
  check((await page.locator("#keys tbody tr").first().innerText()).includes("0.5"), "the key's cap is 0.5 OPEN");
  await page.getByRole("button", { name: /^Revoke/ }).first().click();
  await page.locator("dialog.ask button[value=yes]").click();
  await page.locator("#keys .badge", { hasText: "revoked" }).waitFor({ timeout: HANG_MS });
  check((await call()) === 401, "a revoked key is refused");
}

const browser = await launch();
try {
  await withoutScript(browser);
  await byKeyboard(browser);
  await askByKeyboard(browser);
  await keys(browser);
} catch (error) {
  faults.push(error instanceof Error ? `${error.stack}` : String(error));
}
await browser.close();
close("manners looked at", faults);
