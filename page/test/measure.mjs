// What a page costs in headless Chromium: node test/measure.mjs PAGE.html…
// Head: from the navigation to the first paint; sections, timeline: to the frame behind the one in which they are put on
// the page. Frames: while the canvas is zoomed, panned and scrolled for five seconds each, by real wheel and pointer
// events. Memory: of the renderer process, in the end and at most (asked ten times a second: Chromium resets `VmHWM`).
import { readFileSync, statSync } from "node:fs";
import puppeteer from "puppeteer-core";

const ACT_MS = 5_000;

async function frames(page, act) {
  await page.evaluate(() => {
    window.stamps = [];
    const tick = (now) => {
      window.stamps.push(now);
      window.ticking = requestAnimationFrame(tick);
    };
    window.ticking = requestAnimationFrame(tick);
  });
  const end = Date.now() + ACT_MS;
  for (let step = 0; Date.now() < end; step++) await act(step);
  const stamps = await page.evaluate(() => {
    cancelAnimationFrame(window.ticking);
    return window.stamps;
  });
  const gaps = stamps.slice(1).map((stamp, i) => stamp - stamps[i]).sort((a, b) => a - b);
  const seconds = (stamps.at(-1) - stamps[0]) / 1000;
  return `${((stamps.length - 1) / seconds).toFixed(1)} frames/s, p99 gap ${gaps[Math.floor(gaps.length * 0.99)]?.toFixed(0)} ms`;
}

/** The renderer's bytes, now and at most since it was asked last. */
function rendererBytes(browser) {
  const all = [];
  const visit = (pid) => {
    const command = readFileSync(`/proc/${pid}/cmdline`, "utf8");
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    const of = (name) => Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1] ?? 0) * 1024;
    if (command.includes("--type=renderer")) all.push({ now: of("VmRSS"), most: of("VmHWM") });
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ");
    for (const child of children) if (child) visit(child);
  };
  visit(browser.process().pid);
  return all.reduce((a, b) => (a.now >= b.now ? a : b));
}

/** Asks all the while; what is returned ends that and says the most. */
function watchMemory(browser) {
  let most = 0;
  const ask = () => {
    try {
      most = Math.max(most, rendererBytes(browser).most);
    } catch {
      // A process that is gone by now.
    }
  };
  const timer = setInterval(ask, 100);
  return () => (clearInterval(timer), ask(), most);
}

/** In the page: notes when its parts are there. */
function note() {
  window.noted = {};
  const stamp = (name) => requestAnimationFrame(() => requestAnimationFrame((now) => (window.noted[name] = now)));
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) window.noted[entry.name] = entry.startTime;
  }).observe({ type: "paint", buffered: true });
  const parts = new Map([["sections", "main section"], ["timeline", ".tl-canvas"]]);
  new MutationObserver(() => {
    for (const [name, selector] of parts) {
      if (!document.querySelector(selector)) continue;
      parts.delete(name);
      stamp(name);
    }
  }).observe(document, { childList: true, subtree: true });
}

for (const path of process.argv.slice(2)) {
  const browser = await puppeteer.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] });
  const page = await browser.newPage();
  await page.setViewport({ width: 1280, height: 900 });
  await page.evaluateOnNewDocument(note);
  const endMemory = watchMemory(browser);
  await page.goto(`file://${path}`);
  await page.waitForFunction(() => window.noted.timeline, { timeout: 60_000 });
  const noted = await page.evaluate(() => window.noted);
  await page.$eval(".tl-canvas", (canvas) => canvas.scrollIntoView({ block: "center" }));
  await new Promise((done) => setTimeout(done, 3000));
  const box = await (await page.$(".tl-canvas")).boundingBox();
  const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
  await page.mouse.move(x, y);
  await page.keyboard.down("Control");
  const zoom = await frames(page, (step) => page.mouse.wheel({ deltaY: step % 40 < 20 ? -60 : 60 }));
  for (let step = 0; step < 12; step++) await page.mouse.wheel({ deltaY: -100 });
  await page.keyboard.up("Control");
  await page.mouse.down();
  const pan = await frames(page, (step) => page.mouse.move(x + 300 * Math.sin(step / 15), y));
  await page.mouse.up();
  const scroll = await frames(page, (step) => page.mouse.wheel({ deltaY: step % 80 < 40 ? 120 : -120 }));
  const mib = (bytes) => `${(bytes / 2 ** 20).toFixed(0)} MiB`;
  const ms = (name) => `${name} ${noted[name].toFixed(0)} ms`;
  console.log(`${path}: ${(statSync(path).size / 1e6).toFixed(2)} MB`);
  console.log(`  head ${noted["first-contentful-paint"].toFixed(0)} ms, ${ms("sections")}, ${ms("timeline")}`);
  console.log(`  memory ${mib(rendererBytes(browser).now)}, at most ${mib(endMemory())}`);
  console.log(`  zoom ${zoom}\n  pan ${pan}\n  scroll ${scroll}`);
  await browser.close();
}
