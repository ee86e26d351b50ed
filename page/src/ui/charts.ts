/** What is plotted over time: from the trace, and from the series of the report. */

import { count, counted, mean, time } from "../format";
import { endOfReport } from "../state";
import type { FdTable, Listener, Report, Thread } from "../types";
import { name } from "./names";
import type { Series } from "./series";

/** One line of a chart. */
export interface Line {
  label: string;
  /** Custom property of its colour. */
  colour: string;
  /** Filled below it. */
  area?: boolean;
  dash?: boolean;
  /** Holds its value until the next one. */
  stepped?: boolean;
}
export interface Points {
  x: number[];
  y: (number | null)[][];
}
export interface Chart {
  title: string;
  /** What stands beside the title. */
  note: string;
  lines: Line[];
  show(value: number): string;
  /** Where it has points of its own; else they come from `of`. */
  points?: Points;
  of?(series: Series): (number | null)[][];
}

/** Charts that are made from the trace. */
export function traceCharts(report: Report): Chart[] {
  const cpus = report.host.cpus;
  const threads = (n: number): string => (n < 100 ? mean(n) : count(Math.round(n)));
  const limit: Line[] = cpus > 0 ? [{ label: counted(cpus, "CPU", "CPUs"), colour: "--muted", dash: true }] : [];
  return [
    {
      title: "Running and runnable threads",
      note: "mean number; runnable includes running",
      lines: [
        { label: "runnable", colour: "--runqueue", area: true },
        { label: "running", colour: "--on-cpu", area: true },
        ...limit,
      ],
      show: threads,
      of: (s) => {
        const [running, queued] = [per(s, s.running), per(s, s.queued)];
        const runnable = running.map((n, at) => n + queued[at]);
        return [runnable, running, ...limit.map(() => running.map(() => cpus))];
      },
    },
    {
      title: "Blocked threads",
      note: "mean number",
      lines: [{ label: "blocked", colour: "--kind-child-exit", area: true }],
      show: threads,
      of: (s) => [per(s, s.blocked)],
    },
    {
      title: "Run-queue latency",
      note: "of the stays on the run queue that ended then",
      lines: [
        { label: "max", colour: "--runqueue" },
        { label: "mean", colour: "--text" },
      ],
      show: time,
      of: (s) => [
        [...s.stayMax].map((ns, at) => (s.stays[at] > 0 ? ns : null)),
        [...s.staysNs].map((ns, at) => (s.stays[at] > 0 ? ns / s.stays[at] : null)),
      ],
    },
    {
      title: "Wake-ups",
      note: "waits that ended, per second",
      lines: [{ label: "per s", colour: "--kind-futex", area: true }],
      show: (n) => count(Math.round(n)),
      of: (s) => [[...s.wakeUps].map((n) => (n * 1e9) / s.ns)],
    },
  ];
}

function per(series: Series, sums: Float64Array): number[] {
  return [...sums].map((ns) => ns / series.ns);
}

/** Tables that are drawn, each by its own colour. */
const TABLES = ["--kind-child-exit", "--kind-pipe-read", "--on-cpu", "--kind-futex", "--runqueue", "--kind-io-uring"];

/** Open descriptors of the tables that had most, and their limit where they came near it. */
export function descriptorChart(report: Report): Chart | null {
  const drawn = (report.fd_tables ?? []).filter((table) => table.series.length > 0);
  drawn.sort((a, b) => nearness(b) - nearness(a) || peak(b) - peak(a));
  const tables = drawn.slice(0, TABLES.length);
  if (tables.length === 0) return null;
  const near = [...new Set(tables.filter((table) => nearness(table) >= 0.25).map((table) => table.limit!))];
  const x = instants(tables.map((table) => [...table.series.map(([at]) => at), table.to_ns]), endOfReport(report));
  const lines = tables.map((table, at): Line => {
    return { label: tableName(report, table), colour: TABLES[at], stepped: true };
  });
  const limits: Line[] = near.map((limit) => ({ label: `limit ${count(limit)}`, colour: "--alarm", dash: true }));
  const y = tables.map((table) => held(x, table.series, table.to_ns));
  const left = drawn.length - tables.length;
  const rest = left > 0 ? `; ${left} smaller tables are not drawn` : "";
  return {
    title: "Open descriptors",
    note: (near.length === 0 ? limitWords(tables) : "per table") + rest,
    lines: [...lines, ...limits],
    show: (n) => count(Math.round(n)),
    points: { x, y: [...y, ...near.map((limit) => x.map(() => limit))] },
  };
}

