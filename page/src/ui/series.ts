/**
 * What the plots show, from the trace, in buckets of equal length: of running, runnable and blocked threads the mean
 * number (time in the state / length of the bucket, exact); of stays on the run queue those that ended in the bucket;
 * of wake-ups the waits that ended in it. Intervals that are drawn together count evenly over their length.
 */

import { firstEndingAfter } from "../model/intervals";
import type { Span, Trace } from "../types";

export class Series {
  readonly span: Span;
  readonly n: number;
  /** Length of a bucket. */
  readonly ns: number;
  /** ns of all threads. */
  readonly running: Float64Array;
  readonly queued: Float64Array;
  readonly blocked: Float64Array;
  /** Stays on the run queue: how many, their sum, the longest. */
  readonly stays: Float64Array;
  readonly staysNs: Float64Array;
  readonly stayMax: Float64Array;
  readonly wakeUps: Float64Array;
  readonly #trace: Trace;
  readonly #into: (Float64Array | null)[];

  constructor(trace: Trace, span: Span, n: number) {
    [this.#trace, this.span, this.n, this.ns] = [trace, span, n, (span.to - span.from) / n];
    const zeros = (): Float64Array => new Float64Array(n);
    [this.running, this.queued, this.blocked] = [zeros(), zeros(), zeros()];
    [this.stays, this.staysNs, this.stayMax, this.wakeUps] = [zeros(), zeros(), zeros(), zeros()];
    const byState = { "on-cpu": this.running, runqueue: this.queued, wait: this.blocked, open: this.blocked };
    this.#into = trace.whats.map(({ state }) => (state in byState ? byState[state as keyof typeof byState] : null));
  }

  addThread(thread: number): void {
    const { first, from, to, what, whats } = this.#trace;
    const end = first[thread + 1];
    for (let i = firstEndingAfter(to, first[thread], end, this.span.from); i < end && from[i] < this.span.to; i++) {
      const into = this.#into[what[i]];
      if (into) {
        this.#spread(into, from[i], to[i], 1);
        this.#ended(what[i], from[i], to[i]);
      } else if (whats[what[i]].state === "together") this.#addTogether(i);
    }
  }

  #ended(what: number, from: number, to: number): void {
    const { state } = this.#trace.whats[what];
    if (to > this.span.to || (state !== "runqueue" && state !== "wait")) return;
    const bucket = this.#bucket(to);
    if (state === "wait") this.wakeUps[bucket] += 1;
    else this.#addStay(bucket, 1, to - from, to - from);
  }

  #addStay(bucket: number, count: number, ns: number, max: number): void {
    this.stays[bucket] += count;
    this.staysNs[bucket] += ns;
    this.stayMax[bucket] = Math.max(this.stayMax[bucket], max);
  }

  #addTogether(i: number): void {
    const { from, to, parts, whats } = this.#trace;
    const whole = to[i] - from[i];
    for (const part of parts.get(i) ?? []) {
      const into = this.#into[part.what];
      if (!into) continue;
      this.#spread(into, from[i], to[i], part.ns / whole);
      const { state } = whats[part.what];
      if (state === "wait") this.#spread(this.wakeUps, from[i], to[i], part.count / whole);
      if (state === "runqueue") this.#spreadStays(from[i], to[i], part.count, part.ns);
    }
  }

  #spreadStays(from: number, to: number, count: number, ns: number): void {
    this.#spread(this.stays, from, to, count / (to - from));
    this.#spread(this.staysNs, from, to, ns / (to - from));
    const [a, b] = [this.#bucket(Math.max(from, this.span.from)), this.#bucket(Math.min(to, this.span.to))];
    for (let at = a; at <= b; at++) this.stayMax[at] = Math.max(this.stayMax[at], ns / Math.max(1, count));
  }

  /** Adds the time of an interval in each bucket, times `factor`. */
  #spread(into: Float64Array, from: number, to: number, factor: number): void {
    const [low, high] = [Math.max(from, this.span.from), Math.min(to, this.span.to)];
    if (high <= low) return;
    const [a, b] = [this.#bucket(low), this.#bucket(high)];
    if (a === b) {
      into[a] += (high - low) * factor;
      return;
    }
    into[a] += (this.#start(a + 1) - low) * factor;
    for (let at = a + 1; at < b; at++) into[at] += this.ns * factor;
    into[b] += (high - this.#start(b)) * factor;
  }

  #bucket(at: number): number {
    return Math.min(this.n - 1, Math.max(0, Math.floor((at - this.span.from) / this.ns)));
  }

  #start(bucket: number): number {
    return this.span.from + bucket * this.ns;
  }

  /** The middle of a bucket. */
  middle(bucket: number): number {
    return this.#start(bucket) + this.ns / 2;
  }
}
