/** The rows of a group's budget, as the page shows them. */

import type { Run, Span } from "../../src/types";
import { insideRows, longestOfRow } from "../../src/ui/row_intervals";
import { type FullSums, rowsOf } from "../../src/ui/rows";
import { waitsWithWakes } from "../../src/ui/wakes";
import { sumsOfThreads, threadsOfGroup } from "../../src/model/window";

export { wakerOf } from "../../src/ui/woken";

/** `null`: of the whole run. */
export function budgetOf(run: Run, group: number, span: Span | null) {
  const { groups } = run.report;
  const threads = threadsOfGroup(run, group);
  const windowed = (span: Span): FullSums => ({
    ...sumsOfThreads(run, threads, span),
    waits: waitsWithWakes(run, group, threads, span),
  });
  const sums: FullSums = span ? windowed(span) : groups[group];
  const rows = rowsOf(sums, groups[group].name, true);
  const inside = insideRows(run, group, rows, span ?? { from: 0, to: Infinity });
  return rows.map((row, at) => {
    return { row, inside: inside[at], longest: longestOfRow(run.trace, row, inside[at], span === null) };
  });
}
