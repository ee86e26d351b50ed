/** What lies under the pointer. */

import { clean, counted, fitMiddle, instant, percent, time, word } from "../format";
import { intervalAt } from "../model/intervals";
import { emptyMix } from "../model/levels";
import { groupName } from "../ui/names";
import { type Description, describe, threadLabel } from "./describe";
import { holderAt } from "./draw_gil";
import type { Row } from "./layout";
import type { Scene } from "./scene";

interface Under {
  row: number;
  at: number;
  inNames: boolean;
}

export function describeUnder(scene: Scene, { row: index, at, inNames }: Under): Description | null {
  const row = scene.layout.rows[index];
  if (!row) return null;
  if (inNames) return row.type === "thread" ? describeThread(scene, row.thread) : null;
  if (row.type === "group") return describeGroup(scene, row, at);
  if (row.type === "gil") return describeLock(scene, row, at);
  const interval = intervalAt(scene.trace, row.thread, at);
  if (interval === null) return null;
  return withNeighbours(scene, describe(scene.run, scene.trace, interval, row.thread), row.thread, at);
}

/** Where many intervals share a pixel, what they are together. */
function withNeighbours(scene: Scene, one: Description, thread: number, at: number): Description {
  const ns = 1 / scene.scale.perNs;
  const low = scene.levels.firstAfter(thread, at - ns);
  const high = scene.levels.firstAfter(thread, at + ns);
  if (high - low < 3) return one;
  const mix = emptyMix();
  scene.levels.clear(mix);
  scene.levels.add(mix, thread, low, at - ns, at + ns);
  const parts: [string, number][] = [
    ["on cpu", mix.cpu],
    ["run queue", mix.queue],
    ["unknown", mix.unknown],
    [`waits, most ${word(scene.levels.codes[mix.kind])}`, mix.wait],
  ];
  const said = parts.filter(([, part]) => part > 0).map(([name, part]) => `${name} ${percent(part, 2 * ns)}`);
  const around = `${counted(high - low, "interval", "intervals")} in ${time(2 * ns)}: ${said.join(", ")}`;
  return { ...one, lines: [...one.lines, ["around", around]] };
}

function describeThread(scene: Scene, thread: number): Description {
  const { start_ns, end_ns, argv, exit } = scene.run.report.threads[thread];
  const lived = `${instant(start_ns)} – ${instant(end_ns)}, ${time(end_ns - start_ns)}`;
  const lines: [string, string][] = [["lived", lived]];
  if (argv.length > 0) lines.push(["arguments", argvText(argv)]);
  if (exit !== null) lines.push(["exit", exitText(exit)]);
  return { title: threadLabel(scene.run, thread), colour: "on-cpu", lines };
}

function argvText(argv: string[]): string {
  return fitMiddle(clean(argv.join(" ")), 160);
}

function exitText(exit: unknown): string {
  const { code, signal } = exit as { code?: number; signal?: number };
  return signal === undefined ? `status ${code}` : `killed by signal ${signal}`;
}

/** How many of a group's threads do what at an instant. */
function describeGroup(scene: Scene, row: Row, at: number): Description {
  const { trace, levels } = scene;
  const counts = new Map<string, number>();
  for (const thread of scene.layout.threadsOf[row.group]) {
    const i = intervalAt(trace, thread, at);
    if (i === null) continue;
    const doing = levels.codes[levels.codeOf[trace.what[i]]];
    counts.set(doing, (counts.get(doing) ?? 0) + 1);
  }
  const most = [...counts].sort((a, b) => b[1] - a[1]);
  const lines = most.map(([doing, n]): [string, string] => [String(n), word(doing)]);
  return {
    title: groupName(scene.run.report, row.group),
    colour: most[0] ? most[0][0] : "open",
    lines: [["at", instant(at)], ...(lines.length > 0 ? lines : [["", "no thread"] as [string, string]])],
  };
}

function describeLock(scene: Scene, row: Row, at: number): Description | null {
  const held = holderAt(scene.trace, row.process, at);
  if (!held) return null;
  const [, thread, from, to] = held;
  const by = threadLabel(scene.run, thread);
  const lines: [string, string][] = [["by", by], ["for", time(to - from)], ["from", instant(from)]];
  return { title: "GIL held while others waited for it", colour: "gil", lines };
}
