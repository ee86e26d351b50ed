/** Headless Chromium; a page in it may neither complain nor ask for anything. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import puppeteer from "puppeteer-core";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

export async function launch() {
  return puppeteer.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox"] });
}

/** Opens a page file, and waits until everything in it is drawn. */
export async function open(browser, path, { hash = "", width = 1280, theme = "light" } = {}) {
  const page = await browser.newPage();
  const complaints = [];
  page.on("console", (message) => complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("request", (request) => request.url().split("#")[0] === `file://${path}` || complaints.push(request.url()));
  await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: theme }]);
  await page.setViewport({ width, height: 900 });
  await page.goto(`file://${path}${hash}`);
  await page.waitForSelector("main section");
  await steady(page);
  return { page, complaints };
}

export const settle = (page, ms = 300) => page.evaluate((ms) => new Promise((done) => setTimeout(done, ms)), ms);

/** Waits until nothing is being looked up any more, and everything stands where it stood for half a second. */
export async function steady(page) {
  const look = () =>
    page.evaluate(() => {
      const places = [...document.querySelectorAll("main > *, .tl-overview")].map((it) => it.getBoundingClientRect().y);
      const isBusy = [...document.querySelectorAll(".behind h4 .muted")].some((it) => it.textContent !== "");
      return isBusy ? "busy" : places.join();
    });
  let [before, same] = ["busy", 0];
  for (let tries = 0; same < 3 && tries < 200; tries++) {
    await settle(page, 150);
    const now = await look();
    same = now !== "busy" && now === before ? same + 1 : 0;
    before = now;
  }
}

/** What axe finds wrong, a line each. The page's policy forbids to add a script to it: this one is evaluated. */
export async function violations(page) {
  await page.evaluate(axe);
  const found = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
  return found.violations.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.target.join(" ")}`));
}
