/**
 * The budget of a thread or group as rows, biggest first: its waits merged by kind and by the kind of thing that ended
 * them, what is still open, the run queue, the CPU, and what was lost. The rows add up to the account; `residual` is
 * what is missing to the lifetime. As probe-user/src/view/rows.rs and merge.rs do it.
 */

import { percent } from "../format";
import type { Sums, Wait, Wake } from "../types";
import { describeWake, type Waker, wakerOf } from "./woken";

/** What the report says of a wait beyond what every part of the page reads. */
export interface FullWait extends Wait {
  idle?: boolean | null;
  wakes?: Wake[];
}
export interface OpenWait {
  kind: string;
  syscall: string | null;
  function: string | null;
  object: string | null;
  stack: string[] | null;
  count: number;
  so_far_ns: number;
}
export interface FullSums extends Omit<Sums, "waits"> {
  waits: FullWait[];
  open?: OpenWait[];
  runqueue_count?: number;
  /** Of a window: not to the nanosecond. */
  approximate?: boolean;
  runqueue_behind?: { behind: string; detail: string | null; ns: number }[] | null;
}

/** A dominant name, and how many others share the row. */
export interface Named {
  text: string;
  more: number;
}
export interface Row {
  state: "wait" | "open" | "runqueue" | "on-cpu" | "unknown" | "other";
  /** Wait kind or name of the state. */
  label: string;
  place: Named | null;
  objects: Named | null;
  ns: number;
  /** `ns` is a lower bound. */
  atLeast: boolean;
  count: number | null;
  max: number | null;
  woken: Named | null;
  idle: boolean;
  waker: Waker | null;
}

/** Rows below such a part of the lifetime become one. */
const SMALL = 1 / 200;
/** Rows that stand alone. */
const MOST = 8;
/** What ended less than such a part of a row's time has no row of its own. */
const MINOR = 1 / 20;

/** The rows of `sums`, of the group of that name or of a thread in it; with `all`, small ones too stand alone. */
export function rowsOf(sums: FullSums, group: string, all = false): Row[] {
  const rows = [...mergeWaits(sums, group), ...stateRows(sums)].filter((row) => row.ns > 0);
  rows.sort((a, b) => b.ns - a.ns || (b.count ?? 0) - (a.count ?? 0) || compare(a.label, b.label));
  return all ? rows : smallTogether(rows, sums.lifetime_ns);
}

/** Lifetime that nothing accounts for; negative when something was counted twice. */
export function residual(sums: Sums): number {
  const waits = sums.waits.reduce((sum, wait) => sum + wait.total_ns, 0);
  return sums.lifetime_ns - waits - sums.on_cpu_ns - sums.runqueue_ns - sums.open_ns - sums.unknown_ns;
}

/** A row with nothing but its time. */
export function bare(state: Row["state"], label: string, ns: number): Row {
  const none = { place: null, objects: null, count: null, max: null, woken: null, waker: null };
  return { state, label, ns, atLeast: false, idle: false, ...none };
}

function stateRows(sums: FullSums): Row[] {
  const lost = { place: { text: "(lost records)", more: 0 } };
  return [
    {
      ...bare("runqueue", "run queue", sums.runqueue_ns),
      count: sums.runqueue_count ?? null,
      woken: behindRunqueue(sums),
    },
    bare("on-cpu", "on cpu", sums.on_cpu_ns),
    { ...bare("unknown", "unknown", sums.unknown_ns), ...lost },
  ];
}

/** `behind git index-pack 70 %`, the share if there is more: what most of the run queue was spent behind. */
function behindRunqueue(sums: FullSums): Named | null {
  const parts = (sums.runqueue_behind ?? []).filter((part) => part.ns >= sums.runqueue_ns * MINOR);
  parts.sort((a, b) => b.ns - a.ns);
  const first = parts[0];
  if (!first || parts.every((part) => part.behind === "unknown")) return null;
  const tree = `behind ${first.detail ?? "threads of the tree"}`;
  const words: Record<string, string> = { tree, "idle-cpu": "CPU wake-up" };
  const share = parts.length > 1 ? ` ${percent(first.ns, sums.runqueue_ns)}` : "";
  return { text: (words[first.behind] ?? first.behind) + share, more: 0 };
}

/** Waits that one kind of waker ended. */
class Part {
  ns = 0;
  count = 0;
  max = 0;
  functions = new Map<string, number>();
  syscalls = new Map<string, number>();
  objects = new Map<string, number>();
  sources = new Map<string, number>();

  add(wait: FullWait | OpenWait, ns: number, count: number, source: string | null): void {
    this.ns += ns;
    this.count += count;
    tally(this.functions, wait.function ?? (wait.kind === "throttled" ? wait.object : null), ns);
    tally(this.syscalls, wait.syscall, ns);
    tally(this.objects, wait.object, ns);
    tally(this.sources, source, ns);
  }

  absorb(other: Part): void {
    this.ns += other.ns;
    this.count += other.count;
    this.max = Math.max(this.max, other.max);
    for (const name of ["functions", "syscalls", "objects", "sources"] as const) {
      for (const [text, ns] of other[name]) tally(this[name], text, ns);
    }
  }

