/** The marks of an axis of time: where, and in which unit, the timeline has its own. */

import { Scale, ticks } from "../timeline/scale";
import type { Span } from "../types";

/** Marks are at least so far apart, px: as far as the longest label needs. */
const APART = 110;

/** The marks of a stretch that is so many pixels wide. */
export function marks(view: Span, width: number): { at: number; label: string }[] {
  return ticks(new Scale(view, 0, Math.max(1, width)), APART);
}
