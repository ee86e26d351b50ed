/** Long work in slices, so that the page answers meanwhile. */

/** How long a slice is, ms. */
export const SLICE_MS = 12;

/** Lets the page do what else there is. */
export function pause(): Promise<void> {
  return new Promise((resolve) => {
    // Timers come 4 ms late after a few of them; messages do not.
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
}

/** Does a step after the other until one says that it was the last; throws where it is called off. */
export async function inSlices(step: () => boolean, signal?: AbortSignal): Promise<void> {
  for (;;) {
    const until = performance.now() + SLICE_MS;
    do {
      signal?.throwIfAborted();
      if (step()) return;
    } while (performance.now() < until);
    await pause();
  }
}
