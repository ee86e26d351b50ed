/** Sums of a thread by what it did, while they are added up. */

import type { Trace } from "../types";

const known = new WeakMap<Trace, ByWhat>();

/** The one of a trace, which may have thousands of `whats`: what adds leaves it as it was. */
export function byWhatOf(trace: Trace): ByWhat {
  let sums = known.get(trace);
  if (!sums) known.set(trace, (sums = new ByWhat(trace)));
  return sums;
}

/** One sum for each of `whats`, those that are not zero listed. */
export class ByWhat {
  readonly count: Float64Array;
  readonly total: Float64Array;
  readonly max: Float64Array;
  readonly open: Float64Array;
  /** Waits that began before the window. */
  readonly begun: Float64Array;
  readonly touched: number[] = [];
  readonly isWait: Uint8Array;
  readonly #seen: Uint8Array;

  constructor({ whats }: Trace) {
    const zeros = () => new Float64Array(whats.length);
    [this.count, this.total, this.max] = [zeros(), zeros(), zeros()];
    [this.open, this.begun] = [zeros(), zeros()];
    this.#seen = new Uint8Array(whats.length);
    this.isWait = Uint8Array.from(whats, (what) => Number(what.state === "wait"));
  }

  add(what: number, count: number, ns: number, max: number, begun = 0): void {
    if (this.#seen[what] === 0) this.#touch(what);
    this.count[what] += count;
    this.total[what] += ns;
    this.begun[what] += begun;
    if (max > this.max[what]) this.max[what] = max;
  }

  addOpen(what: number, ns: number): void {
    if (this.#seen[what] === 0) this.#touch(what);
    this.open[what] += ns;
  }

  #touch(what: number): void {
    this.#seen[what] = 1;
    this.touched.push(what);
  }

  clear(): void {
    for (const what of this.touched) {
      this.count[what] = this.total[what] = this.max[what] = 0;
      this.open[what] = this.begun[what] = this.#seen[what] = 0;
    }
    this.touched.length = 0;
  }
}
