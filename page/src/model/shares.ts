/**
 * What every wait is blamed on: the walk of `probe-user/src/world/blame/`.
 *
 * The blame of a wait [s, w) that a thread B ended is what B did in [s, w): on a CPU its cause, the run queue,
 * unknown, its own waits in the same way, each on its own waker and only for the part inside of [s, w). Before B was
 * born its creator stands for it. Waits are divided in the order in which they were known, and a wait looks only at
 * those that were known before it: so every look ends, also in a world that is circular.
 *
 * A try to get an interpreter lock that timed out is blamed on who handed it on in the end, and known with that
 * waking (`gil_timeouts.rs`); until then it is a timer's.
 *
 * A wait with many causes is one cause to those that contain it (`Behind`), else a chain of N threads had N²/2.
 */

import type { Run, Trace } from "../types";
import { firstEndingAfterNear } from "./intervals";
import { WaitsInOrder } from "./order";
import { inSlices } from "./pause";
import { Pasts } from "./pasts";
import { RunningSums } from "./running_sums";
import { Scratch, ShareList } from "./share_list";
import { portions } from "./together";

/** With more shares than that a wait is one cause to the waits that contain it. */
const MANY = 64;

/** Where the way from creator to creator and from waker to waker ends at the latest. */
const MOST_PIECES = 1_000_000;

const known = new WeakMap<Trace, Shares>();

/** The shares of a run's waits; made once. */
export function sharesOf(run: Run): Shares {
  if (!run.trace) throw new Error("this page has no intervals");
  let shares = known.get(run.trace);
  if (!shares) known.set(run.trace, (shares = new Shares(run, run.trace)));
  return shares;
}

export class Shares {
  /** Kind and detail; what is behind the trace's own are those that it lacks. */
  readonly causes: [string, string | null][];
  readonly unknown: number;
  readonly timer: number;
  /** From here on a cause is all of the wait at this distance. */
  readonly firstBehind: number;
  readonly list = new ShareList();
  /** By interval: where a wait's shares begin (0: it has none yet), how many, and when it was known (0: not yet). */
  readonly start: Uint32Array;
  readonly size: Uint32Array;
  readonly seq: Uint32Array;
  readonly isWait: Uint8Array;
  readonly isOpen: Uint8Array;
  /** A waking by a timer, and so a try where there is a thread that is waited for. */
  readonly isTimer: Uint8Array;
  readonly isTogether: Uint8Array;
  /** By `whats`. */
  readonly causeOf: Uint32Array;
  readonly #creators: Int32Array;
  readonly #order: WaitsInOrder;
  readonly #scratch: Scratch;
  /** By thread: tries that nobody has ended yet. */
  readonly #tries = new Map<number, number[]>();
  readonly #running = new Map<number, RunningSums>();
  /** By thread: where the last look began; the next one mostly begins near it. */
  readonly #near: Uint32Array;
  readonly #todo = new Pasts();
  #nextSeq = 1;
  #ready = false;
  #preparing: Promise<void> | null = null;

  constructor(
    run: Run,
    readonly trace: Trace,
  ) {
    const { whats, wakes } = trace;
    this.causes = [...trace.causes];
    this.unknown = this.#cause("unknown");
    this.timer = this.#cause("timer");
    this.firstBehind = this.causes.length;
    const n = trace.from.length;
    this.start = new Uint32Array(n);
    this.size = new Uint32Array(n);
    this.seq = new Uint32Array(n);
    this.isWait = Uint8Array.from(whats, (what) => Number(what.state === "wait"));
    this.isOpen = Uint8Array.from(whats, (what) => Number(what.state === "open"));
    this.isTogether = Uint8Array.from(whats, (what) => Number(what.state === "together"));
    this.isTimer = Uint8Array.from(whats, ({ wake }) => Number(wake !== undefined && wakes[wake].source === "timer"));
    this.causeOf = Uint32Array.from(whats, (what) => what.cause ?? this.unknown);
    this.#creators = Int32Array.from(run.report.threads, (thread) => thread.creator ?? -1);
    this.#near = trace.first.slice(0, -1);
    this.#order = new WaitsInOrder(trace);
    this.#scratch = new Scratch(this.causes.length);
  }