  /** A kernel function, or else a system call in parentheses. */
  place(): Named | null {
    const syscall = dominant(this.syscalls);
    return dominant(this.functions) ?? (syscall && { ...syscall, text: `(${syscall.text})` });
  }
}

interface Merged {
  kind: string;
  stack: string | null;
  open: boolean;
  idle: boolean;
  atLeast: boolean;
  parts: Map<Waker, Part>;
}

function mergeWaits(sums: FullSums, group: string): Row[] {
  const merged = new Map<string, Merged>();
  for (const wait of sums.waits) addWait(mergedOf(merged, wait, false, wait.idle === true), wait, group);
  for (const wait of sums.open ?? []) {
    const row = mergedOf(merged, wait, true, false);
    partOf(row, "nobody").add(wait, wait.so_far_ns, wait.count, "nobody yet");
    row.atLeast = true;
  }
  const named = (sums.open ?? []).reduce((sum, wait) => sum + wait.so_far_ns, 0);
  const rows = [...merged.values()].flatMap(rowsOfMerged);
  // Where only their sum is known.
  if (sums.open_ns > named) rows.push({ ...bare("open", "not finished", sums.open_ns - named), atLeast: true });
  return rows;
}

function mergedOf(all: Map<string, Merged>, wait: FullWait | OpenWait, open: boolean, idle: boolean): Merged {
  const stack = wait.kind === "unknown" && wait.stack?.length ? wait.stack.slice(0, 3).join(" < ") : null;
  const key = JSON.stringify([wait.kind, stack, open, idle]);
  let row = all.get(key);
  if (!row) all.set(key, (row = { kind: wait.kind, stack, open, idle, atLeast: false, parts: new Map() }));
  return row;
}

function partOf(row: Merged, waker: Waker): Part {
  let part = row.parts.get(waker);
  if (!part) row.parts.set(waker, (part = new Part()));
  return part;
}

/** Each wake with the waits it ended; waits without one are nobody's. */
function addWait(row: Merged, wait: FullWait, group: string): void {
  row.atLeast ||= (wait.begun_before ?? 0) > 0;
  let [ns, count] = [wait.total_ns, wait.count];
  for (const wake of wait.wakes ?? []) {
    const [wakeNs, wakeCount] = [Math.min(wake.wait_ns ?? 0, ns), Math.min(wake.count ?? 0, count)];
    const part = partOf(row, wakerOf(wake, group));
    part.add(wait, wakeNs, wakeCount, describeWake(wake, group));
    part.max = Math.max(part.max, Math.min(wait.max_ns, wakeNs));
    [ns, count] = [ns - wakeNs, count - wakeCount];
  }
  if (ns === 0 && count === 0) return;
  const part = partOf(row, "nobody");
  part.add(wait, ns, count, null);
  part.max = Math.max(part.max, Math.min(wait.max_ns, ns));
}

function rowsOfMerged(row: Merged): Row[] {
  return divided(row).map(([waker, part]) => ({
    state: row.open ? "open" : "wait",
    label: row.kind,
    place: row.stack ? { text: row.stack, more: 0 } : part.place(),
    objects: dominant(part.objects),
    ns: part.ns,
    atLeast: row.atLeast,
    count: part.count,
    max: part.max || null,
    woken: dominant(part.sources),
    idle: row.idle,
    waker,
  }));
}

/** By what ended them, where at least two kinds ended a twentieth; the others are in the largest part. */
function divided(row: Merged): [Waker, Part][] {
  const parts = [...row.parts].sort((a, b) => b[1].ns - a[1].ns);
  const whole = parts.reduce((sum, [, part]) => sum + part.ns, 0);
  const isLarge = ([waker, part]: [Waker, Part]) => waker !== "nobody" && part.ns > 0 && part.ns >= whole * MINOR;
  const large = parts.filter(isLarge);
  if (large.length < 2) return [together(parts)];
  const small = parts.filter((part) => !isLarge(part));
  return [together([large[0], ...small]), ...large.slice(1)];
}

function together(parts: [Waker, Part][]): [Waker, Part] {
  const part = new Part();
  for (const [, other] of parts) part.absorb(other);
  return [parts[0][0], part];
}

/** Small rows of a sorted account as one at its end. Lost time is never hidden; one row alone takes no more room. */
function smallTogether(rows: Row[], wholeNs: number): Row[] {
  const isSmall = (row: Row, at: number) => row.state !== "unknown" && (at >= MOST || row.ns < wholeNs * SMALL);
  const small = rows.filter(isSmall);
  if (small.length < 2) return rows;
  const other = bare("other", `other (${small.length})`, 0);
  for (const row of small) {
    other.ns += row.ns;
    other.atLeast ||= row.atLeast;
    if (row.count !== null) other.count = (other.count ?? 0) + row.count;
  }
  return [...rows.filter((row, at) => !isSmall(row, at)), other];
}

function tally(into: Map<string, number>, name: string | null, ns: number): void {
  if (name !== null) into.set(name, (into.get(name) ?? 0) + ns);
}

/** The heaviest; of equals the first by name. */
function dominant(names: Map<string, number>): Named | null {
  let best: [string, number] | null = null;
  for (const [text, ns] of names) {
    if (!best || ns > best[1] || (ns === best[1] && text < best[0])) best = [text, ns];
  }
  return best && { text: best[0], more: names.size - 1 };
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
