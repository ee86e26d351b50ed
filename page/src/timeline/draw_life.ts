/** Where lives begin and end, on the rows of their threads. */

import { OPEN } from "../model/levels";
import { BAR, type Scene, snap } from "./scene";

/** Birth, death, and a wait that has no end yet. */
export function drawLife(scene: Scene, thread: number, y: number): void {
  const { trace, run, scale, context, palette, state } = scene;
  const { start_ns, end_ns, exit } = run.report.threads[thread];
  const last = trace.first[thread + 1] - 1;
  if (start_ns > 0 && start_ns >= state.view.from && start_ns <= state.view.to) {
    context.fillStyle = palette.text;
    context.fillRect(snap(scene, scale.x(start_ns)) - 1, y - 1, 1.5, BAR + 2);
  }
  if (end_ns < state.view.from || end_ns > state.view.to) return;
  const x = snap(scene, scale.x(end_ns));
  if (scene.levels.codeOf[trace.what[last]] === OPEN) drawRagged(scene, x, y);
  else if (isUnclean(exit)) drawCross(scene, x + 5, y + BAR / 2);
}

function drawRagged(scene: Scene, x: number, y: number): void {
  const { context, palette } = scene;
  const teeth = 3;
  const height = BAR / teeth;
  context.fillStyle = palette.bg;
  context.beginPath();
  for (let tooth = 0; tooth < teeth; tooth++) {
    context.moveTo(x + 0.5, y + tooth * height);
    context.lineTo(x - 5, y + (tooth + 0.5) * height);
    context.lineTo(x + 0.5, y + (tooth + 1) * height);
  }
  context.fill();
}

function drawCross(scene: Scene, x: number, y: number): void {
  const { context, palette } = scene;
  context.strokeStyle = palette.alarm;
  context.lineWidth = 2;
  context.beginPath();
  for (const way of [-1, 1]) {
    context.moveTo(x - 3.5, y - 3.5 * way);
    context.lineTo(x + 3.5, y + 3.5 * way);
  }
  context.stroke();
}

/** Killed, or with a status that says failure. */
export function isUnclean(exit: unknown): boolean {
  if (exit === null || typeof exit !== "object") return false;
  const { code, signal } = exit as { code?: unknown; signal?: unknown };
  return signal !== undefined || (code !== undefined && code !== 0);
}
