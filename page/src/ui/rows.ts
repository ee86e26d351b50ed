/**
 * The budget of a thread or group as rows, biggest first: its waits merged by kind and by the kind of thing that ended
 * them, what is still open, the run queue, the CPU, and what was lost. The rows add up to the account; `residual` is
 * what is missing to the lifetime; what a filter leaves out is a row, too. As probe-user/src/view/rows.rs and merge.rs do it.
 */

import { percent } from "../format";
import type { Site, Sums, Wait, Wake } from "../types";
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
/** Which waits a row is of. */
export interface Waits {
  kind: string;
  stack: string | null;
  idle: boolean;
  /** Finished ones, those that are not finished, or both. */
  finished: boolean;
  open: boolean;
  /** Ended by these only; `null`: whatever ended them. */
  wakers: readonly Waker[] | null;
}
export interface Row {
  state: "wait" | "open" | "runqueue" | "on-cpu" | "unknown" | "left-out" | "other";
  /** Wait kind or name of the state. */
  label: string;
  place: Named | null;
  /** The object that all of them are on, if they are and the sums say so. */
  object: string | null;
  ns: number;
  /** `ns` is a lower bound. */
  atLeast: boolean;
  count: number | null;
  /** The longest, where the sums say it of just these. */
  max: number | null;
  woken: Named | null;
  idle: boolean;
  waker: Waker | null;
  waits: Waits | null;
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
  const others = sums.on_cpu_ns + sums.runqueue_ns + sums.open_ns + sums.unknown_ns + leftOutNs(sums);
  return sums.lifetime_ns - waits - others;
}

/** The time of the waits that a filter does not count. */
export function leftOutNs(sums: Pick<Sums, "left_out">): number {
  return sums.left_out?.total_ns ?? 0;
}

/** A row with nothing but its time. */
export function bare(state: Row["state"], label: string, ns: number): Row {
  const none = { place: null, object: null, count: null, max: null, woken: null, waker: null, waits: null };
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
    { ...bare("left-out", "left out", leftOutNs(sums)), count: sums.left_out?.count ?? null },
  ];
}

/** What stood before it on the run queue, the largest first; nothing where that is not known at all. */
export function behindRunQueue(sums: Pick<FullSums, "runqueue_behind">): { text: string; ns: number }[] {
  const parts = [...(sums.runqueue_behind ?? [])].filter((part) => part.ns > 0).sort((a, b) => b.ns - a.ns);
  if (parts.every((part) => part.behind === "unknown")) return [];
  return parts.map(({ behind, detail, ns }) => ({ text: behindText(behind, detail), ns }));
}

function behindText(behind: string, detail: string | null): string {
  const tree = `behind ${detail ?? "threads of the tree"}`;
  const words: Record<string, string> = { tree, "idle-cpu": "CPU wake-up" };
  return Object.hasOwn(words, behind) ? words[behind] : behind;
}

/** `behind git index-pack 70 %`, the share if there is more: what most of the run queue was spent behind. */
function behindRunqueue(sums: FullSums): Named | null {
  const parts = (sums.runqueue_behind ?? []).filter((part) => part.ns >= sums.runqueue_ns * MINOR);
  parts.sort((a, b) => b.ns - a.ns);
  const first = parts[0];
  if (!first || parts.every((part) => part.behind === "unknown")) return null;
  const share = parts.length > 1 ? ` ${percent(first.ns, sums.runqueue_ns)}` : "";
  return { text: behindText(first.behind, first.detail) + share, more: 0 };
}

/** Waits that one kind of waker ended. */
class Part {
  ns = 0;
  count = 0;
  max = 0;
  functions = new Map<string, number>();
  syscalls = new Map<string, number>();
  /** Where sums are of several objects, or the object is not known: `""`. */
  objects = new Map<string, number>();
  readonly wakers: Waker[] = [];
  sources = new Map<string, number>();

  add(wait: FullWait | OpenWait, ns: number, count: number, source: string | null): void {
    this.ns += ns;
    this.count += count;
    tally(this.functions, wait.function ?? (wait.kind === "throttled" ? wait.object : null), ns);
    tally(this.syscalls, wait.syscall, ns);
    tally(this.objects, wait.object ?? "", ns);
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
  withOpen: boolean;
  idle: boolean;
  atLeast: boolean;
  parts: Map<Waker, Part>;
}

function mergeWaits(sums: FullSums, group: string): Row[] {
  const merged = new Map<string, Merged>();
  for (const wait of sums.waits) addWait(mergedOf(merged, wait, false, wait.idle === true), wait, group);
  for (const wait of sums.open ?? []) {
    // Two lower bounds under one name would be two rows that nothing keeps apart.
    const finished = merged.get(keyOf(wait, false, false));
    const row = finished?.atLeast ? finished : mergedOf(merged, wait, true, false);
    row.withOpen = true;
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
  const key = keyOf(wait, open, idle);
  let row = all.get(key);
  const none = { withOpen: false, atLeast: false };
  if (!row) all.set(key, (row = { kind: wait.kind, stack: stackOf(wait), open, idle, ...none, parts: new Map() }));
  return row;
}

function keyOf(wait: Site, open: boolean, idle: boolean): string {
  return JSON.stringify([wait.kind, stackOf(wait), open, idle]);
}

/** What tells waits of unknown kind apart: the innermost frames. */
export function stackOf({ kind, stack }: Site): string | null {
  return kind === "unknown" && stack?.length ? stack.slice(0, 3).join(" < ") : null;
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
  const { kind, stack, idle, open, withOpen } = row;
  const parts = divided(row);
  const isAlone = parts.length < 2;
  return parts.map(([waker, part]) => ({
    state: open ? "open" : "wait",
    label: kind,
    place: stack ? { text: stack, more: 0 } : part.place(),
    object: part.objects.size === 1 ? [...part.objects.keys()][0] || null : null,
    ns: part.ns,
    atLeast: row.atLeast,
    count: part.count,
    // That of a place is of all that ended waits there.
    max: (isAlone && part.max) || null,
    woken: dominant(part.sources),
    idle,
    waker,
    waits: { kind, stack, idle, finished: !open, open: withOpen, wakers: isAlone ? null : part.wakers },
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
  return [together([large[0], ...small]), ...large.slice(1).map((one) => together([one]))];
}

function together(parts: [Waker, Part][]): [Waker, Part] {
  const part = new Part();
  for (const [waker, other] of parts) {
    part.absorb(other);
    part.wakers.push(waker);
  }
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
