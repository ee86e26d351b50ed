/** The rows: groups, threads and interpreter locks. */

import { OPEN, UNKNOWN } from "../model/levels";
import { firstEndingAfter } from "../model/intervals";
import { word } from "../format";
import { groupName } from "../ui/names";
import { shortLabel } from "./describe";
import { drawLock } from "./draw_gil";
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
  scene.followable.length = 0;
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
  const at = { from: state.view.from, to: state.view.to, x: (ns: number) => snap(scene, scale.x(ns)), y: y + 3, height: GROUP_BAR };
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
      const code = levels.codeOf[trace.what[i]];
      context.fillStyle = code === UNKNOWN && isNoWait(scene, i) ? palette.hatch(context) : palette.colours[code];
      context.fillRect(left, y, width, BAR);
      if (width > 44) drawWord(scene, code, left, y, width);
    }
    if (width > 3) drawSeam(scene, right, y);
    if (trace.by[i] >= 0 && right < scale.right) scene.followable.push(i);
  }
}

/** A wait of unknown kind is a wait; what is not known at all is hatched. */
function isNoWait(scene: Scene, i: number): boolean {
  return scene.trace.whats[scene.trace.what[i]].state !== "wait";
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
  const parts = [...(trace.parts.get(i) ?? [])].sort((a, b) => levels.codeOf[b.what] - levels.codeOf[a.what]);
  let top = y;
  for (const part of parts) {
    const height = (part.ns / whole) * BAR;
    const code = levels.codeOf[part.what];
    context.fillStyle = code === UNKNOWN ? palette.hatch(context) : palette.colours[code];
    context.fillRect(left, top, width, height);
    top += height;
  }
}

/** Measured once in each font. */
const widths = new Map<string, number>();

function widthOf(context: CanvasRenderingContext2D, text: string): number {
  const key = `${context.font} ${text}`;
  let width = widths.get(key);
  if (width === undefined) widths.set(key, (width = context.measureText(text).width));
  return width;
}

function drawWord(scene: Scene, code: number, left: number, y: number, width: number): void {
  const { context, levels, palette } = scene;
  context.font = `10.5px ${palette.sans}`;
  const text = word(levels.codes[code]);
  if (widthOf(context, text) + 10 > width) return;
  context.fillStyle = code === UNKNOWN ? palette.text : palette.inks[code];
  context.textBaseline = "middle";
  context.textAlign = "left";
  context.fillText(text, left + 5, y + BAR / 2 + 0.5);
}

/** Birth, death, and a wait that has no end yet. */
function drawLife(scene: Scene, thread: number, y: number): void {
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

/** The names of the rows, left of the time. */
export function drawNames(scene: Scene): void {
  const { context, palette, layout, scroll, height, scale, run } = scene;
  const width = scale.left;
  if (width <= 0) return;
  context.textBaseline = "middle";
  context.textAlign = "left";
  for (let index = Math.max(0, layout.at(scroll)); index < layout.rows.length; index++) {
    const row = layout.rows[index];
    const y = AXIS + row.y - scroll;
    if (y > height) break;
    const isAt = scene.cursor?.row === index;
    const isSelected = row.type === "thread" && row.thread === scene.state.selection.thread;
    if (isAt || isSelected) {
      context.fillStyle = isSelected ? palette.accent : palette.line;
      context.globalAlpha = isSelected ? 0.25 : 0.6;
      context.fillRect(0, y, width, row.height);
      context.globalAlpha = 1;
    }
    if (row.type === "group") nameGroup(scene, row, y, width);
    else {
      context.font = `12px ${palette.sans}`;
      context.fillStyle = row.type === "gil" ? palette.muted : palette.text;
      const text = row.type === "gil" ? `GIL of pid ${pidOf(scene, row.process)}` : shortLabel(run, row.thread);
      fitText(context, text, 22, y + row.height / 2, width - 28);
    }
  }
}

function pidOf(scene: Scene, process: number): string {
  const thread = scene.run.report.threads.find((thread) => thread.process === process);
  return String(thread?.pid ?? thread?.tid ?? "?");
}

function nameGroup(scene: Scene, row: Row, y: number, width: number): void {
  const { context, palette, layout, run } = scene;
  const isOpen = layout.open[row.group];
  const middle = y + row.height / 2;
  context.fillStyle = palette.muted;
  context.beginPath();
  if (isOpen) context.moveTo(6, middle - 3), context.lineTo(15, middle - 3), context.lineTo(10.5, middle + 3);
  else context.moveTo(8, middle - 4.5), context.lineTo(14, middle), context.lineTo(8, middle + 4.5);
  context.fill();
  context.fillStyle = palette.text;
  context.font = `600 12.5px ${palette.sans}`;
  fitText(context, groupName(run.report, row.group), 22, middle - 7, width - 28);
  context.font = `11px ${palette.sans}`;
  context.fillStyle = palette.muted;
  const threads = layout.threadsOf[row.group].length;
  const alive = scene.mostAlive[row.group];
  const text = threads === 1 ? "1 thread" : `${threads} threads${alive < threads ? `, ${alive} at once` : ""}`;
  fitText(context, text, 22, middle + 8, width - 28);
}

const fitted = new Map<string, string>();

/** Text cut in its middle to a width. */
function fitText(context: CanvasRenderingContext2D, text: string, x: number, y: number, width: number): void {
  const key = `${width} ${context.font} ${text}`;
  let fits = fitted.get(key);
  if (fits === undefined) {
    if (fitted.size > 20_000) fitted.clear();
    fitted.set(key, (fits = fit(context, text, width)));
  }
  context.fillText(fits, x, y);
}

function fit(context: CanvasRenderingContext2D, text: string, width: number): string {
  if (context.measureText(text).width <= width) return text;
  const all = [...text];
  for (let keep = all.length - 1; keep > 2; keep--) {
    const head = Math.ceil(keep / 2);
    const shorter = `${all.slice(0, head).join("")}…${all.slice(all.length - (keep - head)).join("")}`;
    if (context.measureText(shorter).width <= width) return shorter;
  }
  return "…";
}
