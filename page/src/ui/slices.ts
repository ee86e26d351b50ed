/** Long computations in slices, so that nothing on the page blocks. */

import { inSlices as slices } from "../model/pause";

/** What cancels a computation. */
export interface Job {
  cancel(): void;
}

/** Does `step(i)` for 0 … n − 1, a slice at a time; then `done`, unless it was cancelled. `progress`: of the share. */
export function inSlices(
  n: number,
  step: (i: number) => void,
  done: () => void,
  progress?: (share: number) => void,
): Job {
  const abort = new AbortController();
  let at = 0;
  const told = progress && setInterval(() => progress(at / n), 100);
  const one = (): boolean => {
    if (at < n) step(at++);
    return at >= n;
  };
  void slices(one, abort.signal)
    .then(done, (error: unknown) => abort.signal.aborted || reportError(error))
    .finally(() => clearInterval(told));
  return { cancel: () => abort.abort() };
}

/** Calls `fn` when nothing was called for so long. */
export function whenQuiet(ms: number, fn: () => void): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  return () => {
    clearTimeout(timer);
    timer = setTimeout(fn, ms);
  };
}

/** Calls `fn` when nothing else is to be done, or has waited for long. */
export function whenIdle(fn: () => void): void {
  if ("requestIdleCallback" in globalThis) requestIdleCallback(fn, { timeout: 5000 });
  else setTimeout(fn, 300);
}
