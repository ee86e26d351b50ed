/**
 * All finished waits of a run in the order in which they were known: when the thread ran again, since the kernel says
 * only then what woke it.
 */

import type { Trace } from "../types";

/** Goes through the waits, each once. A binary heap has the next one of every thread. */
export class WaitsInOrder {
  readonly #trace: Trace;
  readonly #isWait: Uint8Array;
  readonly #isQueue: Uint8Array;
  /** Threads, the one with the earliest next wait first. */
  readonly #heap: Int32Array;
  #size = 0;
  /** By thread. */
  readonly #next: Uint32Array;
  readonly #knownAt: Float64Array;

  constructor(trace: Trace) {
    this.#trace = trace;
    this.#isWait = Uint8Array.from(trace.whats, (what) => Number(what.state === "wait"));
    this.#isQueue = Uint8Array.from(trace.whats, (what) => Number(what.state === "runqueue"));
    const threads = trace.first.length - 1;
    this.#heap = new Int32Array(threads);
    this.#next = trace.first.slice(0, threads);
    this.#knownAt = new Float64Array(threads);
    for (let thread = 0; thread < threads; thread++) {
      if (this.#find(thread)) this.#push(thread);
    }
  }

  /** The thread of the next wait, and its interval in `interval`; −1 behind the last. */
  pop(): number {
    if (this.#size === 0) return -1;
    const thread = this.#heap[0];
    this.interval = this.#next[thread]++;
    if (this.#find(thread)) this.#sink(0);
    else {
      this.#size--;
      this.#heap[0] = this.#heap[this.#size];
      this.#sink(0);
    }
    return thread;
  }

  interval = -1;

  /** Moves a thread's `next` to a wait. */
  #find(thread: number): boolean {
    const { first, what, to } = this.#trace;
    const end = first[thread + 1];
    let i = this.#next[thread];
    while (i < end && this.#isWait[what[i]] === 0) i++;
    this.#next[thread] = i;
    if (i === end) return false;
    const queued = i + 1 < end && this.#isQueue[what[i + 1]] === 1;
    this.#knownAt[thread] = queued ? to[i + 1] : to[i];
    return true;
  }

  #isBefore(a: number, b: number): boolean {
    const difference = this.#knownAt[a] - this.#knownAt[b];
    if (difference !== 0) return difference < 0;
    const { to } = this.#trace;
    return to[this.#next[a]] - to[this.#next[b]] < 0 || (to[this.#next[a]] === to[this.#next[b]] && a < b);
  }

  #push(thread: number): void {
    let at = this.#size++;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.#isBefore(thread, this.#heap[parent])) break;
      this.#heap[at] = this.#heap[parent];
      at = parent;
    }
    this.#heap[at] = thread;
  }

  #sink(from: number): void {
    const heap = this.#heap;
    const size = this.#size;
    const thread = heap[from];
    let at = from;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= size) break;
      if (child + 1 < size && this.#isBefore(heap[child + 1], heap[child])) child++;
      if (!this.#isBefore(heap[child], thread)) break;
      heap[at] = heap[child];
      at = child;
    }
    heap[at] = thread;
  }
}