function limitWords(tables: readonly FdTable[]): string {
  const limits = [...new Set(tables.map((table) => table.limit))];
  const most = Math.max(...tables.map(peak));
  if (limits.length !== 1 || limits[0] === null) return "per table";
  // Rounded as in the text.
  const share = Math.floor((most * 100) / limits[0] + 0.5);
  const isExact = tables.every((table) => table.open?.peak_exact || peak(table) < most);
  return `per table; most ${isExact ? "" : "≥ "}${count(most)}, ${count(share)} % of the limit of ${count(limits[0])}`;
}

function peak(table: FdTable): number {
  return table.series.reduce((most, [, open]) => Math.max(most, open), 0);
}

function nearness(table: FdTable): number {
  return table.limit ? peak(table) / table.limit : 0;
}

/** As the text calls it: by the first thread of the first process that used it. */
function tableName(report: Report, table: FdTable): string {
  const used = (one: Thread): boolean => one.pid === one.tid && table.processes.includes(one.tid);
  const leader = report.threads.find((one) => used(one) && one.end_ns >= table.from_ns);
  const group = leader?.group ?? table.groups?.[0];
  if (group === undefined) return `table ${table.id}`;
  const pid = table.processes.length > 0 ? ` (pid ${table.processes[0]})` : "";
  return name(report.groups[group]?.name, 40) + pid;
}

/** Depth of a listen queue, its limit, and what was dropped so far. */
export function listenerChart(listener: Listener, report: Report): Chart | null {
  const series = listener.series ?? [];
  if (series.length === 0) return null;
  const x = instants([series.map(([at]) => at)], endOfReport(report));
  const depth = held(x, series.map(([at, n]) => [at, n]), endOfReport(report));
  const dropped = held(x, series.map(([at, , n]) => [at, n]), endOfReport(report));
  return {
    title: `Listen queue of ${listenerName(listener)}`,
    note: droppedWords(listener),
    lines: [
      { label: "waiting to be accepted", colour: "--kind-socket-send", stepped: true, area: true },
      { label: "dropped so far", colour: "--alarm", stepped: true },
      { label: `limit ${count(listener.accept_limit)}`, colour: "--muted", dash: true },
    ],
    show: (n) => count(Math.round(n)),
    points: { x, y: [depth, dropped, x.map(() => listener.accept_limit)] },
  };
}

/** `24 dropped`; `≥` where requests may have come that were not seen. */
export function droppedWords({ dropped_accept, seen_whole }: Listener): string {
  return `${seen_whole === false ? "≥ " : ""}${count(dropped_accept)} dropped`;
}

export function listenerName(listener: Listener): string {
  const address = listener.address?.includes(":") ? `[${listener.address}]` : (listener.address ?? "*");
  return `${name(address, 60)}:${listener.port}${listener.comm ? ` (${name(listener.comm, 30)})` : ""}`;
}

/** All instants of several series, ascending, once each, and the end. */
function instants(series: number[][], end: number): number[] {
  return [...new Set([...series.flat(), end])].sort((a, b) => a - b);
}

/** The value that is in force at each instant: nothing before the first, and behind the end. */
function held(x: readonly number[], series: readonly [number, number][], to: number): (number | null)[] {
  let next = 0;
  return x.map((at) => {
    while (next < series.length && series[next][0] <= at) next++;
    return next === 0 || at > to ? null : series[next - 1][1];
  });
}
