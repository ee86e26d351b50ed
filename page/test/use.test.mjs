/** The page as a person uses it: by pointer alone, by keys alone; and its numbers beside those of waitscope. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launch, open, settle, steady } from "./support/browser.mjs";
import { folder, record, report, stored, waitscope } from "./support/waitscope.mjs";

const files = folder();
let browser;
before(async () => (browser = await launch()));
after(async () => {
  await browser?.close();
  files.remove();
});

const address = (page) => page.evaluate(() => decodeURIComponent(location.hash));

/** Where on the screen a share of the width of the overview is. */
async function onOverview(page, share) {
  const strip = await page.$(".tl-overview");
  await strip.evaluate((it) => it.scrollIntoView({ block: "center", behavior: "instant" }));
  const { x, y, width, height } = await strip.boundingBox();
  // The names stand left of it.
  return [x + width * (0.25 + 0.7 * share), y + height / 2];
}

async function brush(page, from, to) {
  const [start, end] = [await onOverview(page, from), await onOverview(page, to)];
  await page.mouse.move(...start);
  await page.mouse.down();
  await page.mouse.move(...end, { steps: 5 });
  await page.mouse.up();
  await settle(page, 1000);
  await steady(page);
  const [, first, last] = /window=(\d+)-(\d+)/.exec(await address(page)) ?? [];
  assert.ok(last, "the window is in the address");
  return [Number(first), Number(last)];
}

/** The groups by name, and of one, which is opened, its rows: kind, place, time, share, count. */
async function groups(page, name) {
  return page.evaluate((name) => {
    const text = (cell) => cell.textContent.trim();
    const named = [...document.querySelectorAll(".group .name")].map(text);
    const group = document.querySelector(`.group[aria-label="group ${name}"]`);
    if (!group.querySelector(".rows")) group.querySelector("button").click();
    const budget = group.querySelector(".rows");
    const rows = [...budget.querySelectorAll("tbody tr")].map((row) => [...row.cells].map(text));
    // Which objects is said in its own way.
    const line = ([kind, place, time, , share, count]) => [kind, place.split(" ")[0], time, share, count].join(" ");
    return { named, rows: rows.map(line) };
  }, name);
}

test("use: the numbers of a window that was dragged are those of report --from --to", async () => {
  const recording = stored("gitsync-threads");
  const { page, complaints } = await open(browser, report(recording, files.file("gitsync.html")));
  await page.waitForSelector(".tl-canvas");
  const name = "python3 gitsync (threads)";
  const whole = await groups(page, name);
  for (const [first, last] of [[0.2, 0.7], [0.5, 0.9]]) {
    const [from, to] = await brush(page, first, last);
    const shown = await groups(page, name);
    assert.notDeepEqual(shown.rows, whole.rows);
    // No line jumps away from who reads it.
    assert.deepEqual(shown.named, whole.named);
    const part = report(recording, files.file(`${from}.html`), "--from", `${from}ns`, "--to", `${to}ns`);
    const other = await open(browser, part);
    const expected = await groups(other.page, name);
    assert.deepEqual(shown.rows, expected.rows);
    await other.page.close();
  }
  await page.keyboard.press("W");
  await settle(page, 500);
  assert.deepEqual(await groups(page, name), whole);
  assert.deepEqual(complaints, []);
  await page.close();
});

test("use: while a window is dragged the timeline stays where it is", async () => {
  const { page } = await open(browser, report(stored("gitsync-threads"), files.file("steady.html")));
  await page.waitForSelector(".tl-canvas");
  await settle(page, 1000);
  const strip = await page.$(".tl-overview");
  await strip.evaluate((it) => it.scrollIntoView({ block: "center", behavior: "instant" }));
  await steady(page);
  const { x, y, width } = await strip.boundingBox();
  await page.mouse.move(x + width * 0.4, y + 20);
  await page.mouse.down();
  for (const share of [0.42, 0.5, 0.6, 0.8]) {
    await page.mouse.move(x + width * share, y + 20);
    await settle(page);
    assert.ok(Math.abs((await strip.boundingBox()).y - y) < 2, `at ${share}`);
  }
  await page.mouse.up();
  await settle(page, 1000);
  assert.ok(Math.abs((await strip.boundingBox()).y - y) < 2);
  await page.close();
});

test("use: the longest of a row leads to itself, and its chain is in view", async () => {
  const { page } = await open(browser, report(stored("gitsync-threads"), files.file("longest.html")));
  await page.waitForSelector(".tl-canvas");
  await settle(page, 500);
  const rows = await page.$$(".opened:not([hidden]) .rows tbody tr");
  for (const row of rows) {
    const button = await row.$("td.n button");
    const text = await button.evaluate((it) => it.textContent);
    if (!/\d/.test(text)) continue;
    await button.click();
    await settle(page, 1000);
    const [says, top] = await page.$eval(".chain h3", (it) => [it.textContent, it.getBoundingClientRect().top]);
    assert.ok(says.includes(`waited ${text}:`), `${says} for ${text}`);
    assert.ok(top > 0 && top < 900, `${top}`);
  }
  await page.close();
});

