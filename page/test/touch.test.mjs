/** Fingers, forced colours, and keys that can be switched off. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { launch, open, settle } from "./support/browser.mjs";
import { bundle } from "./support/bundle.mjs";
import { encodeTrace, pageOf, reportOf } from "./support/encode.mjs";
import { zoo } from "./support/runs.mjs";

const directory = mkdtempSync(join(tmpdir(), "waitscope-touch-"));
const file = join(directory, "zoo.html");
let browser;

before(async () => {
  const { threads, gil, groups, path } = zoo();
  const report = reportOf(threads, { groups, critical_path: path });
  writeFileSync(file, pageOf(report, encodeTrace(threads, { gil }), await bundle()));
  browser = await launch();
});
after(async () => {
  await browser?.close();
  rmSync(directory, { recursive: true });
});

/** The page under fingers; `place` is a point of an element, from its corner. */
async function touched() {
  const { page, complaints } = await open(browser, file);
  const cdp = await page.createCDPSession();
  await cdp.send("Emulation.setTouchEmulationEnabled", { enabled: true, maxTouchPoints: 2 });
  const touch = (type, ...points) =>
    cdp.send("Input.dispatchTouchEvent", { type, touchPoints: points.map(([x, y], id) => ({ x, y, id })) });
  const place = async (selector) => {
    const corner = await page.$eval(selector, (element) => {
      element.scrollIntoView({ block: "center", behavior: "instant" });
      const { left, top } = element.getBoundingClientRect();
      return [left, top];
    });
    return (x, y) => [corner[0] + x, corner[1] + y];
  };
  const window = () => page.evaluate(() => /window=(\d+)-(\d+)/.exec(location.hash)?.slice(1).map(Number) ?? null);
  const drag = async (from, to) => {
    for (let step = 1; step <= 10; step++) {
      await touch("touchMove", [from[0] + ((to[0] - from[0]) * step) / 10, from[1] + ((to[1] - from[1]) * step) / 10]);
    }
    await touch("touchEnd");
    await settle(page);
  };
  return { page, complaints, touch, place, window, drag };
}

test("touch: a finger moves the timeline, and after a long press it sets the window", async () => {
  const { page, complaints, touch, place, window, drag } = await touched();
  const at = await place(".tl-canvas");
  await touch("touchStart", at(500, 70));
  await drag(at(500, 70), at(800, 70));
  assert.equal(await window(), null);
  await touch("touchStart", at(500, 70));
  await settle(page, 700);
  assert.equal(await page.$eval(".tl-tip", (tip) => tip.hidden), false);
  await drag(at(500, 70), at(800, 70));
  const [from, to] = await window();
  assert.ok(to - from > 40e6 && to - from < 80e6, `${to - from}`);
  assert.deepEqual(complaints, []);
  await page.close();
});

test("touch: two fingers zoom", async () => {
  const { page, complaints, touch, place, window, drag } = await touched();
  const at = await place(".tl-canvas");
  await touch("touchStart", at(600, 70), at(700, 70));
  for (let by = 10; by <= 150; by += 10) await touch("touchMove", at(600 - by, 70), at(700 + by, 70));
  await touch("touchEnd");
  // What is shown becomes the window: a fourth of the run.
  await page.click(".tl-tools [aria-pressed]");
  await touch("touchStart", at(240, 70));
  await drag(at(240, 70), at(1200, 70));
  const [from, to] = await window();
  assert.ok(to - from > 40e6 && to - from < 60e6, `${to - from}`);
  assert.deepEqual(complaints, []);
  await page.close();
});

test("touch: a finger along a plot sets the window", async () => {
  const { page, complaints, touch, place, window, drag } = await touched();
  const at = await place(".plot .u-over");
  await touch("touchStart", at(50, 40));
  await drag(at(50, 40), at(250, 45));
  const [from, to] = await window();
  assert.ok(to > from);
  assert.deepEqual(complaints, []);
  await page.close();
});

test("keys: single characters can be switched off", async () => {
  const { page, complaints } = await open(browser, file);
  const finds = () => page.$eval("dialog.find", (dialog) => dialog.open);
  await page.keyboard.press("?");
  await page.click("dialog.help input[type=checkbox]");
  await page.keyboard.press("Escape");
  await page.keyboard.press("/");
  assert.equal(await finds(), false);
  await page.click(".tools button[title='keys and words, key ?']");
  await page.click("dialog.help input[type=checkbox]");
  await page.keyboard.press("Escape");
  await page.keyboard.press("/");
  assert.equal(await finds(), true);
  assert.deepEqual(complaints, []);
  await page.close();
});
