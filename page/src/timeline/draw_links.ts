/** Lines between rows: the critical path, who woke whom, the chain of the selected wait. */

import { threadOf } from "../state";
import { drawLabels, labelBar } from "./draw_labels";
import { AXIS, BAR, rowMiddle, type Scene, snap } from "./scene";

/** Wakings that are drawn at once: more could not be followed. */
const MOST_ARROWS = 200;

/** A wait that is narrower, pixels, is not seen to be ended. */
const NARROWEST = 5;

/** The run's path, as one line through the rows: thick where time passes, thin from row to row. */
export function drawPath(scene: Scene): void {
  const path = scene.run.report.critical_path;
  if (!path) return;
  const { context, scale, state, palette } = scene;
  const along = new Path2D();
  const across: Across[] = [];
  let [x, y] = [NaN, NaN];
  for (let at = firstHop(path.hops, state.view.from); at < path.hops.length; at++) {
    const hop = path.hops[at];
    if (hop.from_ns > state.view.to) break;
    const middle = rowMiddle(scene, hop.thread);
    if (middle === null) continue;
    const low = middle + BAR / 2;
    const left = Math.max(scale.left - 2, scale.x(hop.from_ns));
    const right = Math.min(scale.right + 2, scale.x(hop.to_ns));
    // Of a long path only the longest hops are kept: what is between two of them is no line.
    if (y !== low && left - x <= 1.5) across.push({ x: snap(scene, left) + 0.5, from: y, to: low });
    along.moveTo(left, low);
    along.lineTo(Math.max(right, left + 0.5), low);
    [x, y] = [right, low];
  }
  drawAcross(scene, across);
  stroke(context, along, palette.bg, 4, 1);
  stroke(context, along, palette.path, 2, 1);
}

/** From row to row. */
interface Across {
  x: number;
  from: number;
  to: number;
}

/** Lines that are closer, pixels, would be a barcode. */
const DENSE = 5;

/** Thin and pale where there are many. */
function drawAcross({ context, palette }: Scene, lines: Across[]): void {
  const [few, many] = [new Path2D(), new Path2D()];
  lines.forEach(({ x, from, to }, at) => {
    const apart = Math.min(x - (lines[at - 1]?.x ?? -Infinity), (lines[at + 1]?.x ?? Infinity) - x);
    const path = apart < DENSE ? many : few;
    path.moveTo(x, from);
    path.lineTo(x, to);
  });
  stroke(context, many, palette.path, 0.5, 0.35);
  stroke(context, few, palette.path, 1, 0.75);
}

function stroke(context: CanvasRenderingContext2D, line: Path2D, colour: string, width: number, alpha: number): void {
  context.strokeStyle = colour;
  context.lineWidth = width;
  context.globalAlpha = alpha;
  context.stroke(line);
  context.globalAlpha = 1;
}

