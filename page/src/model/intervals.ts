/** Looks into a thread's intervals by time. */

import type { Trace } from "../types";

/** The first interval of `low … high − 1` that ends behind an instant; `high` if none does. */
export function firstEndingAfter(to: Float64Array, low: number, high: number, at: number): number {
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (to[middle] > at) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** The first interval of `low … high − 1` that ends at an instant or behind it; `high` if none does. */
export function firstEndingFrom(to: Float64Array, low: number, high: number, at: number): number {
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (to[middle] >= at) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** The same as `firstEndingAfter`, where it is near a place: looks around that first. */
export function firstEndingAfterNear(to: Float64Array, low: number, high: number, at: number, near: number): number {
  let [from, until] = [Math.min(Math.max(near, low), high), Math.min(Math.max(near, low), high)];
  let step = 4;
  while (from > low && to[from - 1] > at) {
    until = from - 1;
    from = Math.max(low, from - step);
    step *= 2;
  }
  while (until < high && to[until] <= at) {
    from = until + 1;
    until = Math.min(high, until + step);
    step *= 2;
  }
  return firstEndingAfter(to, from, until, at);
}

/** What a thread did at an instant: the interval's index; `null` outside of its life. */
export function intervalAt(trace: Trace, thread: number, at: number): number | null {
  const end = trace.first[thread + 1];
  const found = firstEndingAfter(trace.to, trace.first[thread], end, at);
  return found < end && trace.from[found] <= at ? found : null;
}

/** The ns of a part, of a whole of which `part` is inside: exact where all of it is. */
export function clipped(from: number, to: number, low: number, high: number): number {
  return Math.max(0, Math.min(to, high) - Math.max(from, low));
}
