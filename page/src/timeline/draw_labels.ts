/** What stands in the bars: the kind of a wait and who ended it, above the lines that are drawn over the bars. */

import { clean, word } from "../format";
import { UNKNOWN } from "../model/levels";
import type { Run, Wake, What } from "../types";
import { name } from "../ui/names";
import { shortLabel } from "./describe";
import { fitText, widthOf } from "./fit";
import { BAR, type Scene } from "./scene";

/** Narrower bars, pixels, have no words. */
const NARROWEST = 44;

/** Of a long name so much, pixels, says enough; of a short one nothing less than all. */
const ENOUGH = 62;

const FONT = 10.5;

/** Remembers what is written in a bar, if there is room for it. */
export function labelBar(scene: Scene, i: number, left: number, y: number, width: number): void {
  if (width <= NARROWEST) return;
  const { context, levels, palette, trace } = scene;
  const code = levels.codeAt(i);
  context.font = `${FONT}px ${palette.sans}`;
  const kind = word(levels.codes[code]);
  const room = width - 8;
  if (widthOf(context, kind) > room) return;
  const text = withWaker(scene, kind, trace.whats[trace.what[i]], trace.by[i], room);
  scene.labels.push({ text, x: left + 5, y, code });
}

/** `futex ← pool-1-thread-3`; the kind alone where that is all there is room for. */
function withWaker(scene: Scene, kind: string, what: What, by: number, room: number): string {
  const who = what.state === "wait" ? endedBy(scene, kind, what, by) : "";
  if (who === "") return kind;
  const head = `${kind} ← `;
  const left = room - widthOf(scene.context, head);
  return left < Math.min(ENOUGH, widthOf(scene.context, who)) ? kind : head + fitText(scene.context, who, left);
}

function endedBy({ run, trace }: Scene, kind: string, what: What, by: number): string {
  const wake = what.wake === undefined ? null : trace.wakes[what.wake];
  if (by >= 0 && wake?.source !== "timer") return shortName(run, by);
  const who = wake ? sourceOf(wake) : "";
  const cause = what.cause === undefined ? "" : trace.causes[what.cause][0];
  const text = who || (cause === "unknown" ? "" : word(cause));
  // A sleep ends with its time, and the disk is what ends a wait for it.
  return text === kind || (kind === "sleep" && text === "timer") ? "" : text;
}

/** Of wakings that no thread of the tree did. */
function sourceOf(wake: Wake): string {
  const sources: Record<string, string> = {
    timer: "timer",
    "net-rx": "network",
    "block-io": "disk",
    irq: "interrupt",
    kthread: "kernel",
    signal: wake.signal ? clean(wake.signal.name) : "signal",
  };
  return Object.hasOwn(sources, wake.source) ? sources[wake.source] : name(wake.comm, 30);
}

const namesakes = new WeakMap<Run, Set<string>>();

/** The name alone where no other thread has it. */
function shortName(run: Run, thread: number): string {
  let shared = namesakes.get(run);
  if (!shared) {
    const seen = new Set<string>();
    shared = new Set(run.report.threads.map(({ comm }) => comm).filter((comm) => seen.size === seen.add(comm).size));
    namesakes.set(run, shared);
  }
  const { comm } = run.report.threads[thread];
  return comm === "" || shared.has(comm) ? shortLabel(run, thread) : name(comm, 40);
}

/** Writes them on their bar's colour, so that a line behind them does not cut them. */
export function drawLabels({ context, palette, labels }: Scene): void {
  context.font = `${FONT}px ${palette.sans}`;
  context.textBaseline = "middle";
  context.textAlign = "left";
  for (const { text, x, y, code } of labels) {
    context.fillStyle = palette.colours[code];
    context.fillRect(x - 2, y + 1, widthOf(context, text) + 4, BAR - 3);
    context.fillStyle = code === UNKNOWN ? palette.text : palette.inks[code];
    context.fillText(text, x, y + BAR / 2 + 0.5);
  }
}
