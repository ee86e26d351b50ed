/** Long computations in slices, so that nothing on the page blocks. */

/** How long a slice may take, ms. */
const SLICE_MS = 12;

/** What cancels a computation. */
export interface Job {
  cancel(): void;
}

/** Does `step(i)` for 0 … n − 1, a slice at a time; then `done`, unless it was cancelled. `progress` gets the share. */
export function inSlices(n: number, step: (i: number) => void, done: () => void, progress?: (share: number) => void): Job {
  let [at, cancelled] = [0, false];
  const slice = (): void => {
    if (cancelled) return;
    const until = performance.now() + SLICE_MS;
    while (at < n && performance.now() < until) step(at++);
    if (at >= n) return done();
    progress?.(at / n);
    setTimeout(slice);
  };
  slice();
  return { cancel: () => void (cancelled = true) };
}

/** Calls `fn` once for all calls within a frame; in a page that is not shown, soon. */
export function perFrame(fn: () => void): () => void {
  let waiting = false;
  return () => {
    if (waiting) return;
    waiting = true;
    const run = (): void => {
      if (!waiting) return;
      waiting = false;
      fn();
    };
    requestAnimationFrame(run);
    setTimeout(run, 100);
  };
}
