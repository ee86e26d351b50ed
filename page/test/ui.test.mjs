/** What the parts beside the timeline compute: budgets as the tables have them, order, buckets, what is found. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { load } from "./support/load.mjs";

const golden = new URL("../../tests/golden/", import.meta.url);
const reportOf = (path) => JSON.parse(readFileSync(new URL(path, golden), "utf8"));
const { rowsOf, residual } = await load("src/ui/rows.ts");
const { unitOf, timeIn, share, count } = await load("src/format.ts");

/** Lines as in the tables: words that are apart by two spaces or more there. */
function lines(report, group, all = false) {
  const { name, ...sums } = report.groups[group];
  const unit = unitOf(sums.lifetime_ns);
  return rowsOf(sums, name, all).map((row) => {
    const more = (named) => (named ? named.text + (named.more > 0 ? ` +${named.more}` : "") : null);
    const place = row.place && more(row.place) + (row.idle ? " idle" : "");
    const time = `${row.atLeast ? "≥ " : ""}${timeIn(unit, row.ns)}`;
    const cells = [row.label, place, time, share(row.ns, sums.lifetime_ns), row.count && count(row.count), more(row.woken)];
    return cells.filter(Boolean).join(" | ");
  });
}

test("rows of a group are those of the table", () => {
  assert.deepEqual(lines(reportOf("recordings/gitsync-processes.json"), 0), [
    "child-exit | do_wait | 1.499 s | 80.0 % | 19 | exit of git pull +1",
    "pipe-read | anon_pipe_read idle | 0.177 s | 9.4 % | 2 | python3 gitsync (threads) (write)",
    "futex | futex_wait | 0.122 s | 6.5 % | 6 | siblings (futex)",
    "run queue | 0.041 s | 2.2 % | 63",
    "on cpu | 0.024 s | 1.3 %",
    "vfork | kernel_clone | 0.009 s | 0.5 % | 24 | git rev-parse (execve) +1",
  ]);
});

test("rows say what is open, unknown and lost", () => {
  assert.deepEqual(lines(reportOf("view/trouble.json"), 0), [
    "socket-accept | inet_csk_accept | ≥ 4.00 s | 40.0 % | 1 | nobody yet",
    "epoll | do_epoll_wait | ≥ 2.00 s | 20.0 % | 4 | kernel thread kworker/0:1",
    "unknown | drm_wait_one_vblank < drm_atomic_helper_wait < drm_ioctl | 1.50 s | 15.0 % | 60 | interrupt",
    "on cpu | 1.00 s | 10.0 %",
    "tty | n_tty_read\u{202e} | 0.90 s | 9.0 % | 2 | outside: ssh\u{1b}[31md (write)",
    "event | (read) | 0.59 s | 5.9 % | 9 | unverified",
    "unknown | (lost records) | 0.01 s | 0.1 %",
  ]);
});

test("rows add up to the lifetime, with all and without", () => {
  for (const name of ["threads", "processes", "asyncio"]) {
    for (const group of reportOf(`recordings/gitsync-${name}.json`).groups) {
      for (const all of [false, true]) {
        const sum = rowsOf(group, group.name, all).reduce((ns, row) => ns + row.ns, 0);
        assert.equal(sum + residual(group), group.lifetime_ns, `${name} ${group.name}`);
      }
    }
  }
});

test("slices of a bar add up to the lifetime, whatever is missing", async () => {
  const { slicesOf } = await load("src/ui/budget.ts");
  const sums = { lifetime_ns: 100, on_cpu_ns: 20, runqueue_ns: 5, open_ns: 10, unknown_ns: 1, waits: [], wakes: [], blame: [] };
  const slices = slicesOf(sums, "x");
  assert.equal(slices.reduce((ns, slice) => ns + slice.ns, 0), 100);
  assert.deepEqual(slices.map((slice) => slice.quiet ?? slice.label), ["on cpu", "run queue", "not finished", "unaccounted", "unknown"]);
});

test("the order of groups is that of the text", async () => {
  const { orderGroups } = await load("src/ui/order.ts");
  const report = reportOf("recordings/gitsync-processes.json");
  const order = orderGroups(report.groups, report.groups, report.critical_path.to_ns - report.critical_path.from_ns);
  const names = order.map(({ index }) => report.groups[index].name);
  assert.deepEqual(names.slice(0, 5), [
    "python3 gitsync (forked)",
    "git pull",
    "git fetch",
    "python3 gitsync",
    "git fetch (threads)",
  ]);
});

