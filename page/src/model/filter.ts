/** Which waits a report counts (`--kind`, `--min-wait`, `--max-wait`): as probe-user/src/world/filter.rs. */

import type { Part, Run, Trace, WaitFilter } from "../types";

const known = new WeakMap<Trace, Counted>();

/** What counts in a run; `null` where all waits do. */
export function countedOf({ report, trace }: Run): Counted | null {
  if (!trace || !report.filter) return null;
  let counted = known.get(trace);
  if (!counted) known.set(trace, (counted = new Counted(trace, report.filter)));
  return counted;
}

export class Counted {
  /** By `whats`: whether waits of that kind are, finished or not. */
  readonly isOfKind: Uint8Array;
  readonly #isWait: Uint8Array;
  readonly #min: number;
  readonly #max: number;
  /** Of several that are drawn together it is known whether each is long enough. */
  readonly isExactTogether: boolean;

  constructor({ whats, sites, resolution_ns }: Trace, { kinds, min_ns, max_ns }: WaitFilter) {
    const isAny = !kinds || kinds.length === 0;
    this.isOfKind = Uint8Array.from(whats, ({ site }) => {
      return Number(site === undefined || isAny || kinds.includes(sites[site].kind));
    });
    this.#isWait = Uint8Array.from(whats, ({ state }) => Number(state === "wait"));
    [this.#min, this.#max] = [min_ns ?? 0, max_ns ?? Infinity];
    const areAllLong = this.#min <= 1 && this.#max >= resolution_ns;
    this.isExactTogether = areAllLong || this.#min >= resolution_ns;
  }

  /** Whether a finished wait is, of which so much lies in the window. */
  isWait(what: number, ns: number): boolean {
    return this.isOfKind[what] === 1 && ns >= this.#min && ns <= this.#max;
  }

  /** Whether waits drawn together are: as if all were as long as they are on average. What is no wait is. */
  isPart({ what, count, ns }: Part): boolean {
    return this.#isWait[what] === 0 || this.isWait(what, ns / Math.max(1, count));
  }
}