  #cause(kind: string): number {
    const found = this.causes.findIndex((cause) => cause[0] === kind && cause[1] === null);
    return found >= 0 ? found : this.causes.push([kind, null]) - 1;
  }

  /** Divides all waits, at once. */
  prepare(): void {
    while (!this.#step());
  }

  /** The same in slices; for all who ask the same work, so it is not called off with one of them. */
  async prepared(signal?: AbortSignal): Promise<void> {
    if (this.#ready) return;
    this.#preparing ??= inSlices(() => this.#step());
    await (signal ? Promise.race([this.#preparing, aborted(signal)]) : this.#preparing);
    signal?.throwIfAborted();
  }

  /** A few waits; whether these were the last. */
  #step(): boolean {
    for (let left = 200; left > 0 && !this.#ready; left--) {
      const thread = this.#order.pop();
      if (thread < 0) this.#ready = true;
      else this.#divide(thread, this.#order.interval);
    }
    return this.#ready;
  }

  #divide(thread: number, i: number): void {
    const { by, what } = this.trace;
    this.seq[i] = this.#nextSeq++;
    if (by[i] < 0) return;
    if (this.isTimer[what[i]] === 1) {
      const tries = this.#tries.get(thread);
      if (tries) tries.push(i);
      else this.#tries.set(thread, [i]);
      return;
    }
    this.#share(i);
    const tries = this.#tries.get(thread);
    if (tries) this.#settle(thread, tries, this.seq[i]);
  }

  /** The lock was handed on. */
  #settle(thread: number, tries: number[], seq: number): void {
    this.#tries.delete(thread);
    this.#running.get(thread)?.forgetFrom(tries[0]);
    for (const i of tries) this.seq[i] = seq;
    for (const i of tries) this.#share(i);
  }

  readonly #push = (cause: number, ns: number): void => this.list.push(cause, ns);

  #share(i: number): void {
    const { from, to, by } = this.trace;
    this.start[i] = this.list.length;
    this.walk(by[i], from[i], to[i], this.seq[i], this.seq[i], this.#scratch);
    this.#scratch.drain(this.#push);
    this.size[i] = this.list.length - this.start[i];
  }

  /**
   * Adds what a piece of a thread's past is blamed on, which adds up to its length: as far as it was known with the
   * wait that was known as `before`, as it was when the wait that was known as `at` ended.
   */
  walk(thread: number, from: number, to: number, before: number, at: number, into: Scratch): void {
    const todo = this.#todo;
    todo.push(thread, from, to, before);
    for (let left = MOST_PIECES; todo.pop(); left--) {
      if (todo.from >= todo.to) continue;
      if (left > 0) this.#walkPiece(todo.thread, todo.from, todo.to, todo.before, at, into);
      else into.add(this.unknown, todo.to - todo.from);
    }
  }

  #walkPiece(thread: number, begin: number, to: number, before: number, at: number, into: Scratch): void {
    const { from: begins, to: ends, first: firsts } = this.trace;
    const [first, end] = [firsts[thread], firsts[thread + 1]];
    const birth = first < end ? begins[first] : Infinity;
    if (begin < birth) this.#beforeBirth(thread, begin, Math.min(to, birth), before, into);
    const from = Math.max(begin, birth);
    if (from >= to) return;
    const low = firstEndingAfterNear(ends, first, end, from, this.#near[thread]);
    this.#near[thread] = low;
    const behind = this.#behind(low, end, to);
    const knownEnd = this.#knownEnd(low, behind, before, at);
    // From there on it is not known, or its life is over.
    const unknownFrom = knownEnd < behind ? begins[knownEnd] : low < behind ? ends[behind - 1] : from;
    if (unknownFrom < to) into.add(this.unknown, to - Math.max(from, unknownFrom));
    this.#within(thread, from, to, low, knownEnd, at, into);
  }

  /** The creator stands for a thread before its birth. It was there before, whatever the records say. */
  #beforeBirth(thread: number, from: number, to: number, before: number, into: Scratch): void {
    const creator = this.#creators[thread];
    if (creator >= 0 && creator < thread) this.#todo.push(creator, from, to, before);
    else into.add(this.unknown, to - from);
  }

  /** The first interval that begins at `to` or behind it. */
  #behind(low: number, end: number, to: number): number {
    const at = firstEndingAfterNear(this.trace.to, low, end, to, low);
    return at < end && this.trace.from[at] < to ? at + 1 : at;
  }

  /** The first of `low … behind − 1` that is a wait which was not known then: those before one that was known were. */
  #knownEnd(low: number, behind: number, before: number, at: number): number {
    const { what } = this.trace;
    let end = behind;
    for (let i = behind - 1; i >= low; i--) {
      if (this.isWait[what[i]] === 0) {
        if (this.isOpen[what[i]] === 1) end = i;
        continue;
      }
      if (this.isKnown(i, before, at)) break;
      end = i;
    }
    return end;
  }

  /** Whether a wait was known before that one, when that which was known as `at` ended. */
  isKnown(i: number, before: number, at: number): boolean {
    const seq = this.seq[i];
    return seq > 0 && (seq < before || this.isPendingTry(i, at));
  }

  /** A try of which nobody knew yet, when the wait known as `at` ended, that it would be more than a timer's. */
  isPendingTry(i: number, at: number): boolean {
    const isTry = this.trace.by[i] >= 0 && this.isTimer[this.trace.what[i]] === 1;
    return isTry && (this.start[i] === 0 || this.seq[i] > at);
  }

  /** The intervals `low … end − 1`, of which the first and the last may lie in the piece in part only. */
  #within(thread: number, from: number, to: number, low: number, end: number, at: number, into: Scratch): void {
    const { from: begins, to: ends } = this.trace;
    let [i, last] = [low, end];
    if (i < last && (begins[i] < from || ends[i] > to)) this.#part(i++, from, to, at, into);
    if (last > i && ends[last - 1] > to) this.#part(--last, from, to, at, into);
    if (i >= last) return;
    const sums = this.#runningSums(thread, last - i);
    if (sums) sums.add(i, last, into);
    else for (; i < last; i++) this.#whole(i, at, into);
  }

  #runningSums(thread: number, intervals: number): RunningSums | null {
    if (intervals <= 64) return null;
    const sums = this.#running.get(thread);
    if (intervals <= 4 * (sums?.causes ?? 0) + 64) return null;
    if (sums) return sums;
    const made = new RunningSums(this.trace.first[thread], (i, into) => this.#shares(i, into));
    this.#running.set(thread, made);
    return made;
  }

  #part(i: number, low: number, high: number, at: number, into: Scratch): void {
    const from = Math.max(this.trace.from[i], low);
    const to = Math.min(this.trace.to[i], high);
    const what = this.trace.what[i];
    const by = this.trace.by[i];
    if (this.isTogether[what] === 1) this.#together(i, to - from, into);
    else if (by < 0) into.add(this.causeOf[what], to - from);
    else if (this.isPendingTry(i, at)) into.add(this.timer, to - from);
    else this.#todo.push(by, from, to, this.seq[i]);
  }

  #whole(i: number, at: number, into: Scratch): void {
    if (this.size[i] > MANY) into.add(this.firstBehind + i, this.trace.to[i] - this.trace.from[i]);
    else if (this.isPendingTry(i, at)) into.add(this.timer, this.trace.to[i] - this.trace.from[i]);
    else this.#shares(i, into);
  }

  /** The shares of an interval, whatever it is. */
  #shares(i: number, into: Scratch): void {
    const { from, to, what, by } = this.trace;
    if (this.isTogether[what[i]] === 1) return this.#together(i, to[i] - from[i], into);
    if (by[i] < 0) return into.add(this.causeOf[what[i]], to[i] - from[i]);
    if (this.start[i] === 0) return into.add(this.timer, to[i] - from[i]);
    const { cause, ns } = this.list;
    for (let at = this.start[i], end = at + this.size[i]; at < end; at++) into.add(cause[at], ns[at]);
  }

  /** Who ended those of them that a thread ended is not kept. */
  #together(i: number, ns: number, into: Scratch): void {
    const parts = this.trace.parts.get(i) ?? [];
    for (const part of portions(parts, ns, this.trace.to[i] - this.trace.from[i])) {
      into.add(this.causeOf[part.what], part.ns);
    }
  }
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason), { once: true }));
}
