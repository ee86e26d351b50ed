// What a page costs in headless Chromium: node test/measure.mjs PAGE.html…
// First picture: from the navigation to the first frame with the timeline's canvas drawn. Frames: while the canvas is
// panned and zoomed for five seconds each, by real wheel and pointer events. Memory: of the renderer process.
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

function rendererBytes(browser) {
  const children = readFileSync(`/proc/${browser.process().pid}/task/${browser.process().pid}/children`, "utf8");
  const all = [];
  const visit = (pid) => {
    const command = readFileSync(`/proc/${pid}/cmdline`, "utf8");
    const rss = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
    if (command.includes("--type=renderer")) all.push(Number(rss?.[1] ?? 0) * 1024);
    for (const child of readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ")) if (child) visit(child);
  };
  for (const child of children.trim().split(" ")) if (child) visit(child);
  return Math.max(...all);
}

for (const path of process.argv.slice(2)) {
  const browser = await puppeteer.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] });
  const page = await browser.newPage();
  await page.setViewport({ width: 1280, height: 900 });
  const began = Date.now();
  await page.goto(`file://${path}`, { waitUntil: "commit" }).catch(() => page.goto(`file://${path}`));
  await page.waitForSelector("h1");
  const head = Date.now() - began;
  await page.waitForSelector(".tl-canvas", { timeout: 60_000 });
  await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
  const first = Date.now() - began;
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
  console.log(`${path}: ${(statSync(path).size / 1e6).toFixed(2)} MB; head ${head} ms, timeline ${first} ms; memory ${mib(rendererBytes(browser))}`);
  console.log(`  zoom ${zoom}\n  pan ${pan}\n  scroll ${scroll}`);
  await browser.close();
}