/** A trace of one thread: on a CPU, on the run queue, waiting, and two waits drawn together with a run. */
function smallTrace() {
  const whats = [{ state: "on-cpu", cause: 0 }, { state: "runqueue", cause: 0 }, { state: "wait", site: 0 }, { state: "together" }];
  const ends = [0, 10, 14, 34, 54];
  return {
    whats,
    first: Uint32Array.from([0, 4]),
    from: Float64Array.from(ends.slice(0, 4)),
    to: Float64Array.from(ends.slice(1)),
    what: Uint16Array.from([0, 1, 2, 3]),
    by: Int32Array.from([-1, -1, -1, -1]),
    parts: new Map([[3, [{ what: 0, count: 1, ns: 5 }, { what: 2, count: 2, ns: 15 }]]]),
  };
}

test("buckets hold the time in each state, exactly", async () => {
  const { Series } = await load("src/ui/series.ts");
  const series = new Series(smallTrace(), { from: 0, to: 60 }, 6);
  series.addThread(0);
  assert.deepEqual([...series.running], [10, 0, 0, 1.5, 2.5, 1]);
  assert.deepEqual([...series.queued], [0, 4, 0, 0, 0, 0]);
  assert.deepEqual([...series.blocked].map((ns) => Math.round(ns * 1e6) / 1e6), [0, 6, 10, 8.5, 7.5, 3]);
  assert.deepEqual([...series.stays], [0, 1, 0, 0, 0, 0]);
  assert.deepEqual([...series.stayMax], [0, 4, 0, 0, 0, 0]);
  assert.equal(series.wakeUps.reduce((a, b) => a + b), 3);
});

test("buckets of a part of the run hold that part", async () => {
  const { Series } = await load("src/ui/series.ts");
  const series = new Series(smallTrace(), { from: 5, to: 25 }, 2);
  series.addThread(0);
  assert.deepEqual([...series.running], [5, 0]);
  assert.deepEqual([...series.queued], [4, 0]);
  assert.deepEqual([...series.blocked], [1, 10]);
});

test("descriptors hold their number until the next look, and end with their table", async () => {
  const { descriptorChart } = await load("src/ui/charts.ts");
  const table = (id, limit, series, to_ns) => ({ id, processes: [], limit, from_ns: 0, to_ns, series });
  const fd_tables = [table(1, 1024, [[0, 3], [20, 5]], 30), table(2, 8, [[10, 7]], 100)];
  const chart = descriptorChart({ fd_tables, threads: [], wall_ns: 100 });
  assert.deepEqual(chart.lines.map((line) => line.label), ["table 2", "table 1", "limit 8"]);
  assert.deepEqual(chart.points.x, [0, 10, 20, 30, 100]);
  assert.deepEqual(chart.points.y, [[null, 7, 7, 7, 7], [3, 3, 5, 5, null], [8, 8, 8, 8, 8]]);
  const named = { ...table(3, null, [[0, 1]], 9), processes: [7] };
  const threads = [{ pid: 7, tid: 7, group: 0, end_ns: 9 }];
  const [line] = descriptorChart({ fd_tables: [named], threads, groups: [{ name: "nginx" }], wall_ns: 9 }).lines;
  assert.equal(line.label, "nginx (pid 7)");
  assert.equal(descriptorChart({ fd_tables: null, threads: [], wall_ns: 1 }), null);
});

test("values of a claim have their unit, and say which end is open", async () => {
  const { interval } = await load("src/ui/claims.ts");
  const cases = [
    [0.957, 0.957, "share", "95.7 %"],
    [0.94, 0.95, "ratio", "0.94 to 0.95"],
    [1_000_000, null, "bytes", "at least 1.0 MiB"],
    [null, 3_000_000, "ns", "at most 3.00 ms"],
    [null, null, "count", "not known"],
    [1204, 1204, "count", "1,204"],
  ];
  for (const [lo, hi, unit, expect] of cases) assert.equal(interval({ expr: "x", lo, hi, unit }), expect);
});

