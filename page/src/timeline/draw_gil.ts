/** Who held an interpreter lock while others waited for it. */

import { shortLabel } from "./describe";
import { fitText } from "./fit";
import type { Row } from "./layout";
import { type Scene, snap } from "./scene";
import type { Run, Trace } from "../types";

type Held = [number, number, number, number];

const byProcess = new WeakMap<Trace, Map<number, Held[]>>();

/** The spans of each process, first one first. */
export function locksOf(trace: Trace): Map<number, Held[]> {
  const known = byProcess.get(trace);
  if (known) return known;
  const made = new Map<number, Held[]>();
  for (const held of trace.gil) {
    const list = made.get(held[0]);
    if (list) list.push(held);
    else made.set(held[0], [held]);
  }
  for (const list of made.values()) list.sort((a, b) => a[2] - b[2]);
  byProcess.set(trace, made);
  return made;
}

/** Who held a process's lock at an instant. */
export function holderAt(trace: Trace, process: number, at: number): Held | null {
  const list = locksOf(trace).get(process) ?? [];
  const held = list[firstAfter(list, at)];
  return held && held[2] <= at ? held : null;
}

function firstAfter(list: Held[], at: number): number {
  let low = 0;
  let high = list.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (list[middle][3] > at) high = middle;
    else low = middle + 1;
  }
  return low;
}

export function drawLock(scene: Scene, row: Row, y: number): void {
  const { context, trace, scale, state, palette } = scene;
  const list = locksOf(trace).get(row.process) ?? [];
  context.save();
  context.beginPath();
  context.rect(scale.left, y, scale.width, row.height);
  context.clip();
  context.fillStyle = palette.gil;
  for (let at = firstAfter(list, state.view.from); at < list.length && list[at][2] < state.view.to; ) {
    const [, thread, from, to] = list[at];
    const [left, right] = [snap(scene, scale.x(from)), snap(scene, scale.x(to))];
    // Holders alternate in brightness, so that a change of hands shows.
    context.globalAlpha = isDark(thread) ? 1 : 0.45;
    context.fillRect(left, y + 3, Math.max(1 / scene.dpr, right - left), row.height - 6);
    nameHolder(scene, scene.run, thread, left, y, right - left, row.height);
    // What follows within the same pixel would be drawn over it.
    at = Math.max(at + 1, firstAfter(list, scale.at(left + 1 / scene.dpr)));
  }
  context.restore();
}

function isDark(thread: number): boolean {
  return thread % 2 === 0;
}

function nameHolder(scene: Scene, run: Run, thread: number, x: number, y: number, width: number, height: number): void {
  const { context, palette } = scene;
  if (width < 60) return;
  context.globalAlpha = 1;
  context.font = `9px ${palette.sans}`;
  context.textBaseline = "middle";
  context.textAlign = "left";
  context.fillStyle = isDark(thread) ? "#ffffff" : palette.text;
  const from = Math.max(x, scene.scale.left) + 4;
  context.fillText(fitText(context, shortLabel(run, thread), x + width - from - 4), from, y + height / 2 + 0.5);
  context.fillStyle = palette.gil;
}
