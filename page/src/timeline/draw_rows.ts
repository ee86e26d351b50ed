/** The rows: groups, threads and interpreter locks. */

import { UNKNOWN } from "../model/levels";
import { firstEndingAfter } from "../model/intervals";
import { drawLock } from "./draw_gil";
import { drawLife } from "./draw_life";
import { labelBar } from "./draw_labels";
import { GroupTile, ThreadTile } from "./jobs";
import type { Row } from "./layout";
import { AXIS, BAR, GROUP_BAR, type Scene, snap } from "./scene";
import { drawTiles, levelOf } from "./tiles";

/** So many intervals of a row in sight are drawn one by one. */
const FEW = 160;

/** The rows in sight. Returns whether everything was drawn as fine as it should be. */
export function drawRows(scene: Scene): boolean {
  const { layout, scroll, height } = scene;
  let complete = true;
  scene.followable.length = scene.labels.length = 0;
  const first = Math.max(0, layout.at(scroll));
  for (let index = first; index < layout.rows.length; index++) {
    const row = layout.rows[index];
    const y = AXIS + row.y - scroll;
    if (y > height) break;
    if (row.type === "group") complete = drawGroup(scene, row, y) && complete;
    else if (row.type === "thread") complete = drawThread(scene, row, y) && complete;
    else drawLock(scene, row, y);
  }
  return complete;
}

function drawGroup(scene: Scene, row: Row, y: number): boolean {
  const { context, levels, palette, layout, scale, state } = scene;
  context.fillStyle = palette.panel;
  context.fillRect(0, y, scene.width, row.height);
  context.fillStyle = palette.line;
  context.fillRect(0, y, scene.width, 1);
  const members = layout.threadsOf[row.group];
  const height = scene.groupTiles.height;
  const job = (level: number, index: number) =>
    new GroupTile(levels, palette, height, members, scene.mostAlive[row.group], level, index);
  const x = (ns: number) => snap(scene, scale.x(ns));
  const at = { ...state.view, x, y: y + 3, height: GROUP_BAR };
  return clipToTime(scene, () => drawTiles(context, scene.groupTiles, `g${row.group}`, tileLevel(scene), at, job));
}

function tileLevel(scene: Scene): number {
  return levelOf(1 / (scene.scale.perNs * scene.dpr));
}

/** Draws nothing over the names. */
export function clipToTime<T>(scene: Scene, draw: () => T): T {
  const { context, scale } = scene;
  context.save();
  context.beginPath();
  context.rect(scale.left, AXIS, scale.width, scene.height - AXIS);
  context.clip();
  const drawn = draw();
  context.restore();
  return drawn;
}

function drawThread(scene: Scene, row: Row, y: number): boolean {
  const { trace, state, levels, palette, context, scale } = scene;
  const thread = row.thread;
  const end = trace.first[thread + 1];
  const low = levels.firstAfter(thread, state.view.from);
  if (low >= end || trace.from[low] >= state.view.to) return true;
  const high = Math.min(end, firstEndingAfter(trace.to, low, end, state.view.to) + 1);
  return clipToTime(scene, () => {
    let complete = true;
    if (high - low <= FEW) drawOneByOne(scene, low, high, y + 2);
    else {
      const height = scene.threadTiles.height;
      const job = (level: number, index: number) => new ThreadTile(levels, palette, height, thread, level, index);
      const from = Math.max(state.view.from, trace.from[trace.first[thread]]);
      const to = Math.min(state.view.to, trace.to[end - 1]);
      const at = { from, to, x: (ns: number) => snap(scene, scale.x(ns)), y: y + 2, height: BAR };
      complete = drawTiles(context, scene.threadTiles, `t${thread}`, tileLevel(scene), at, job);
    }
    drawLife(scene, thread, y + 2);
    return complete;
  });
}

function drawOneByOne(scene: Scene, low: number, high: number, y: number): void {
  const { trace, levels, palette, context, scale, dpr } = scene;
  const least = 1 / dpr;
  for (let i = low; i < high; i++) {
    const left = snap(scene, Math.max(scale.left, scale.x(trace.from[i])));
    const right = snap(scene, Math.min(scale.right, scale.x(trace.to[i])));
    const width = Math.max(least, right - left);
    const parts = trace.parts.size > 0 ? trace.parts.get(i) : undefined;
    if (parts) drawTogether(scene, i, left, y, width);
    else {
      const code = levels.codeAt(i);
      context.fillStyle = code === UNKNOWN && isNoWait(scene, i) ? palette.hatch(context) : palette.colours[code];
      context.fillRect(left, y, width, BAR);
      if (levels.shades[code] === "timeout") drawEdges(scene, code, left, y, width);
      labelBar(scene, i, left, y, width);
    }
    if (width > 3) drawSeam(scene, right, y);
    if (trace.by[i] >= 0 && right < scale.right) scene.followable.push(i);
  }
}

/** A wait of unknown kind is a wait; what is not known at all is hatched. */
function isNoWait(scene: Scene, i: number): boolean {
  return scene.trace.whats[scene.trace.what[i]].state !== "wait";
}

/** A wait that nobody ended before its time is hollow. */
function drawEdges({ context, palette, dpr }: Scene, code: number, left: number, y: number, width: number): void {
  context.fillStyle = palette.edges[code];
  context.fillRect(left, y, width, 1 / dpr);
  context.fillRect(left, y + BAR - 1 / dpr, width, 1 / dpr);
}

/** Two of one colour are two. */
function drawSeam(scene: Scene, right: number, y: number): void {
  scene.context.fillStyle = scene.palette.bg;
  scene.context.fillRect(right - 0.5, y, 0.5, BAR);
}

/** Parts above each other, each as high as its share. */
function drawTogether(scene: Scene, i: number, left: number, y: number, width: number): void {
  const { trace, levels, palette, context } = scene;
  const whole = Math.max(1, trace.to[i] - trace.from[i]);
  const parts = [...(trace.parts.get(i) ?? [])].sort((a, b) => levels.codeOfPart(b) - levels.codeOfPart(a));
  let top = y;
  for (const part of parts) {
    const height = (part.ns / whole) * BAR;
    const code = levels.codeOfPart(part);
    context.fillStyle = code === UNKNOWN ? palette.hatch(context) : palette.colours[code];
    context.fillRect(left, top, width, height);
    top += height;
  }
}
