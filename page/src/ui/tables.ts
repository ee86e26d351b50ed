/** Every picture as a table, for screen readers and for copying; what is copied has ns, to the last digit. */

import { h } from "../dom";
import { count, time, word } from "../format";
import { firstEndingAfter } from "../model/intervals";
import { wakeOf } from "../model/window";
import type { Run, Span, Trace } from "../types";
import { causeLabel } from "./blame_tree";
import type { Context } from "./context";
import { leftOutWords } from "./filter";
import { groupName, name, threadName } from "./names";
import { insideRows, type Longest, longestOfRow } from "./row_intervals";
import { type FullSums, leftOutNs, type Row, rowsOf } from "./rows";
import { type Cell, instantCell, lazyDetails, nsCell, nsColumn, type Table, tableView } from "./tsv";
import { describeWake } from "./woken";

export function tables(context: Context): HTMLElement {
  const { state, numbers, run } = context;
  const intervals = lazyDetails("timeline: what the selected thread did in the window", () => intervalsOf(context));
  const groups = lazyDetails("groups: every state and kind", () => tableView(groupsTable(context)));
  const threads = lazyDetails("threads", () => tableView(threadsTable(context)));
  const path = lazyDetails("critical path: hop by hop", () => pathOf(run));
  state.subscribe((_, change) => change !== "view" && intervals.refresh());
  numbers.watch((progress) => {
    if (progress !== null) return;
    groups.refresh();
    threads.refresh();
  });
  const plots = h("p", { class: "muted" }, "The plots have their tables below each.");
  return h("div", { class: "tables" }, intervals, groups, threads, path, plots);
}

function intervalsOf(context: Context): HTMLElement {
  const { run, state } = context;
  const { thread } = state.selection;
  if (!run.trace) return h("p", { class: "muted" }, "The intervals of the run are not in this page.");
  if (thread === null) return h("p", { class: "muted" }, "Select a thread: in the timeline, in a group, or with /.");
  const table = tableView(intervalsTable(run, run.trace, thread, state.window));
  return h("div", {}, table, h("p", { class: "muted" }, NO_LENGTH));
}

const NO_LENGTH =
  "Waits that were over before they began (0 ns: what they would have waited for was there) are counted in the " +
  "report, and not listed here.";

function intervalsTable(run: Run, trace: Trace, thread: number, { from, to }: Span): Table {
  const end = trace.first[thread + 1];
  const first = firstEndingAfter(trace.to, trace.first[thread], end, from);
  let last = firstEndingAfter(trace.to, first, end, to);
  if (last < end && trace.from[last] < to) last++;
  return {
    caption: `${threadName(run.report.threads[thread])}: ${count(last - first)} intervals`,
    columns: [
      ...["from", "to", "length"].map(nsColumn),
      { name: "state" },
      { name: "in" },
      { name: "object" },
      { name: "ended by" },
    ],
    count: last - first,
    row: (i) => intervalCells(run, trace, first + i),
  };
}

function intervalCells(run: Run, trace: Trace, i: number): Cell[] {
  const { state, site, wake } = trace.whats[trace.what[i]];
  const at = site === undefined ? null : trace.sites[site];
  const [from, to] = [trace.from[i], trace.to[i]];
  const times = [instantCell(from), instantCell(to), nsCell(to - from)];
  if (state === "together") return [...times, togetherWords(trace, i), "", "", ""];
  const by = wake === undefined ? "" : name(describeWake(wakeOf(run, trace.wakes[wake], trace.by[i])));
  const tid = trace.by[i] >= 0 ? ` ${run.report.threads[trace.by[i]].tid}` : "";
  const where = at?.function ?? (at?.syscall ? `(${at.syscall})` : "");
  const says = at ? at.kind + (state === "open" ? " (not finished)" : "") : word(state);
  return [...times, says, name(where), name(at?.object), state === "open" ? "nobody yet" : by + tid];
}

