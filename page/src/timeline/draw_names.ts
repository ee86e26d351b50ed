/** The names of the rows. */

import type { Run } from "../types";
import { groupName, name } from "../ui/names";
import { fitHead, fitText, widthOf } from "./fit";
import type { Row } from "./layout";
import { AXIS, type Scene } from "./scene";

/** The names of the rows, left of the time. */
export function drawNames(scene: Scene): void {
  const { context, palette, layout, scroll, height, scale } = scene;
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
      const left = width < NARROW ? 12 : 22;
      context.fillText(rowText(scene, row, width - left - 6), left, y + row.height / 2);
    }
  }
}

/** Less room than that, pixels, is too little to indent much. */
const NARROW = 130;

/** What a row is called; the number of a thread stays whole. */
function rowText({ context, run }: Scene, row: Row, width: number): string {
  if (row.type === "gil") return fitText(context, `GIL of pid ${pidOf(run, row.process)}`, width);
  const { comm, tid } = run.report.threads[row.thread];
  return fitHead(context, name(comm, 40) || "unnamed", ` ${tid}`, width);
}

function pidOf(run: Run, process: number): string {
  const thread = run.report.threads.find((thread) => thread.process === process);
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
  context.fillText(fitText(context, groupName(run.report, row.group), width - 28), 22, middle - 7);
  context.font = `11px ${palette.sans}`;
  context.fillStyle = palette.muted;
  const threads = layout.threadsOf[row.group].length;
  const alive = scene.mostAlive[row.group];
  const text = threads === 1 ? "1 thread" : `${threads} threads`;
  const longer = alive < threads ? `${text}, ${alive} at once` : text;
  const fits = widthOf(context, longer) <= width - 28;
  context.fillText(fitText(context, fits ? longer : text, width - 28), 22, middle + 8);
}
