/** Several intervals that are drawn together. */

import type { Part } from "../types";

/**
 * Parts of which `ns` of the `whole` time are taken, each in proportion. They add up to `ns`: what rounding leaves
 * over is the largest one's.
 */
export function portions(parts: Part[], ns: number, whole: number): Part[] {
  if (ns >= whole) return parts;
  const taken = parts.map(({ what, count, ns: all }) => ({
    what,
    count: Math.round((count * ns) / whole),
    ns: Math.floor((all / whole) * ns),
  }));
  const rest = ns - taken.reduce((sum, part) => sum + part.ns, 0);
  const largest = taken.reduce((most, part) => (part.ns > most.ns ? part : most), taken[0]!);
  if (largest) largest.ns += rest;
  return taken.filter((part) => part.ns > 0);
}
