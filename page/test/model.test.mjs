/** What a window holds, what is behind waits, chains: in runs that are made by hand. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeTrace, reportOf } from "./support/encode.mjs";
import { load } from "./support/load.mjs";
import { birth, circle, cpu, gilTries, pair, queue, rings, waitBy, waitFor } from "./support/runs.mjs";

const model = await load("test/support/model.ts");
const WHOLE = { from: 0, to: 1e15 };

function run(threads, options) {
  const report = reportOf(threads);
  return { report, trace: model.decodeTrace(new Uint8Array(encodeTrace(threads, options)), report) };
}

const rowsOf = (blame) => Object.fromEntries(blame.map(({ kind, cause, detail, ns }) => [`${kind}: ${cause}${detail ? ` ${detail}` : ""}`, ns]));
const blameOf = (made, threads, span = WHOLE) => rowsOf(model.blameOfThreads(made, threads, span));

test("window: the whole run adds up", () => {
  const sums = model.sumsOfThread(run(pair()), 0, WHOLE);
  assert.equal(sums.lifetime_ns, 120);
  assert.deepEqual([sums.on_cpu_ns, sums.runqueue_ns, sums.runqueue_count, sums.open_ns], [15, 5, 1, 0]);
  assert.deepEqual(sums.waits.map(({ kind, count, total_ns, max_ns }) => [kind, count, total_ns, max_ns]), [["futex", 1, 100, 100]]);
  assert.deepEqual(sums.wakes.map(({ comm, tid, count, wait_ns }) => [comm, tid, count, wait_ns]), [["group 1", 101, 1, 100]]);
});

test("window: a wait that begins before it counts from its beginning, one that goes on behind it is open", () => {
  const made = run(pair());
  const late = model.sumsOfThread(made, 0, { from: 60, to: 112 });
  assert.deepEqual([late.lifetime_ns, late.runqueue_ns, late.waits[0].total_ns, late.waits[0].count], [52, 2, 50, 1]);
  const early = model.sumsOfThread(made, 0, { from: 0, to: 60 });
  assert.deepEqual([early.on_cpu_ns, early.open_ns, early.waits.length, early.open[0].so_far_ns], [10, 50, 0, 50]);
});

test("window: a wait counts where it ends, at the window's end too, and not at its beginning", () => {
  const made = run(pair());
  assert.equal(model.sumsOfThread(made, 0, { from: 0, to: 110 }).waits[0].count, 1);
  assert.equal(model.sumsOfThread(made, 0, { from: 110, to: 120 }).waits.length, 0);
});

test("window: windows side by side hold all of the time", () => {
  const made = run(pair());
  for (let cut = 1; cut < 120; cut++) {
    const parts = [model.sumsOfThreads(made, [0, 1], { from: 0, to: cut }), model.sumsOfThreads(made, [0, 1], { from: cut, to: 120 })];
    for (const sums of parts) {
      const waits = sums.waits.reduce((ns, wait) => ns + wait.total_ns, 0);
      assert.equal(sums.on_cpu_ns + sums.runqueue_ns + sums.unknown_ns + sums.open_ns + waits, sums.lifetime_ns);
    }
  }
});

test("window: in a group waits on different objects are one row", () => {
  const object = (name) => waitBy(10, 0, { object: name });
  const made = run([{ intervals: [cpu(99, "x")] }, { intervals: [object("one"), object("two")] }]);
  assert.equal(model.sumsOfThread(made, 1, WHOLE).waits.length, 2);
  const [row] = model.sumsOfThreads(made, [1], WHOLE).waits;
  assert.deepEqual([row.object, row.count, row.total_ns], [null, 2, 20]);
});

test("window: of those together a part counts in proportion, and says so", () => {
  const parts = [{ ...cpu(60, "x"), count: 6 }, { ...queue(40), count: 4 }];
  const made = run([{ intervals: [{ ns: 100, state: "together", parts }] }]);
  const whole = model.sumsOfThread(made, 0, WHOLE);
  assert.deepEqual([whole.on_cpu_ns, whole.runqueue_ns, whole.approximate], [60, 40, false]);
  const half = model.sumsOfThread(made, 0, { from: 0, to: 33 });
  assert.deepEqual([half.on_cpu_ns + half.runqueue_ns, half.approximate], [33, true]);
});

test("path: a group is on it while its thread does what it says, or waits for who does", () => {
  const on = (ns) => {
    const made = run(pair());
    made.report.critical_path = { root: 0, from_ns: 0, to_ns: 120, sums: [], hops: [], hops_left_out: 0 };
    made.report.groups.forEach((group, index) => (group.critical_path_ns = ns[index]));
    return made;
  };
  assert.deepEqual(model.onPathIn(on([110, 110]), WHOLE), [110, 110]);
  assert.deepEqual(model.onPathIn(on([110, 110]), { from: 0, to: 20 }), [10, 20]);
  assert.deepEqual(model.onPathIn(on([110, 110]), { from: 105, to: 120 }), [15, 5]);
  // What the report has otherwise is not known.
  assert.equal(model.onPathIn(on([111, 110]), WHOLE), null);
});

test("blame: what the waker did, and what that waited for", () => {
  const expect = { "futex: network 10.0.0.1:80": 60, "futex: computing b": 40 };
  assert.deepEqual(blameOf(run(pair()), [0]), expect);
  assert.deepEqual(blameOf(run(pair()), [1]), { "socket-recv: network 10.0.0.1:80": 60 });
});

test("blame: of a wait that began before the window only its part inside", () => {
  assert.deepEqual(blameOf(run(pair()), [0], { from: 70, to: 120 }), { "futex: computing b": 30, "futex: network 10.0.0.1:80": 10 });
  assert.deepEqual(blameOf(run(pair()), [0], { from: 0, to: 109 }), {});
});

test("blame: before a waker's birth its creator stands for it", () => {
  assert.deepEqual(blameOf(run(birth()), [0]), { "futex: computing b": 30, "futex: run-queue": 15, "futex: computing c": 45 });
});

test("blame: ends in a circular world, and adds up", () => {
  const made = run(circle());
  for (const thread of [0, 1, 2]) {
    const total = model.blameOfThreads(made, [thread], WHOLE).reduce((ns, row) => ns + row.ns, 0);
    assert.equal(total, thread === 2 ? 110 : 100);
  }
  assert.equal(model.chainOf(made, 0).final.cause, "unknown");
});

test("blame: a try that timed out is blamed on who handed the lock on, and on a timer until then", () => {
  const made = run(gilTries());
  assert.deepEqual(blameOf(made, [0]), { "gil: computing b": 90 });
  assert.deepEqual(blameOf(made, [2]), { "futex: timer": 40, "futex: run-queue": 5 });
});

test("blame: the tree's nodes are their children together, and its ends the rows", () => {
  for (const threads of [pair(), birth(), circle(), gilTries(), rings(40, 30)]) {
    const made = run(threads);
    const all = threads.map((_, index) => index);
    for (const kind of new Set(model.blameOfThreads(made, all, WHOLE).map((row) => row.kind))) {
      const ends = {};
      const walk = (node) => {
        if (node.cause !== null) ends[`${kind}: ${node.cause}${node.detail ? ` ${node.detail}` : ""}`] = (ends[`${kind}: ${node.cause}${node.detail ? ` ${node.detail}` : ""}`] ?? 0) + node.ns;
        else assert.equal(node.children.reduce((ns, child) => ns + child.ns, 0), node.ns);
        node.children.forEach(walk);
      };
      walk(model.blameTree(made, all, WHOLE, kind));
      assert.deepEqual(ends, rowsOf(model.blameOfThreads(made, all, WHOLE).filter((row) => row.kind === kind)));
    }
  }
});

test("blame: running sums and long waits say the same as one by one", () => {
  const steps = Array.from({ length: 900 }, (_, i) => (i % 3 === 0 ? waitFor(7, ["network", `peer ${i % 5}`]) : i % 3 === 1 ? queue(2) : cpu(11, "b")));
  const length = steps.reduce((ns, step) => ns + step.ns, 0);
  const waits = Array.from({ length: 40 }, () => waitBy(140, 1));
  const made = run([{ intervals: waits }, { intervals: [...steps, cpu(length, "b")] }]);
  const direct = {};
  let at = 0;
  const until = waits.length * waits[0].ns;
  for (const step of steps) {
    const ns = Math.min(at + step.ns, until) - at;
    at += step.ns;
    if (ns > 0) direct[`futex: ${step.cause[0]}${step.cause[1] ? ` ${step.cause[1]}` : ""}`] = (direct[`futex: ${step.cause[0]}${step.cause[1] ? ` ${step.cause[1]}` : ""}`] ?? 0) + ns;
  }
  assert.deepEqual(blameOf(made, [0]), Object.fromEntries(Object.entries(direct).sort((a, b) => b[1] - a[1])));
  const long = run([{ intervals: [waitBy(until, 1)] }, { intervals: [...steps, cpu(length, "b")] }]);
  assert.deepEqual(blameOf(long, [0]), blameOf(made, [0]));
});

test("blame: a wait of many causes is one to those around it, and is opened in the sums", () => {
  const peers = Array.from({ length: 100 }, (_, i) => waitFor(5, ["network", `peer ${i}`]));
  const outer = [{ intervals: [waitBy(501, 1), cpu(1, "a")] }, { intervals: [waitBy(500, 2), cpu(2, "b")] }, { intervals: [...peers, cpu(2, "c")] }];
  const rows = blameOf(run(outer), [0]);
  assert.equal(Object.keys(rows).length, 101);
  assert.equal(rows["futex: network peer 42"], 5);
  assert.equal(rows["futex: computing b"], 1);
});

test("blame: the same in slices, and it can be called off", async () => {
  const made = run(rings(30, 200));
  const again = run(rings(30, 200));
  const all = [...Array(30).keys()];
  assert.deepEqual(await model.blameOfThreadsAsync(again, all, WHOLE), model.blameOfThreads(made, all, WHOLE));
  await assert.rejects(model.blameOfThreadsAsync(again, all, WHOLE, AbortSignal.abort()));
});

test("chain: hop by hop to what ends it", () => {
  const made = run(pair());
  const { hops, final } = model.chainOf(made, 1);
  assert.deepEqual(hops.map((hop) => [hop.thread, hop.kind, hop.by]), [[0, "futex", 1], [1, "socket-recv", null]]);
  assert.deepEqual(hops[0].meanwhile.map((doing) => [doing.what, doing.ns]), [["wait", 60], ["on-cpu", 40]]);
  assert.deepEqual([final.cause, final.detail], ["network", "10.0.0.1:80"]);
  const other = model.branchOff(made, model.chainOf(made, 1), 0, hops[0].meanwhile[1]);
  assert.deepEqual([other.hops.length, other.final.cause, other.final.thread], [1, "computing", 1]);
  assert.equal(model.chainOf(made, 0), null);
});

test("chain: a birth goes on in the creator", () => {
  const [hop] = model.chainOf(run(birth()), 0).hops;
  assert.deepEqual(hop.meanwhile.map((doing) => [doing.thread, doing.what, doing.ns, doing.unborn]), [[2, "on-cpu", 45, false], [1, "on-cpu", 30, true], [1, "runqueue", 10, true], [2, "runqueue", 5, false]]);
});

test("levels: any stretch is the sum of its intervals", async () => {
  const { Levels, emptyMix } = await load("src/model/levels.ts");
  const made = run(rings(4, 700));
  const { trace } = made;
  const levels = new Levels(trace);
  const end = trace.to.reduce((a, b) => Math.max(a, b));
  for (let n = 0; n < 300; n++) {
    const [low, high] = [(n * 7919) % end, (n * 104729) % end].sort((a, b) => a - b);
    const thread = n % 4;
    const mix = emptyMix();
    levels.clear(mix);
    levels.add(mix, thread, levels.firstAfter(thread, low), low, high);
    const expect = { cpu: 0, queue: 0, wait: 0 };
    for (let i = trace.first[thread]; i < trace.first[thread + 1]; i++) {
      const ns = Math.max(0, Math.min(trace.to[i], high) - Math.max(trace.from[i], low));
      expect[{ "on-cpu": "cpu", runqueue: "queue", wait: "wait" }[trace.whats[trace.what[i]].state]] += ns;
    }
    for (const name of ["cpu", "queue", "wait"]) assert.ok(Math.abs(mix[name] - expect[name]) <= 1 + expect[name] * 1e-5, `${name} ${mix[name]} ${expect[name]}`);
  }
});