/** `sleep` is what everything here waits for, through a pipe and two processes. */
const CHAIN = ["sh", "-c", "(sh -c 'sleep 0.3; echo done') | cat >/dev/null"];

test("use: clicks alone lead from a wait to its last cause", async () => {
  const path = report(record(files.file("chain.wsc"), [], ...CHAIN), files.file("chain.html"));
  const { page, complaints } = await open(browser, path);
  await page.waitForSelector(".tl-canvas");
  // The group of cat, its longest wait: the pipe.
  for (const button of await page.$$(".group h3 button")) {
    const [name, isOpen] = await button.evaluate((it) => [it.querySelector(".name")?.textContent, it.ariaExpanded === "true"]);
    if ((name === "cat") !== isOpen) await button.click();
  }
  await settle(page);
  const longest = await page.$$("#groups .opened:not([hidden]) .rows tbody tr");
  for (const row of longest) {
    if ((await row.evaluate((it) => it.textContent)).startsWith("pipe-read")) await (await row.$("td.n button")).click();
  }
  await settle(page);
  const steps = await page.$$eval(".chain-step", (all) => all.map((it) => it.textContent));
  assert.match(steps[0], /^cat .*pipe-read/);
  assert.ok(steps.some((step) => /sleep: *|sleep .* waited/.test(step)), steps.join("\n"));
  assert.match(await page.$eval(".chain-final", (it) => it.textContent), /timer/);
  assert.match(await address(page), /^#thread=\d+&t=\d+$/);
  assert.deepEqual(complaints, []);
  await page.close();
});

test("use: keys alone reach everything that can be clicked", async () => {
  const { page } = await open(browser, report(stored("java"), files.file("java.html")));
  await page.waitForSelector(".tl-canvas");
  const missed = await page.evaluate(() => {
    const shown = (it) => it.checkVisibility({ visibilityProperty: true }) && it.getClientRects().length > 0;
    const clickable = [...document.querySelectorAll("a[href], button, summary, input, select, [tabindex], canvas[tabindex]")];
    window.wanted = new Set(clickable.filter((it) => shown(it) && !it.disabled && it.tabIndex >= 0));
    return window.wanted.size;
  });
  assert.ok(missed > 20);
  const left = async () => {
    for (let step = 0; step < missed + 50; step++) {
      await page.keyboard.press("Tab");
      const size = await page.evaluate(() => {
        window.wanted.delete(document.activeElement);
        return window.wanted.size;
      });
      if (size === 0) return [];
    }
    return page.evaluate(() => [...window.wanted].map((it) => it.outerHTML.slice(0, 80)));
  };
  assert.deepEqual(await left(), []);
  await page.close();
});

test("use: a thread is found by its tid, and what is focused is seen", async () => {
  const { page } = await open(browser, report(stored("java"), files.file("java-find.html")));
  await page.waitForSelector(".tl-canvas");
  const tid = JSON.parse(waitscope("report", stored("java"), "--format", "json")).threads.at(-1).tid;
  await page.keyboard.press("/");
  await page.keyboard.type(String(tid));
  await settle(page);
  await page.keyboard.press("Enter");
  await settle(page);
  assert.match(await address(page), new RegExp(`thread=${tid}`));
  await page.keyboard.press("?");
  await settle(page);
  assert.ok(await page.$("dialog[open] .keys"));
  await page.keyboard.press("Escape");
  await settle(page);
  assert.equal(await page.$("dialog[open]"), null);
  await page.close();
});

test("use: a claim leads to the waits that decide it", async () => {
  const claims = files.file("claims.toml");
  const { writeFileSync } = await import("node:fs");
  writeFileSync(
    claims,
    `schema = "waitscope.claims/1"
[who.pool]
process = "any"
threads = "all"
[[claim]]
id = "C"
says = "threads wait for a child"
holds = "pool.wait(child-exit) > 1ms"
`,
  );
  const path = report(stored("gitsync-threads"), files.file("claims.html"), "--check", claims);
  const { page, complaints } = await open(browser, path);
  await page.waitForSelector(".tl-canvas");
  assert.match(await page.$eval("#claims", (it) => it.innerText), /CORRECT/);
  await page.click("#claims .claim button");
  await settle(page);
  assert.match(await address(page), /thread=\d+&t=\d+/);
  assert.match(await page.$eval(".chain-step", (it) => it.textContent), /child-exit/);
  assert.deepEqual(complaints, []);
  await page.close();
});
