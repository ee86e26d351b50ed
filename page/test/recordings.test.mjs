/**
 * Pages of the stored recordings: what the model adds up for the whole run is what the report says, to the nanosecond.
 * Needs a waitscope that is built (`WAITSCOPE_BIN`, or the one in target/debug).
 */
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { load } from "./support/load.mjs";
import { readPage } from "./support/page.mjs";

const root = new URL("../../", import.meta.url).pathname;
const waitscope = process.env.WAITSCOPE_BIN ?? join(root, "target/debug/waitscope");
const recordings = join(root, "tests/recordings");
const directory = mkdtempSync(join(tmpdir(), "waitscope-pages-"));
after(() => rmSync(directory, { recursive: true }));

const model = await load("test/support/model.ts");
const WHOLE = { from: 0, to: 1e18 };

/** By place: time and longest. Counts are not compared: waits without length are in no trace. */
function places(waits) {
  const found = {};
  for (const { kind, syscall, function: name, stack, total_ns, max_ns } of waits) {
    const key = [kind, syscall, name, ...(stack ?? [])].join(" ");
    const row = (found[key] ??= { ns: 0, max: 0 });
    row.ns += total_ns;
    row.max = Math.max(row.max, max_ns);
  }
  return Object.fromEntries(Object.entries(found).filter(([, row]) => row.ns > 0));
}

const states = ({ lifetime_ns, on_cpu_ns, runqueue_ns, open_ns, unknown_ns }) => ({ lifetime_ns, on_cpu_ns, runqueue_ns, open_ns, unknown_ns });
const causes = (blame) => Object.fromEntries(blame.map(({ kind, cause, detail, ns }) => [`${kind} ${cause} ${detail}`, ns]));

/**
 * The same without the names of groups: in a window others may be there to be distinguished from; and a process that
 * runs its program behind the window's end only has not been starting in it, as far as the window's report knows.
 */
function unnamed(blame) {
  const sums = {};
  for (const { kind, cause, detail, ns } of blame) {
    const key = ["computing", "starting"].includes(cause) ? `${kind} computing` : `${kind} ${cause} ${detail}`;
    sums[key] = (sums[key] ?? 0) + ns;
  }
  return sums;
}

function compare(run, threads, sums, report, name, span = WHOLE, byCause = causes) {
  assert.deepEqual(states(sums), states(report), name);
  assert.deepEqual(places(sums.waits), places(report.waits), name);
  assert.deepEqual(byCause(model.blameOfThreads(run, threads, span)), byCause(report.blame), name);
}

for (const file of readdirSync(recordings).filter((name) => name.endsWith(".wsc"))) {
  test(`recordings: ${file}`, async () => {
    const page = join(directory, `${file}.html`);
    execFileSync(waitscope, ["report", join(recordings, file), "-o", page], { stdio: "ignore" });
    const run = await readPage(page);
    const { threads, groups } = run.report;
    threads.forEach((thread, index) => compare(run, [index], model.sumsOfThread(run, index, WHOLE), thread, `thread ${index}`));
    groups.forEach((group, index) => {
      const members = model.threadsOfGroup(run, index);
      compare(run, members, model.sumsOfThreads(run, members, WHOLE), group, group.name);
    });
    windowsAddUp(run);
    pathIsTheReports(run);
  });
}

/** The groups on the critical path; in windows side by side they are on it for as long as in both together. */
function pathIsTheReports(run) {
  const { critical_path: path, groups } = run.report;
  if (!path || path.hops_left_out > 0) return;
  const whole = model.onPathIn(run, WHOLE);
  assert.deepEqual(whole, groups.map((group) => group.critical_path_ns));
  const cut = Math.floor((path.from_ns + path.to_ns) / 3);
  const [before, behind] = [{ from: 0, to: cut }, { from: cut, to: 1e18 }].map((span) => model.onPathIn(run, span));
  assert.deepEqual(before.map((ns, group) => ns + behind[group]), whole);
}

/** Cut anywhere, the times of both sides are those of the whole, and what waits are blamed on are the waits. */
function windowsAddUp(run) {
  const all = run.report.threads.map((_, index) => index);
  const whole = model.sumsOfThreads(run, all, WHOLE);
  for (const share of [0.1, 0.33, 0.5, 0.81]) {
    const cut = Math.round(run.report.wall_ns * share);
    const spans = [{ from: 0, to: cut }, { from: cut, to: 1e18 }];
    const sides = spans.map((span) => model.sumsOfThreads(run, all, span));
    for (const state of ["lifetime_ns", "on_cpu_ns", "runqueue_ns", "unknown_ns"]) {
      assert.equal(sides[0][state] + sides[1][state], whole[state], state);
    }
    spans.forEach((span, at) => {
      const blamed = model.blameOfThreads(run, all, span).reduce((ns, row) => ns + row.ns, 0);
      assert.equal(blamed, sides[at].waits.reduce((ns, wait) => ns + wait.total_ns, 0));
    });
  }
}

