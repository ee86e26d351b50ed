/** Time ↔ pixels. */

import { count } from "../format";
import type { Span } from "../types";

export class Scale {
  /** Pixels (CSS) for each ns. */
  readonly perNs: number;

  constructor(
    readonly view: Span,
    /** Where the view begins and how wide it is, in CSS pixels. */
    readonly left: number,
    readonly width: number,
  ) {
    this.perNs = width / (view.to - view.from);
  }

  x(at: number): number {
    return this.left + (at - this.view.from) * this.perNs;
  }

  at(x: number): number {
    return this.view.from + (x - this.left) / this.perNs;
  }

  get right(): number {
    return this.left + this.width;
  }
}

const UNITS: [number, string][] = [
  [1e9, "s"],
  [1e6, "ms"],
  [1e3, "µs"],
  [1, "ns"],
];

/** Where an axis has marks, and what they say. */
export function ticks(scale: Scale, apart: number): { at: number; label: string }[] {
  const step = niceStep(apart / scale.perNs);
  const [unit, name] = UNITS.find(([unit]) => scale.view.to >= unit * 2) ?? UNITS[3]!;
  const decimals = Math.max(0, Math.ceil(-Math.log10(step / unit) - 1e-9));
  const found: { at: number; label: string }[] = [];
  for (let n = Math.ceil(scale.view.from / step); n * step <= scale.view.to && found.length < 500; n++) {
    found.push({ at: n * step, label: `${decimal((n * step) / unit, decimals)} ${name}` });
  }
  return found;
}

function decimal(n: number, decimals: number): string {
  const [whole, fraction] = n.toFixed(Math.min(decimals, 9)).split(".");
  return count(Number(whole)) + (fraction ? `.${fraction}` : "");
}

/** 1, 2 or 5 times a power of ten: the least that is not less; no fractions of a ns. */
function niceStep(least: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(least, 1)));
  const step = [1, 2, 5, 10].find((times) => times * power >= least) ?? 10;
  return Math.max(1, step * power);
}
