/** Which group comes first: those on a third of the critical path, on a tenth, the others; among these by busy time. */

import type { Group, Report } from "../types";
import { type FullSums, leftOutNs, type Row, rowsOf } from "./rows";

/** Groups with less than such a part of all lifetimes and of the path are small. */
const SMALL = 1 / 100;

/** A group and what it cost. */
export interface Cost {
  /** Its place in the report. */
  index: number;
  /** Its threads' time without waits that nobody would want to be shorter, or that a filter leaves out. */
  busyNs: number;
  isSmall: boolean;
}

/** A wait for work, one that is not finished, one until the process's end or for a signal. */
export function isQuiet(row: Row): boolean {
  const isForSignal = row.state === "wait" && row.label === "signal";
  return row.idle || row.state === "open" || row.waker === "own-end" || isForSignal;
}

/** The groups of a report as they are shown: dearest first, and small ones, if they share a line, behind them. */
export function groupsInOrder(report: Report): { alone: Cost[]; small: Cost[] } {
  const path = report.critical_path;
  const costs = orderGroups(report.groups, report.groups, path ? path.to_ns - path.from_ns : 0);
  const small = costs.filter((cost) => cost.isSmall);
  if (small.length < 2) return { alone: costs, small: [] };
  return { alone: costs.filter((cost) => !cost.isSmall), small };
}

/** The groups, dearest first; equal ones in the report's order. `sums[i]`: of group i, in the window that is shown. */
export function orderGroups(groups: readonly Group[], sums: readonly FullSums[], pathNs: number): Cost[] {
  const all = sums.reduce((sum, one) => sum + one.lifetime_ns, 0);
  const costs = groups.map((group, index) => costOf(group, index, sums[index], all, pathNs));
  costs.sort((a, b) => a.rank - b.rank || b.busyNs - a.busyNs || a.index - b.index);
  return costs;
}

function costOf(group: Group, index: number, sums: FullSums, all: number, pathNs: number): Cost & { rank: number } {
  const quiet = rowsOf(sums, group.name, true).filter(isQuiet);
  const busyNs = Math.max(0, sums.lifetime_ns - leftOutNs(sums) - quiet.reduce((sum, row) => sum + row.ns, 0));
  const onPath = pathNs > 0 ? Math.min(group.critical_path_ns ?? 0, busyNs) / pathNs : 0;
  const rank = group.unlisted ? 3 : onPath >= 1 / 3 ? 0 : onPath >= 1 / 10 ? 1 : 2;
  const isSmall = Boolean(group.unlisted) || (sums.lifetime_ns < all * SMALL && onPath < SMALL);
  return { index, busyNs, rank, isSmall };
}