function togetherWords(trace: Trace, i: number): string {
  const parts = (trace.parts.get(i) ?? []).map(({ what, count: n, ns }) => {
    const { state, site } = trace.whats[what];
    return `${n} × ${site === undefined ? word(state) : trace.sites[site].kind} ${time(ns)}`;
  });
  return `together: ${parts.join(", ")}`;
}

function groupsTable(context: Context): Table {
  const { report } = context.run;
  const rows = report.groups.flatMap((_, index) => groupRows(context, index));
  return {
    caption: `groups${aboutWords(context)}`,
    columns: [
      { name: "group" },
      { name: "kind" },
      { name: "in" },
      nsColumn("time"),
      { name: "count", number: true },
      nsColumn("longest"),
      { name: "woken by" },
    ],
    count: rows.length,
    row: (i) => {
      const { index, row, longest } = rows[i];
      return [
        groupName(report, index),
        `${row.label}${row.idle ? " idle" : ""}${row.state === "open" ? " (not finished)" : ""}`,
        row.state === "left-out" ? leftOutWords(report.filter) : name(row.place?.text),
        nsCell(row.ns, row.atLeast),
        row.count === null ? "" : count(row.count),
        longest === null ? "" : nsCell(longest.ns, longest.atLeast),
        name(row.woken?.text),
      ];
    },
  };
}

interface GroupRow {
  index: number;
  row: Row;
  longest: Longest | null;
}

function groupRows({ run, numbers }: Context, index: number): GroupRow[] {
  const rows = rowsOf(numbers.groupWithWakes(index), run.report.groups[index].name, true);
  const inside = insideRows(run, index, rows, numbers.span);
  return rows.map((row, at) => {
    return { index, row, longest: longestOfRow(run.trace, row, inside[at] ?? null, numbers.isWhole) };
  });
}

function threadsTable(context: Context): Table {
  const { report } = context.run;
  const cells = (sums: FullSums): number[] => [
    sums.lifetime_ns,
    sums.on_cpu_ns,
    sums.runqueue_ns,
    waited(sums),
    sums.open_ns,
    sums.unknown_ns,
    ...(report.filter ? [leftOutNs(sums)] : []),
  ];
  const texts = ["tid", "pid", "name", "group"];
  const times = ["lifetime", "on cpu", "run queue", "finished waits", "open", "unknown", ...(report.filter ? ["left out"] : [])];
  return {
    caption: `threads${aboutWords(context)}`,
    columns: [...texts.map((text) => ({ name: text })), ...times.map(nsColumn)],
    count: report.threads.length,
    row: (i) => {
      const thread = report.threads[i];
      const names = [String(thread.tid), String(thread.pid ?? ""), name(thread.comm), groupName(report, thread.group)];
      return [...names, ...cells(context.numbers.thread(i)).map((ns) => nsCell(ns))];
    },
  };
}

function aboutWords({ numbers }: Context): string {
  return numbers.approximate ? "; ≈: not all of these times are exact to the nanosecond" : "";
}

function waited(sums: FullSums): number {
  return sums.waits.reduce((sum, wait) => sum + wait.total_ns, 0);
}

function pathOf(run: Run): HTMLElement {
  const path = run.report.critical_path;
  if (!path) return h("p", { class: "muted" }, "The critical path of this run is not known.");
  const left = path.hops_left_out > 0 ? `; the ${count(path.hops_left_out)} shortest are left out` : "";
  return tableView({
    caption: `critical path: ${count(path.hops.length)} hops${left}`,
    columns: [
      ...["from", "to", "length"].map(nsColumn),
      { name: "thread" },
      { name: "wait" },
      { name: "cause" },
    ],
    count: path.hops.length,
    row: (i) => {
      const hop = path.hops[i];
      const thread = run.report.threads[hop.thread];
      const times = [instantCell(hop.from_ns), instantCell(hop.to_ns), nsCell(hop.to_ns - hop.from_ns)];
      return [...times, thread ? threadName(thread) : "", hop.wait ?? "", causeLabel(hop.cause, hop.detail)];
    },
  });
}
