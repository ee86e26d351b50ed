/** The timeline by keys alone. */

import { followerOf } from "../follow";
import { intervalAt } from "../model/intervals";
import type { TimelineCanvas } from "./canvas";

/** The part of the view that an arrow moves. */
const STEP = 0.12;

export function bindKeys(timeline: TimelineCanvas): void {
  const keys = new Keys(timeline);
  timeline.canvas.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const act = keys.actions[event.key];
    if (!act) return;
    event.preventDefault();
    event.stopPropagation();
    act();
    timeline.ask();
  });
  timeline.canvas.addEventListener("focus", () => {
    if (timeline.canvas.matches(":focus-visible")) keys.ensureCursor();
    timeline.ask();
  });
  timeline.canvas.addEventListener("blur", () => {
    timeline.scene.cursor = null;
    timeline.ask();
  });
}

class Keys {
  readonly actions: Record<string, () => unknown> = {
    ArrowLeft: () => this.#pan(-STEP),
    ArrowRight: () => this.#pan(STEP),
    ArrowUp: () => this.#moveRow(-1),
    ArrowDown: () => this.#moveRow(1),
    PageUp: () => this.#moveRow(-12),
    PageDown: () => this.#moveRow(12),
    "+": () => this.timeline.zoom(1.6, this.ensureCursor().at),
    "=": () => this.timeline.zoom(1.6, this.ensureCursor().at),
    "-": () => this.timeline.zoom(1 / 1.6, this.ensureCursor().at),
    Enter: () => this.#enter(),
    n: () => this.#neighbour(1),
    p: () => this.#neighbour(-1),
    c: () => this.#nextHop(),
    "[": () => this.#border("from"),
    "]": () => this.#border("to"),
    Escape: () => this.#escape(),
    "0": () => this.timeline.state.setView(null),
    Backspace: () => this.timeline.state.goBack() || this.timeline.announce("there is no view before this one"),
  };

  constructor(private readonly timeline: TimelineCanvas) {}

  /** In the middle of what is in sight, or at what is selected. */
  ensureCursor(): { row: number; at: number } {
    const { scene, state } = this.timeline;
    const { view } = state;
    const at = scene.cursor?.at ?? (view.from + view.to) / 2;
    const selected = state.selection.thread === null ? -1 : scene.layout.rowOf[state.selection.thread];
    const row = scene.cursor?.row ?? (selected >= 0 ? selected : Math.max(0, scene.layout.at(scene.scroll)));
    scene.cursor = { row: Math.min(row, scene.layout.rows.length - 1), at: Math.min(view.to, Math.max(view.from, at)) };
    return scene.cursor;
  }

  /** The cursor stays where it is in sight; at an end of the run it moves on alone. */
  #pan(part: number): void {
    const { timeline } = this;
    const cursor = this.ensureCursor();
    const by = part * (timeline.state.view.to - timeline.state.view.from);
    const before = timeline.state.view.from;
    timeline.panNs(by);
    const moved = timeline.state.view.from - before;
    cursor.at += Math.abs(moved) >= 1 ? moved : by;
    this.ensureCursor();
  }

  #moveRow(by: number): void {
    const cursor = this.ensureCursor();
    cursor.row = Math.min(this.timeline.scene.layout.rows.length - 1, Math.max(0, cursor.row + by));
    this.timeline.revealRow(cursor.row);
    this.timeline.announceRow(cursor.row, cursor.at);
  }

  #enter(): void {
    const { row: index, at } = this.ensureCursor();
    const { scene, state } = this.timeline;
    const row = scene.layout.rows[index];
    if (row?.type === "group") this.timeline.toggle(row.group);
    if (row?.type !== "thread") return;
    const interval = intervalAt(scene.trace, row.thread, at);
    if (interval === null) state.selectThread(row.thread);
    else state.selectInterval(interval, false);
  }

  /** The next interval of the selected thread, or of the cursor's. */
  #neighbour(by: number): void {
    const { scene, state } = this.timeline;
    const cursor = this.ensureCursor();
    const row = scene.layout.rows[cursor.row];
    const { interval, thread } = state.selection;
    const of = thread ?? (row?.type === "thread" ? row.thread : -1);
    if (of < 0) return;
    const low = scene.trace.first[of];
    const high = scene.trace.first[of + 1] - 1;
    const at = interval === null ? scene.levels.firstAfter(of, cursor.at) : interval + by;
    if (high < low) return;
    this.#go(Math.min(high, Math.max(low, at)));
  }

  #go(interval: number): void {
    const { scene, state } = this.timeline;
    this.timeline.bring(interval);
    state.selectInterval(interval, false);
    const thread = state.selection.thread!;
    scene.cursor = { row: scene.layout.rowOf[thread], at: (scene.trace.from[interval] + scene.trace.to[interval]) / 2 };
  }

  #nextHop(): void {
    const follower = followerOf(this.timeline.state);
    const next = follower.steps()[follower.hop + 1];
    if (next !== undefined) this.#go(next);
  }

  #border(which: "from" | "to"): void {
    const { state } = this.timeline;
    const { at } = this.ensureCursor();
    const { from, to } = state.window;
    if (which === "from") state.setWindow({ from: at, to: to > at ? to : state.whole.to });
    else state.setWindow({ from: from < at ? from : state.whole.from, to: at });
  }

  #escape(): void {
    const { state } = this.timeline;
    if (state.selection.thread !== null) state.select({ thread: null, interval: null });
    else state.setWindow(null);
  }
}
