/** Looks for the longest interval of a kind. */

import { clipped } from "../model/intervals";
import type { Run, Site, Span, What } from "../types";

export interface Wanted {
  /** Of these threads only. */
  threads?: Iterable<number>;
  /** Wait kind or name of a state. */
  state?: string;
  function?: string | null;
  object?: string;
  span?: Span;
}

/** The interval that is longest (its part in the span); `null` if there is none. */
export function longest(run: Run, wanted: Wanted): number | null {
  const trace = run.trace;
  if (!trace) return null;
  const fits = trace.whats.map((what) => (isWanted(what, trace.sites, wanted) ? 1 : 0));
  const { from, to } = wanted.span ?? { from: 0, to: Infinity };
  let [best, bestNs] = [-1, 0];
  for (const thread of wanted.threads ?? run.report.threads.keys()) {
    for (let i = trace.first[thread]; i < trace.first[thread + 1]; i++) {
      if (fits[trace.what[i]] === 0) continue;
      const ns = clipped(trace.from[i], trace.to[i], from, to);
      if (ns > bestNs) [best, bestNs] = [i, ns];
    }
  }
  return best < 0 ? null : best;
}

function isWanted(what: What, sites: readonly Site[], wanted: Wanted): boolean {
  const site = what.site === undefined ? null : sites[what.site];
  if (!site) return wanted.state !== undefined && what.state === wanted.state;
  if (wanted.state !== undefined && site.kind !== wanted.state && what.state !== wanted.state) return false;
  if (wanted.function && site.function !== wanted.function) return false;
  return wanted.object === undefined || site.object === wanted.object;
}
