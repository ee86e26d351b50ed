/** Which wakings ended which waits of a thread in a window. */

import { clipped, firstEndingAfter } from "../model/intervals";
import { keyOfSite } from "../model/rows";
import { portions } from "../model/together";
import { wakeOf } from "../model/window";
import type { Run, Span, Trace, Wake } from "../types";
import type { FullWait } from "./rows";

/** `waits` of a thread, in `span`, each with the wakes that ended it. */
export function wakesByWait(run: Run, thread: number, waits: readonly FullWait[], span: Span): FullWait[] {
  const trace = run.trace;
  if (!trace) return [...waits];
  const wakes = new Map<string, Wake[]>();
  for (const [key, sum] of collect(trace, thread, span)) {
    const [what, by] = key.split(" ").map(Number) as [number, number];
    const { site, wake } = trace.whats[what];
    if (site === undefined || wake === undefined) continue;
    const place = keyOfSite(trace.sites[site], true);
    const one = { ...named(run, trace.wakes[wake], by), count: sum.count, wait_ns: sum.ns };
    wakes.set(place, [...(wakes.get(place) ?? []), one]);
  }
  return waits.map((wait) => ({ ...wait, wakes: wakes.get(keyOfSite(wait, true)) ?? [] }));
}

/** Of intervals that are drawn together the page does not know which thread woke each. */
function named(run: Run, wake: Wake, by: number): Wake {
  const isTask = wake.source === "task" || wake.source === "task-exit";
  if (by < 0 && isTask && !wake.comm) return { ...wake, comm: "threads of the tree" };
  return wakeOf(run, wake, by);
}

function collect(trace: Trace, thread: number, span: Span): Map<string, { count: number; ns: number }> {
  const sums = new Map<string, { count: number; ns: number }>();
  const add = (what: number, by: number, count: number, ns: number): void => {
    const key = `${what} ${by}`;
    const sum = sums.get(key);
    if (!sum) sums.set(key, { count, ns });
    else [sum.count, sum.ns] = [sum.count + count, sum.ns + ns];
  };
  const { from, to, first, what, whats } = trace;
  const end = first[thread + 1];
  for (let i = firstEndingAfter(to, first[thread], end, span.from); i < end && from[i] < span.to; i++) {
    const { state } = whats[what[i]];
    const ns = clipped(from[i], to[i], span.from, span.to);
    if (state === "wait" && to[i] <= span.to) add(what[i], trace.by[i], 1, ns);
    if (state !== "together") continue;
    const parts = portions(trace.parts.get(i) ?? [], ns, to[i] - from[i]);
    for (const part of parts) if (whats[part.what].state === "wait") add(part.what, -1, part.count, part.ns);
  }
  return sums;
}
