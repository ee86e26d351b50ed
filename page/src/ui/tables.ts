/** Every picture as a table, for screen readers and for copying; times in ns, to the last digit. */

import { h } from "../dom";
import { count, exact, word } from "../format";
import { firstEndingAfter } from "../model/intervals";
import { wakeOf } from "../model/window";
import type { Run, Span, Trace } from "../types";
import { causeLabel } from "./blame_tree";
import type { Context } from "./context";
import { groupName, name, threadName } from "./names";
import { type FullSums, rowsOf } from "./rows";
import { lazyDetails, type Table, tableView } from "./tsv";
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
  return tableView(intervalsTable(run, run.trace, thread, state.window));
}

function intervalsTable(run: Run, trace: Trace, thread: number, { from, to }: Span): Table {
  const end = trace.first[thread + 1];
  const first = firstEndingAfter(trace.to, trace.first[thread], end, from);
  let last = firstEndingAfter(trace.to, first, end, to);
  if (last < end && trace.from[last] < to) last++;
  return {
    caption: `${threadName(run.report.threads[thread])}: ${count(last - first)} intervals`,
    columns: [
      { name: "from", number: true },
      { name: "to", number: true },
      { name: "length", number: true },
      { name: "state" },
      { name: "in" },
      { name: "object" },
      { name: "ended by" },
    ],
    count: last - first,
    row: (i) => intervalCells(run, trace, first + i),
  };
}

function intervalCells(run: Run, trace: Trace, i: number): string[] {
  const { state, site, wake } = trace.whats[trace.what[i]];
  const at = site === undefined ? null : trace.sites[site];
  const [from, to] = [trace.from[i], trace.to[i]];
  const times = [exact(from), exact(to), exact(to - from)];
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
    return `${n} × ${site === undefined ? word(state) : trace.sites[site].kind} ${exact(ns)}`;
  });
  return `together: ${parts.join(", ")}`;
}

function groupsTable(context: Context): Table {
  const { report } = context.run;
  const rows = report.groups.flatMap((group, index) =>
    rowsOf(context.numbers.groupWithWakes(index), group.name, true).map((row) => ({ index, row })),
  );
  return {
    caption: `groups${aboutWords(context)}`,
    columns: [
      { name: "group" },
      { name: "kind" },
      { name: "in" },
      { name: "time", number: true },
      { name: "count", number: true },
      { name: "longest", number: true },
      { name: "woken by" },
    ],
    count: rows.length,
    row: (i) => {
      const { index, row } = rows[i];
      return [
        groupName(report, index),
        `${row.label}${row.idle ? " idle" : ""}${row.state === "open" ? " (not finished)" : ""}`,
        name(row.place?.text),
        exact(row.ns),
        row.count === null ? "" : count(row.count),
        row.max === null ? "" : exact(row.max),
        name(row.woken?.text),
      ];
    },
  };
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
  ];
  const texts = ["tid", "pid", "name", "group"];
  const times = ["lifetime", "on cpu", "run queue", "finished waits", "open", "unknown"];
  return {
    caption: `threads${aboutWords(context)}`,
    columns: [...texts.map((text) => ({ name: text })), ...times.map((text) => ({ name: text, number: true }))],
    count: report.threads.length,
    row: (i) => {
      const thread = report.threads[i];
      const names = [String(thread.tid), String(thread.pid ?? ""), name(thread.comm), groupName(report, thread.group)];
      return [...names, ...cells(context.numbers.thread(i)).map(exact)];
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
      { name: "from", number: true },
      { name: "to", number: true },
      { name: "length", number: true },
      { name: "thread" },
      { name: "wait" },
      { name: "cause" },
    ],
    count: path.hops.length,
    row: (i) => {
      const hop = path.hops[i];
      const thread = run.report.threads[hop.thread];
      const times = [hop.from_ns, hop.to_ns, hop.to_ns - hop.from_ns].map(exact);
      return [...times, thread ? threadName(thread) : "", hop.wait ?? "", causeLabel(hop.cause, hop.detail)];
    },
  });
}