function firstHop(hops: { to_ns: number }[], at: number): number {
  let low = 0;
  let high = hops.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (hops[middle].to_ns > at) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** From the waker's row to the woken one's. */
export function drawArrows(scene: Scene): void {
  const { trace, palette, context, scale } = scene;
  const wide = scene.followable.filter((i) => (trace.to[i] - trace.from[i]) * scale.perNs >= NARROWEST);
  if (wide.length > MOST_ARROWS) return;
  const line = new Path2D();
  const heads = new Path2D();
  for (const i of wide) addArrow(scene, line, heads, i);
  stroke(context, line, palette.text, 1, 0.4);
  context.fillStyle = palette.text;
  context.globalAlpha = 0.8;
  context.fill(heads);
  context.globalAlpha = 1;
}

function addArrow(scene: Scene, line: Path2D, heads: Path2D, i: number): void {
  const { trace, scale, layout } = scene;
  if (trace.to[i] < scene.state.view.from || trace.to[i] > scene.state.view.to) return;
  const from = rowMiddle(scene, trace.by[i]);
  const woken = threadOf(trace.first, i);
  const to = rowMiddle(scene, woken);
  if (from === null || to === null || layout.rowOf[woken] === layout.rowOf[trace.by[i]]) return;
  const x = snap(scene, scale.x(trace.to[i])) + 0.5 / scene.dpr;
  const down = to > from ? 1 : -1;
  line.moveTo(x, from);
  line.lineTo(x, to - down * (BAR / 2));
  const tip = to - down * (BAR / 2 - 1);
  heads.moveTo(x, tip);
  heads.lineTo(x - 3, tip - down * 6);
  heads.lineTo(x + 3, tip - down * 6);
}

/** A stretch of a thread, and the interval that it is a part of. */
interface Box {
  thread: number;
  interval: number | null;
  from: number;
  to: number;
}

/** The selected interval and the hops behind it, before all else. */
export function drawSelection(scene: Scene): void {
  const boxes = boxesOf(scene);
  if (boxes.length === 0) return;
  const { context, scale, palette } = scene;
  context.fillStyle = palette.bg;
  context.globalAlpha = 0.45;
  context.fillRect(scale.left, AXIS, scale.width, scene.height - AXIS);
  context.globalAlpha = 1;
  for (const box of boxes) fillBox(scene, box);
  joinBoxes(scene, boxes);
  boxes.forEach((box, at) => outline(scene, box, at === scene.hop ? 3 : 1.5));
  scene.labels.length = 0;
  for (const box of boxes) labelBox(scene, box);
  drawLabels(scene);
}

function boxesOf(scene: Scene): Box[] {
  const { trace, chain, state } = scene;
  const { thread, interval } = state.selection;
  if (thread === null || interval === null) return [];
  if (!chain) return [{ thread, interval, from: trace.from[interval], to: trace.to[interval] }];
  const boxes: Box[] = chain.hops.map(({ thread, interval, span }) => ({ thread, interval, ...span }));
  const { thread: last, interval: lastInterval, span } = chain.final;
  if (last !== null) boxes.push({ thread: last, interval: lastInterval, ...span });
  return boxes;
}

interface Place {
  left: number;
  right: number;
  middle: number;
}

/** Where a box is, at most a bit out of sight. */
function placeOf(scene: Scene, box: Box): Place | null {
  const { scale } = scene;
  const middle = rowMiddle(scene, box.thread);
  if (middle === null) return null;
  const within = (x: number) => Math.min(scale.right + 6, Math.max(scale.left - 6, x));
  return { left: within(scale.x(box.from)), right: within(scale.x(box.to)), middle };
}

function fillBox(scene: Scene, box: Box): void {
  const place = placeOf(scene, box);
  if (!place || box.interval === null || place.middle < AXIS - BAR) return;
  const { context, palette, levels } = scene;
  context.fillStyle = palette.colours[levels.codeAt(box.interval)];
  context.fillRect(place.left, place.middle - BAR / 2, Math.max(1.5, place.right - place.left), BAR);
}

/** What is selected says what it is, also where other lines were drawn over it. */
function labelBox(scene: Scene, box: Box): void {
  const place = placeOf(scene, box);
  if (!place || box.interval === null || scene.trace.parts.has(box.interval)) return;
  const [left, right] = [Math.max(scene.scale.left, place.left), Math.min(scene.scale.right, place.right)];
  labelBar(scene, box.interval, left, place.middle - BAR / 2, right - left);
}

/** From the waking back in time: to the row of the waker, and in it to where its own wait ended. */
function joinBoxes(scene: Scene, boxes: Box[]): void {
  const line = new Path2D();
  let last: Place | null = null;
  for (const box of boxes) {
    const place = placeOf(scene, box);
    if (!place) continue;
    if (!last) line.moveTo(place.right, place.middle);
    else {
      line.lineTo(last.right, place.middle);
      line.lineTo(place.right, place.middle);
    }
    last = place;
  }
  scene.context.lineJoin = "round";
  stroke(scene.context, line, scene.palette.bg, 5, 1);
  stroke(scene.context, line, scene.palette.text, 2, 1);
}

function outline(scene: Scene, box: Box, width: number): void {
  const place = placeOf(scene, box);
  if (!place || place.middle < AXIS - BAR) return;
  const { context, palette } = scene;
  const frame = new Path2D();
  frame.rect(place.left - 1, place.middle - BAR / 2 - 1, Math.max(3, place.right - place.left + 2), BAR + 2);
  stroke(context, frame, palette.bg, width + 2.5, 1);
  stroke(context, frame, palette.text, width, 1);
}
