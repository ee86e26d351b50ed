/** The axis, which stays above the rows, and the window that is chosen. */

import { AXIS, type Scene, snap } from "./scene";
import { ticks } from "./scale";

/** Marks are at least so far apart, pixels. */
const APART = 110;

export function drawGrid(scene: Scene): void {
  const { context, palette, scale, height } = scene;
  context.fillStyle = palette.line;
  context.globalAlpha = 0.55;
  for (const { at } of ticks(scale, APART)) {
    context.fillRect(snap(scene, scale.x(at)), AXIS, 1 / scene.dpr, height - AXIS);
  }
  context.globalAlpha = 1;
}

export function drawAxis(scene: Scene): void {
  const { context, palette, scale, width } = scene;
  context.fillStyle = palette.bg;
  context.fillRect(0, 0, width, AXIS);
  context.fillStyle = palette.line;
  context.fillRect(0, AXIS - 1, width, 1);
  context.font = `11px ${palette.sans}`;
  context.textBaseline = "middle";
  context.textAlign = "left";
  for (const { at, label } of ticks(scale, APART)) {
    const x = snap(scene, scale.x(at));
    context.fillStyle = palette.muted;
    context.fillRect(x, AXIS - 7, 1 / scene.dpr, 6);
    if (x + 6 + context.measureText(label).width < scale.right) context.fillText(label, x + 4, AXIS / 2 - 1);
  }
  drawWindowOnAxis(scene);
}

function drawWindowOnAxis(scene: Scene): void {
  const { context, palette, scale, state } = scene;
  if (state.isWholeWindow) return;
  const [left, right] = bounds(scene);
  if (right < scale.left || left > scale.right) return;
  context.fillStyle = palette.accent;
  const from = Math.max(left, scale.left);
  context.fillRect(from, AXIS - 4, Math.min(right, scale.right) - from, 3);
}

function bounds(scene: Scene): [number, number] {
  const { scale, state } = scene;
  return [snap(scene, scale.x(state.window.from)), snap(scene, scale.x(state.window.to))];
}

/** What is outside of the window steps back. */
export function drawWindow(scene: Scene): void {
  const { context, palette, scale, height, state } = scene;
  if (state.isWholeWindow) return;
  const [left, right] = bounds(scene).map((x) => Math.min(scale.right, Math.max(scale.left, x))) as [number, number];
  context.fillStyle = palette.bg;
  context.globalAlpha = 0.6;
  context.fillRect(scale.left, AXIS, left - scale.left, height - AXIS);
  context.fillRect(right, AXIS, scale.right - right, height - AXIS);
  context.globalAlpha = 1;
  context.fillStyle = palette.accent;
  if (left > scale.left) context.fillRect(left - 1, AXIS, 1.5, height - AXIS);
  if (right < scale.right) context.fillRect(right - 0.5, AXIS, 1.5, height - AXIS);
}

/** Where the keys are. */
export function drawCursor(scene: Scene): void {
  const { context, palette, scale, height, cursor, layout, scroll } = scene;
  if (!cursor) return;
  const x = snap(scene, scale.x(cursor.at));
  context.fillStyle = palette.accent;
  if (x >= scale.left && x <= scale.right) {
    context.globalAlpha = 0.8;
    context.fillRect(x, AXIS, 1, height - AXIS);
    context.globalAlpha = 1;
  }
  const row = layout.rows[cursor.row];
  if (!row) return;
  context.strokeStyle = palette.accent;
  context.lineWidth = 1;
  context.strokeRect(0.5, AXIS + row.y - scroll + 0.5, scene.width - 1, row.height - 1);
}
