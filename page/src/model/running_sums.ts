/** Running sums of a thread by cause, where a long wait contains many of its intervals. */

import { Scratch } from "./share_list";

interface Sums {
  /** The interval behind which a sum holds. */
  at: number[];
  ns: number[];
}

/** Covers as many intervals as were asked for. */
export class RunningSums {
  #covers: number;
  readonly #sums = new Map<number, Sums>();
  readonly #scratch = new Scratch(0);

  constructor(
    first: number,
    private readonly shares: (interval: number, into: Scratch) => void,
  ) {
    this.#covers = first;
  }

  get causes(): number {
    return this.#sums.size;
  }

  /** Adds the causes of the intervals `from … to − 1`. */
  add(from: number, to: number, into: Scratch): void {
    this.#extend(to);
    for (const [cause, sums] of this.#sums) into.add(cause, before(sums, to) - before(sums, from));
  }

  #extend(to: number): void {
    for (; this.#covers < to; this.#covers++) {
      this.shares(this.#covers, this.#scratch);
      this.#scratch.drain((cause, ns) => this.#push(cause, ns));
    }
  }

  #push(cause: number, ns: number): void {
    let sums = this.#sums.get(cause);
    if (!sums) this.#sums.set(cause, (sums = { at: [], ns: [] }));
    sums.ns.push((sums.ns.at(-1) ?? 0) + ns);
    sums.at.push(this.#covers);
  }

  /** Forgets an interval and those behind it. */
  forgetFrom(interval: number): void {
    if (this.#covers <= interval) return;
    for (const sums of this.#sums.values()) {
      sums.at.length = sums.ns.length = countBefore(sums.at, interval);
    }
    this.#covers = interval;
  }
}

function before(sums: Sums, interval: number): number {
  const count = countBefore(sums.at, interval);
  return count === 0 ? 0 : sums.ns[count - 1];
}

function countBefore(at: number[], interval: number): number {
  let low = 0;
  let high = at.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (at[middle] < interval) low = middle + 1;
    else high = middle;
  }
  return low;
}