/** Windows in which the page is compared with `report --from --to`, as shares of the run. */
const WINDOWS = [
  [0.1, 0.3],
  [0.25, 0.5],
  [0.5, 0.93],
  [0, 0.4],
  [0.6, 1],
];

/** The report of a window. */
function windowed(recording, { from, to }, filter = []) {
  const options = ["--from", `${from}ns`, "--to", `${to}ns`, "--format", "json", ...filter];
  return JSON.parse(execFileSync(waitscope, ["report", recording, ...options], { encoding: "utf8", maxBuffer: 1 << 28 }));
}

for (const file of readdirSync(recordings).filter((name) => name.endsWith(".wsc"))) {
  test(`recordings: windows of ${file} are those of report --from --to`, async () => {
    const recording = join(recordings, file);
    const page = join(directory, `window-${file}.html`);
    execFileSync(waitscope, ["report", recording, "-o", page], { stdio: "ignore" });
    const run = await readPage(page);
    const { threads, wall_ns } = run.report;
    for (const [first, last] of WINDOWS) {
      const span = { from: Math.round(first * wall_ns), to: Math.round(last * wall_ns) };
      const report = windowed(recording, span);
      for (const row of report.threads) {
        const same = (thread) => thread.tid === row.tid && thread.start_ns <= row.start_ns && thread.end_ns >= row.end_ns;
        const index = threads.findIndex(same);
        const where = `${first} to ${last}: tid ${row.tid}`;
        assert.ok(index >= 0, where);
        compare(run, [index], model.sumsOfThread(run, index, span), row, where, span, unnamed);
      }
      const alive = threads.filter((thread) => thread.start_ns < span.to && thread.end_ns > span.from);
      const listed = report.threads.filter((thread) => thread.lifetime_ns > 0);
      assert.equal(listed.length, alive.length, `${first} to ${last}: threads`);
    }
  });
}

/** Recordings and filters with which the page counts as `report --kind … --from --to` does. */
const FILTERS = [
  ["gitsync-threads", "--kind", "child-exit,futex", "--min-wait", "10ms", "--max-wait", "1s"],
  ["java", "--min-wait", "1ms"],
  ["postgres", "--max-wait", "2ms"],
  ["postgres", "--kind", "epoll,disk"],
];

for (const [name, ...filter] of FILTERS) {
  test(`recordings: ${name} with ${filter.join(" ")} counts the same waits as the report`, async () => {
    const recording = join(recordings, `${name}.wsc`);
    const page = join(directory, `filter-${name}.html`);
    execFileSync(waitscope, ["report", recording, "-o", page, ...filter], { stdio: "ignore" });
    const run = await readPage(page);
    const { threads, groups, wall_ns } = run.report;
    let leftOut = 0;
    threads.forEach((thread, index) => {
      compareFiltered(run, [index], model.sumsOfThread(run, index, WHOLE), thread, `thread ${index}`);
      leftOut += thread.left_out.total_ns;
    });
    assert.ok(leftOut > 0);
    groups.forEach((group, index) => {
      const members = model.threadsOfGroup(run, index);
      compareFiltered(run, members, model.sumsOfThreads(run, members, WHOLE), group, group.name);
    });
    for (const [first, last] of [[0.25, 0.5], [0.5, 0.93]]) {
      const span = { from: Math.round(first * wall_ns), to: Math.round(last * wall_ns) };
      const report = windowed(recording, span, filter);
      for (const row of report.threads) {
        const same = (thread) => thread.tid === row.tid && thread.start_ns <= row.start_ns && thread.end_ns >= row.end_ns;
        const index = threads.findIndex(same);
        const sums = model.sumsOfThread(run, index, span);
        const where = `${first}: tid ${row.tid}`;
        compareFiltered(run, [index], sums, row, where, span, unnamed);
      }
    }
  });
}

const total = (rows, field) => rows.reduce((ns, row) => ns + row[field], 0);

function closes(sums, name) {
  const { on_cpu_ns, runqueue_ns, open_ns, unknown_ns, left_out, lifetime_ns } = sums;
  const all = on_cpu_ns + runqueue_ns + total(sums.waits, "total_ns") + left_out.total_ns + open_ns + unknown_ns;
  assert.equal(all, lifetime_ns, name);
}

/** As without a filter, and what is left out; so the account closes. */
function compareFiltered(run, threads, sums, report, name, span, byCause) {
  compare(run, threads, sums, report, name, span, byCause);
  assert.equal(sums.left_out.total_ns, report.left_out.total_ns, name);
  closes(sums, name);
}
