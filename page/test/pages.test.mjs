/** Pages of recordings as they are, and as they should not be: each is complete, silent and fit for everybody. */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { launch, open, settle, violations } from "./support/browser.mjs";
import { STORED, folder, record, report, stored } from "./support/waitscope.mjs";

const files = folder();
let browser;
before(async () => (browser = await launch()));
after(async () => {
  await browser?.close();
  files.remove();
});

const pageOf = (name) => report(stored(name), files.file(`${name}.html`));

for (const name of STORED) {
  test(`pages: ${name} is complete and silent`, async () => {
    const { page, complaints } = await open(browser, pageOf(name));
    await page.waitForSelector(".tl-canvas");
    for (const section of ["Groups", "Timeline", "Plots", "Tables"]) {
      assert.ok((await page.$$eval("h2", (all) => all.map((it) => it.textContent))).some((it) => it.startsWith(section)), section);
    }
    assert.deepEqual(complaints, []);
    await page.close();
  });
}

for (const name of ["gitsync-threads", "java", "nginx"]) {
  for (const theme of ["light", "dark"]) {
    for (const width of [390, 1280, 2560]) {
      test(`pages: ${name} is for everybody, ${theme}, ${width} px`, async () => {
        const { page } = await open(browser, pageOf(name), { theme, width });
        assert.deepEqual(await violations(page), []);
        const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
        assert.ok(wide <= 0, `${wide} px too wide`);
        await page.close();
      });
    }
  }
}

/** What a page says at its top and in its last lines. */
async function said(path) {
  const { page, complaints } = await open(browser, path);
  const text = await page.$$eval("header, footer", (parts) => parts.map((part) => part.innerText).join("\n"));
  const main = await page.$eval("main", (main) => main.innerText);
  assert.deepEqual(complaints, []);
  await page.close();
  return { text, main };
}

test("pages: a recording that was cut says so", async () => {
  const whole = readFileSync(stored("gitsync-threads"));
  const cut = files.file("cut.wsc");
  writeFileSync(cut, whole.subarray(0, whole.length / 2));
  const { text, main } = await said(report(cut, files.file("cut.html")));
  assert.match(text, /the recording ends early/);
  assert.match(main, /Timeline/);
});

test("pages: a run that lost records says so, and hatches what is not known", async () => {
  const busy = ["perf", "bench", "sched", "pipe", "-l", "100000"];
  const lossy = record(files.file("lossy.wsc"), ["--ring-size", "4096"], ...busy);
  const { page, complaints } = await open(browser, report(lossy, files.file("lossy.html")));
  assert.match(await page.$eval("header", (head) => head.innerText), /LOST [\d,]+ records/);
  // Groups are the report's own, which knows what the kernel has added up.
  assert.match(await page.$eval("#groups", (groups) => groups.innerText), /0 ns unaccounted/);
  await page.screenshot({ path: files.file("lossy.png") });
  assert.deepEqual(complaints, []);
  await page.close();
});

test("pages: a run on the raw tier", async () => {
  const raw = record(files.file("raw.wsc"), ["--tier", "raw"], "sh", "-c", "sleep 0.1 | cat");
  const { text, main } = await said(report(raw, files.file("raw.html")));
  assert.match(text, /raw tier/);
  assert.match(main, /sleep/);
});

test("pages: of some threads has the others behind them, and chains through all", async () => {
  const { page, complaints } = await open(browser, report(stored("gitsync-threads"), files.file("some.html"), "--group", "git pull"));
  await page.waitForSelector(".tl-canvas");
  assert.match(await page.$eval("header", (head) => head.innerText), /only 8 of 82 threads are listed/);
  const names = await page.$$eval(".group .name", (all) => all.map((it) => it.textContent));
  assert.deepEqual(names, ["git pull", "threads that are not listed"]);
  await page.click("#groups .opened:not([hidden]) .rows td.n button");
  await settle(page);
  const steps = await page.$$eval(".chain-step", (all) => all.map((it) => it.textContent));
  assert.match(steps[0], /^git .*child-exit/);
  assert.ok(steps.length > 1, steps.join());
  assert.deepEqual(complaints, []);
  await page.close();
});

test("pages: a part of a run begins where it does", async () => {
  const part = ["--from", "120ms", "--to", "340ms"];
  const { page, complaints } = await open(browser, report(stored("gitsync-threads"), files.file("part.html"), ...part));
  await page.waitForSelector(".tl-canvas");
  assert.match(await page.$eval("header", (head) => head.innerText), /window 120 ms – 340 ms of 538 ms/);
  assert.match(await page.$eval("main", (main) => main.innerText), /whole run 220 ms/);
  assert.deepEqual(complaints, []);
  await page.close();
});

test("pages: a run of one thread that did nothing", async () => {
  const { text } = await said(report(record(files.file("true.wsc"), [], "true"), files.file("true.html")));
  assert.match(text, /1 thread in 1 process/);
});

test("pages: a recording that ends before anything was seen", async () => {
  const whole = readFileSync(stored("make"));
  const empty = files.file("empty.wsc");
  writeFileSync(empty, whole.subarray(0, 2_000));
  const { text } = await said(report(empty, files.file("empty.html")));
  assert.match(text, /the recording ends early/);
});

test("pages: a report in JSON has no timeline, and says how to get one", async () => {
  const json = files.file("report.json");
  report(stored("java"), files.file("java-again.html"), "-o", json);
  const { text, main } = await said(report(json, files.file("json.html")));
  assert.match(text, /made from a report in JSON/);
  assert.match(main, /waitscope report RECORDING/);
});

test("pages: too little room costs detail, never the page", async () => {
  for (const most of ["300K", "250K", "1K"]) {
    const { main } = await said(report(stored("find"), files.file(`${most}.html`), "--html-max", most));
    assert.match(main, /Groups/);
  }
});

/** Names that would be markup, commands to a terminal, or longer than anything. */
const HOSTILE = ["</script><img src=x onerror=alert(1)>", "\u001b[31m\u202eevil", "x".repeat(4096), "\"'&<b>", "$(touch /tmp/x)`id`"];

test("pages: hostile names are text", async () => {
  const command = ["sh", "-c", 'for name; do (exec -a "$name" sleep 0.02) & done; wait', "sh", ...HOSTILE];
  const hostile = record(files.file("hostile.wsc"), [], "bash", ...command.slice(1));
  const path = report(hostile, files.file("hostile.html"));
  const { page, complaints } = await open(browser, path);
  assert.deepEqual(complaints, []);
  assert.equal((await page.$$("img, main script, b")).length, 0);
  const text = await page.$eval("body", (body) => body.textContent);
  assert.ok(text.includes("\\u{202e}"), "what turns text round is written out");
  assert.ok(!text.includes("\u202e") && !text.includes("\u001b"));
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  assert.ok(wide <= 0, `${wide} px too wide`);
  assert.deepEqual(await violations(page), []);
  await page.close();
});