test("find: whole words first, then the largest", async () => {
  const { candidates, search } = await load("src/ui/candidates.ts");
  const run = { report: reportOf("recordings/gitsync-threads.json"), trace: null };
  const all = candidates(run);
  const first = (query) => search(all, query)[0];
  assert.equal(first("git pull").text, "git pull");
  assert.equal(first("3215").sort, "thread");
  assert.equal(first("child-exit").sort, "kind");
  assert.match(first("38799").text, /38799/);
  assert.deepEqual(search(all, "no such thing"), []);
  assert.equal(first("").sort, "group");
});

test("find: other words for kinds, and listeners by address and port", async () => {
  const { candidates, search } = await load("src/ui/candidates.ts");
  const site = (kind) => ({ kind, syscall: null, function: null, object: null, stack: null });
  const listeners = [{ address: "127.0.0.1", port: 7402, comm: "nginx", pid: 7, dropped_accept: 24, seen_whole: false }];
  const threads = [{ pid: 7, tid: 7, comm: "nginx", group: 0, lifetime_ns: 1, waits: [] }];
  const report = { threads, groups: [{ name: "nginx", lifetime_ns: 1 }], listeners };
  const kinds = ["futex", "gil", "kernel-lock", "sleep", "timer", "socket-recv", "epoll", "sync"];
  const all = candidates({ report, trace: { sites: kinds.map(site) } });
  const found = (query) => search(all, query).map((one) => one.text);
  assert.deepEqual(found("lock").sort(), ["futex", "gil", "kernel-lock"]);
  assert.deepEqual(found("sleep").sort(), ["sleep", "timer"]);
  assert.deepEqual(found("network"), ["socket-recv"]);
  const [listener] = search(all, "127.0.0.1:7402");
  assert.deepEqual([listener.sort, listener.index, listener.note], ["listener", 0, "≥ 24 dropped, nginx"]);
});

test("find: names that would mislead are shown as they are", async () => {
  const { candidates } = await load("src/ui/candidates.ts");
  const texts = candidates({ report: reportOf("view/trouble.json"), trace: null }).map((one) => one.text);
  assert.ok(texts.every((text) => !/[\u0000-\u001f\u202e]/.test(text)));
  assert.ok(texts.some((text) => text.includes("\\u{202e}")));
});

test("tab-separated values have a line for each row, and no tabs of their own", async () => {
  const { tsv } = await load("src/ui/tsv.ts");
  const row = (i) => [`a\tb${i}`, { show: null, copy: "1" }];
  assert.equal(tsv({ caption: "", columns: [{ name: "x" }, { name: "y" }], count: 2, row }), "x\ty\na b0\t1\na b1\t1\n");
});

test("axis labels are in one unit, with the decimals that tell them apart", async () => {
  const { marks } = await load("src/ui/axis.ts");
  const labels = (from, to, width) => marks({ from, to }, width).map(({ label }) => label);
  assert.deepEqual(labels(0, 200e6, 300), ["0 ms", "100 ms", "200 ms"]);
  assert.deepEqual(labels(1.5e9, 1.51e9, 250), ["1,500 ms", "1,505 ms", "1,510 ms"]);
  assert.deepEqual(labels(100_000_000, 100_001_000, 250), ["100.0000 ms", "100.0005 ms", "100.0010 ms"]);
});

test("under the cursor a step has the value of its last point, and a point between gaps is one", async () => {
  const { lastUpTo, isolated } = await load("src/ui/points.ts");
  assert.deepEqual([-1, 0, 9, 10, 50].map((at) => lastUpTo([0, 10, 20], at)), [-1, 0, 0, 1, 2]);
  assert.deepEqual(isolated([1, null, 2, 3, null, 4]), [0, 5]);
  assert.deepEqual(isolated([null, 5, undefined]), [1]);
});

test("bars and causes have a colour each; what is not known has that of the unknown", async () => {
  const { property, causeProperty, KINDS } = await load("src/ui/kinds.ts");
  const css = readFileSync(new URL("../src/style/tokens.css", import.meta.url), "utf8");
  for (const kind of [...KINDS, "on-cpu", "runqueue", "open"]) assert.ok(css.includes(`${property(kind)}:`), kind);
  for (const cause of ["computing", "network", "run-queue", "starting", "outside"]) {
    assert.ok(css.includes(`${causeProperty(cause)}:`), cause);
  }
  assert.equal(property("</script>"), "--unknown");
  assert.equal(property("constructor"), "--unknown");
});
