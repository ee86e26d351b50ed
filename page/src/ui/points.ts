/** Looks into the points of a plot. */

/** The last that is not behind a value; −1 if all are. */
export function lastUpTo(values: ArrayLike<number>, most: number): number {
  let [low, high] = [0, values.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (values[middle] <= most) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** A point between two gaps has no line that would show it. */
export function isolated(values: ArrayLike<number | null | undefined>): number[] {
  const is = (at: number): boolean => values[at] !== null && values[at] !== undefined;
  return Array.from({ length: values.length }, (_, at) => at).filter((at) => is(at) && !is(at - 1) && !is(at + 1));
}
