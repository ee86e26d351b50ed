/**
 * The longest of each row of a group's budget: of the waits in that row, and of no others at its place.
 * Needs a waitscope that is built (`WAITSCOPE_BIN`, or the one in target/debug).
 */
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { load } from "./support/load.mjs";
import { readPage } from "./support/page.mjs";
import { STORED, folder, stored, waitscope } from "./support/waitscope.mjs";

const files = folder();
after(() => files.remove());
const { budgetOf, wakerOf } = await load("test/support/budget.ts");

/** Its kind, its function where the row has one only, and what kind of thing ended it are those of the row. */
function belongs({ report, trace }, index, row, interval, end) {
  const { site, wake, by } = trace.whats[trace.what[interval]];
  const { kind, function: name } = trace.sites[site];
  assert.equal(kind, row.label);
  if (row.place?.more === 0 && row.waits.stack === null && name) assert.equal(name, row.place.text);
  // One that goes on at the window's end has been ended by nobody yet.
  if (row.waits.wakers === null || trace.to[interval] > end) return;
  const waker = trace.by[interval] >= 0 && by ? report.groups[report.threads[trace.by[interval]].group].name : null;
  const known = wake === undefined ? { source: "" } : trace.wakes[wake];
  const ended = wakerOf(by ? { ...known, comm: waker } : known, report.groups[index].name);
  assert.ok(row.waits.wakers.includes(ended), `${ended} is none of ${row.waits.wakers}`);
}

const FILTERED = [["java", "--max-wait", "20ms"], ["gitsync-threads", "--kind", "futex", "--min-wait", "1ms"]];

for (const [name, ...options] of [...STORED.map((name) => [name]), ...FILTERED]) {
  test(`longest: that of each row of ${[name, ...options].join(" ")} is in the row`, async () => {
    const page = files.file(`${name}.html`);
    waitscope("report", stored(name), "-o", page, ...options);
    const run = await readPage(page);
    const { wall_ns, groups } = run.report;
    let [rowsSeen, unsure] = [0, 0];
    const parts = [[0, 1], [0.1, 0.4], [0.35, 0.9]];
    for (const [from, to] of parts.map((part) => part.map((share) => Math.round(share * wall_ns)))) {
      const isWhole = from === 0;
      groups.forEach((group, index) => {
        for (const { row, inside, longest } of budgetOf(run, index, isWhole ? null : { from, to })) {
          const where = `${group.name}: ${row.label}, ${row.woken?.text}`;
          // All of a row is in it, and nothing else; or the trace does not know how each of its waits was ended.
          if (row.waits && (longest || row.waits.wakers === null)) assert.equal(inside.sum, row.ns, where);
          unsure += Number(row.waits?.finished === true && !longest);
          rowsSeen++;
          if (!longest) continue;
          assert.ok(longest.ns <= row.ns, `${where}: ${longest.ns} of ${row.ns}`);
          if (longest.interval !== null) belongs(run, index, row, longest.interval, to);
          if (!isWhole || longest.interval === null) continue;
          assert.equal(run.trace.to[longest.interval] - run.trace.from[longest.interval], longest.ns, where);
        }
      });
    }
    assert.ok(unsure <= rowsSeen / 10, `${unsure} of ${rowsSeen} rows have no longest`);
  });
}
