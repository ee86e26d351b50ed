/** Lines between rows: the critical path, who woke whom, the chain of the selected wait. */

import { AXIS, BAR, rowMiddle, type Scene, snap } from "./scene";

/** Wakings that are drawn at once: more could not be followed. */
const MOST_ARROWS = 300;

/** The run's path, as one line through the rows. */
export function drawPath(scene: Scene): void {
  const path = scene.run.report.critical_path;
  if (!path) return;
  const { context, scale, state, palette } = scene;
  const line = new Path2D();
  let [x, y] = [NaN, NaN];
  for (let at = firstHop(path.hops, state.view.from); at < path.hops.length; at++) {
    const hop = path.hops[at];
    if (hop.from_ns > state.view.to) break;
    const middle = rowMiddle(scene, hop.thread);
    if (middle === null) continue;
    const low = middle + BAR / 2;
    const left = Math.max(scale.left - 2, scale.x(hop.from_ns));
    const right = Math.min(scale.right + 2, scale.x(hop.to_ns));
    if (Number.isNaN(y)) line.moveTo(left, low);
    // Longest hops only are kept of a long path: what is between two of them is no line.
    else if (left - x > 1.5) line.moveTo(left, low);
    else if (y !== low) line.lineTo(left, low);
    line.lineTo(right, low);
    [x, y] = [right, low];
  }
  context.lineJoin = "round";
  context.strokeStyle = palette.bg;
  context.lineWidth = 4;
  context.stroke(line);
  context.strokeStyle = palette.path;
  context.lineWidth = 2;
  context.stroke(line);
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
  const { followable, palette, context } = scene;
  if (followable.length === 0 || followable.length > MOST_ARROWS) return;
  const line = new Path2D();
  const heads = new Path2D();
  for (const i of followable) addArrow(scene, line, heads, i);
  context.strokeStyle = palette.text;
  context.fillStyle = palette.text;
  context.globalAlpha = 0.7;
  context.lineWidth = 1;
  context.stroke(line);
  context.fill(heads);
  context.globalAlpha = 1;
}

function addArrow(scene: Scene, line: Path2D, heads: Path2D, i: number): void {
  const { trace, scale, layout } = scene;
  if (trace.to[i] < scene.state.view.from || trace.to[i] > scene.state.view.to) return;
  const from = rowMiddle(scene, trace.by[i]);
  const woken = threadAt(scene, i);
  const to = rowMiddle(scene, woken);
  if (from === null || to === null || layout.rowOf[woken] === layout.rowOf[trace.by[i]]) return;
  const x = snap(scene, scale.x(trace.to[i]));
  const down = to > from ? 1 : -1;
  line.moveTo(x, from);
  line.lineTo(x, to - down * (BAR / 2));
  const tip = to - down * (BAR / 2 - 1);
  heads.moveTo(x, tip);
  heads.lineTo(x - 3, tip - down * 6);
  heads.lineTo(x + 3, tip - down * 6);
}

function threadAt(scene: Scene, i: number): number {
  const { first } = scene.trace;
  let low = 0;
  let high = first.length - 1;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (first[middle] <= i) low = middle;
    else high = middle;
  }
  return low;
}

/** The selected interval, and the hops behind it. */
export function drawSelection(scene: Scene): void {
  const { state, chain, trace } = scene;
  const { thread, interval } = state.selection;
  if (thread === null || interval === null) return;
  const hops = chain?.hops ?? [];
  const boxes = hops.map((hop) => ({ thread: hop.thread, from: hop.span.from, to: hop.span.to }));
  const final = chain?.final;
  if (final && final.thread !== null) boxes.push({ thread: final.thread, from: final.span.from, to: final.span.to });
  joinHops(scene, boxes);
  boxes.forEach((box, at) => outline(scene, box.thread, box.from, box.to, at === scene.hop ? 2.5 : 1.5));
  if (!boxes.some((box) => box.thread === thread)) outline(scene, thread, trace.from[interval], trace.to[interval], 2.5);
}

/** From the end of each to the end of the next one, where the waking was. */
function joinHops(scene: Scene, boxes: { thread: number; to: number }[]): void {
  const { context, scale, palette } = scene;
  const line = new Path2D();
  boxes.forEach((box, at) => {
    const y = rowMiddle(scene, box.thread);
    if (y === null) return;
    const x = Math.min(scale.right, Math.max(scale.left, scale.x(box.to)));
    if (at === 0) line.moveTo(x, y);
    else line.lineTo(x, y);
  });
  context.lineJoin = "round";
  context.strokeStyle = palette.bg;
  context.lineWidth = 5;
  context.stroke(line);
  context.strokeStyle = palette.accent;
  context.lineWidth = 2.5;
  context.stroke(line);
}

function outline(scene: Scene, thread: number, from: number, to: number, width: number): void {
  const { context, scale, palette } = scene;
  const middle = rowMiddle(scene, thread);
  if (middle === null || middle < AXIS - BAR) return;
  const left = Math.max(scale.left - 4, scale.x(from));
  const right = Math.min(scale.right + 4, scale.x(to));
  if (right < scale.left || left > scale.right) return;
  const [x, w] = [left - 1.5, Math.max(3, right - left + 3)];
  context.strokeStyle = palette.bg;
  context.lineWidth = width + 2;
  context.strokeRect(x, middle - BAR / 2 - 1.5, w, BAR + 3);
  context.strokeStyle = palette.accent;
  context.lineWidth = width;
  context.strokeRect(x, middle - BAR / 2 - 1.5, w, BAR + 3);
}
