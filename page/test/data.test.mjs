/** The trace's columns: what was written is read, and what is damaged is said in one sentence. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { assemble, encodeTrace, reportOf } from "./support/encode.mjs";
import { load } from "./support/load.mjs";
import { pair, rings, zoo } from "./support/runs.mjs";

const { decodeTrace } = await load("src/data/trace.ts");
const { decodeBase64 } = await load("src/data/base64.ts");

const decode = (bytes, threads) => decodeTrace(new Uint8Array(bytes), reportOf(threads));

test("trace: what was written", () => {
  const trace = decode(encodeTrace(pair()), pair());
  assert.deepEqual([...trace.first], [0, 4, 8]);
  assert.deepEqual([...trace.from], [0, 10, 110, 115, 0, 20, 80, 110]);
  assert.deepEqual([...trace.to], [10, 110, 115, 120, 20, 80, 110, 120]);
  assert.deepEqual([...trace.by], [-1, 1, -1, -1, -1, -1, -1, -1]);
});

test("trace: numbers beyond 32 bits, and in a coarser unit", () => {
  const long = [{ from: 2 ** 45, intervals: [{ ns: 2 ** 50, state: "unknown" }] }];
  assert.equal(decode(encodeTrace(long), long).to[0], 2 ** 45 + 2 ** 50);
  const coarse = [{ from: 3, intervals: [{ ns: 5, state: "unknown" }] }];
  assert.equal(decode(encodeTrace(coarse, { unit_ns: 16 }), coarse).to[0], 128);
});

test("trace: parts of those together", () => {
  const { threads, gil } = zoo();
  const trace = decode(encodeTrace(threads, { gil }), threads);
  const [parts] = trace.parts.values();
  assert.deepEqual(parts.map((part) => part.count), [200, 150, 140]);
  assert.equal(trace.gil.length, 4);
});

test("trace: cut anywhere, it is damaged", () => {
  const bytes = encodeTrace(pair());
  for (let length = 0; length < bytes.length; length++) assert.throws(() => decode(bytes.subarray(0, length), pair()), /damaged/);
  assert.throws(() => decode(Buffer.concat([bytes, Buffer.alloc(1)]).subarray(1), pair()), /damaged/);
});

test("trace: any byte changed, it is read or damaged, and never anything else", () => {
  const { threads } = zoo();
  const short = threads.map((thread) => ({ ...thread, intervals: thread.intervals.slice(0, 6) }));
  const bytes = encodeTrace(short);
  for (let at = 0; at < bytes.length; at++) {
    for (const value of [0, 1, 127, 128, 255]) {
      const changed = Buffer.from(bytes);
      changed[at] = value;
      try {
        decode(changed, short);
      } catch (error) {
        assert.match(error.message, /^The intervals in this page (are|were) .*\.$/);
        assert.doesNotMatch(error.message, /undefined|function|property|JSON|token/);
      }
    }
  }
});

test("trace: columns that contradict the header", () => {
  const header = (more) => ({ version: 1, unit_ns: 1, resolution_ns: 0, intervals: 1, columns: { count: 1, from: 1, ns: 1, what: 1, by: 0, parts: 0 }, whats: [{ state: "unknown" }], sites: [], causes: [], wakes: [], gil: [], ...more });
  const one = [{ intervals: [] }];
  const good = [[1], [0], [5], [0], [], []];
  assert.equal(decode(assemble(header({}), good), one).to[0], 5);
  const bad = (more, columns = good) => assert.throws(() => decode(assemble(header(more), columns), one), /timeline/);
  bad({ version: 2 });
  bad({ intervals: 2 });
  bad({ intervals: 1e18 });
  bad({ whats: [{ state: "asleep" }] });
  bad({ whats: [{ state: "wait", site: 3 }] });
  bad({ whats: [{ state: "wait" }] });
  bad({ columns: null });
  bad({ whats: null });
  bad({}, [[2], [0], [5], [0], [], []]);
  bad({}, [[1], [0], [5], [9], [], []]);
});

test("base64: in slices", () => {
  for (const length of [0, 1, 2, 3, 4, 1000, 600_000]) {
    const bytes = Buffer.alloc(length, 0xa7);
    assert.deepEqual(Buffer.from(decodeBase64(bytes.toString("base64"))), bytes);
  }
  assert.throws(() => decodeBase64("%%%%"));
});

test("trace: a million waits are read at once", () => {
  const threads = rings(2000, 500);
  const bytes = new Uint8Array(encodeTrace(threads));
  const report = reportOf(threads);
  const begun = performance.now();
  const trace = decodeTrace(bytes, report);
  const ms = performance.now() - begun;
  assert.equal(trace.from.length, 3_000_000);
  // 200 ms on a laptop; machines that test are slower, and busy.
  assert.ok(ms < 2000, `${ms} ms`);
});
