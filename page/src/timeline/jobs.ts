/** The pictures of tiles: of what a thread did, and of what the threads of a group did, how many at a time. */

import { clipped, firstEndingAfter } from "../model/intervals";
import { emptyMix, type Levels, type Mix, ON_CPU, RUNQUEUE, UNKNOWN } from "../model/levels";
import type { Palette } from "./palette";
import { COLUMNS, type Job } from "./tiles";

/** A column's parts from its bottom, each as high as its share; what is there at all is at least a pixel. */
class Columns {
  readonly #picture: ImageData;
  readonly #pixels: Uint32Array;

  constructor(
    private readonly height: number,
    private readonly palette: Palette,
  ) {
    this.#picture = new ImageData(COLUMNS, height);
    this.#pixels = new Uint32Array(this.#picture.data.buffer);
  }

  get picture(): ImageData {
    return this.#picture;
  }

  /** Paints from `bottom` up; returns where the next part begins. */
  paint(column: number, bottom: number, rows: number, code: number): number {
    const colour = this.palette.pixels[code];
    const top = Math.min(this.height, bottom + rows);
    for (let row = bottom; row < top; row++) {
      const y = this.height - 1 - row;
      // Hatched: what is not known is no colour of its own.
      const is = code !== UNKNOWN || (column + y) % 4 < 2;
      this.#pixels[y * COLUMNS + column] = is ? colour : this.palette.bgPixel;
    }
    return Math.max(bottom, top);
  }

  rowsOf(share: number): number {
    return share <= 0 ? 0 : Math.max(1, Math.round(share * this.height));
  }
}

/** What one thread did. */
export class ThreadTile implements Job {
  readonly #columns: Columns;
  readonly #mix: Mix = emptyMix();

  constructor(
    private readonly levels: Levels,
    palette: Palette,
    private readonly height: number,
    private readonly thread: number,
    private readonly level: number,
    private readonly index: number,
  ) {
    this.#columns = new Columns(height, palette);
  }

  step(): boolean {
    const ns = 2 ** this.level;
    const from = this.index * COLUMNS * ns;
    let i = this.levels.firstAfter(this.thread, from);
    for (let column = 0; column < COLUMNS; column++) {
      const low = from + column * ns;
      this.levels.clear(this.#mix);
      i = this.levels.add(this.#mix, this.thread, i, low, low + ns);
      this.#paint(column, ns);
    }
    return true;
  }

  #paint(column: number, ns: number): void {
    const { cpu, queue, unknown, wait, kind } = this.#mix;
    const all = cpu + queue + unknown + wait;
    if (all <= 0) return;
    const columns = this.#columns;
    // Where its life ends or begins in the column: no more than that is drawn.
    const full = Math.max(1, Math.round((all / ns) * this.height));
    let at = columns.paint(column, 0, Math.min(full, columns.rowsOf(cpu / ns)), ON_CPU);
    at = columns.paint(column, at, Math.min(full - at, columns.rowsOf(queue / ns)), RUNQUEUE);
    at = columns.paint(column, at, Math.min(full - at, columns.rowsOf(unknown / ns)), UNKNOWN);
    // The rest is what there is, or, without a wait, the largest of the others.
    const most = queue >= unknown ? RUNQUEUE : UNKNOWN;
    const others = cpu >= queue && cpu >= unknown ? ON_CPU : most;
    columns.paint(column, at, full - at, wait > 0 ? kind : others);
  }

  picture(): ImageData {
    return this.#columns.picture;
  }
}

/** Of a thread with more intervals in a tile the sums of its blocks do. */
const MANY = 4096;

/** How many threads of a group do what. */
export class GroupTile implements Job {
  /** By code and column: threads on average. */
  readonly #sums = new Map<number, Float64Array>();
  readonly #mix: Mix = emptyMix();
  #next = 0;

  constructor(
    private readonly levels: Levels,
    private readonly palette: Palette,
    private readonly height: number,
    private readonly members: number[],
    /** As many threads fill the height. */
    private readonly most: number,
    private readonly level: number,
    private readonly index: number,
  ) {}

  step(): boolean {
    if (this.#next < this.members.length) this.#addThread(this.members[this.#next++]);
    return this.#next >= this.members.length;
  }

  #addThread(thread: number): void {
    const { first, to, from } = this.levels.trace;
    const ns = 2 ** this.level;
    const begin = this.index * COLUMNS * ns;
    const end = first[thread + 1];
    const low = this.levels.firstAfter(thread, begin);
    const high = firstEndingAfter(to, low, end, begin + COLUMNS * ns);
    if (low >= end || from[low] >= begin + COLUMNS * ns) return;
    if (high - low > MANY) return this.#addMixes(thread, low, begin, ns);
    for (let i = low; i <= high && i < end; i++) this.#addInterval(i, begin, ns);
  }

  #addInterval(i: number, begin: number, ns: number): void {
    const { from, to, parts } = this.levels.trace;
    const [low, high] = [Math.max(0, (from[i] - begin) / ns), Math.min(COLUMNS, (to[i] - begin) / ns)];
    if (low >= high) return;
    const together = parts.size > 0 ? parts.get(i) : undefined;
    if (!together) return this.#addStretch(this.levels.codeAt(i), low, high, 1);
    for (const part of together) {
      this.#addStretch(this.levels.codeOfPart(part), low, high, part.ns / Math.max(1, to[i] - from[i]));
    }
  }

  #addStretch(code: number, low: number, high: number, share: number): void {
    const sums = this.#of(code);
    const [first, last] = [Math.floor(low), Math.min(COLUMNS - 1, Math.floor(high))];
    for (let column = first; column <= last; column++) sums[column] += share * clipped(column, column + 1, low, high);
  }

  #addMixes(thread: number, low: number, begin: number, ns: number): void {
    let i = low;
    for (let column = 0; column < COLUMNS; column++) {
      const at = begin + column * ns;
      this.levels.clear(this.#mix);
      i = this.levels.add(this.#mix, thread, i, at, at + ns);
      const { cpu, queue, unknown, wait, kind } = this.#mix;
      if (cpu > 0) this.#of(ON_CPU)[column] += cpu / ns;
      if (queue > 0) this.#of(RUNQUEUE)[column] += queue / ns;
      if (unknown > 0) this.#of(UNKNOWN)[column] += unknown / ns;
      if (wait > 0) this.#of(kind)[column] += wait / ns;
    }
  }

  #of(code: number): Float64Array {
    let sums = this.#sums.get(code);
    if (!sums) this.#sums.set(code, (sums = new Float64Array(COLUMNS)));
    return sums;
  }

  /** Before the last step: as if the others did what those did that were looked at. */
  picture(): ImageData {
    const columns = new Columns(this.height, this.palette);
    const codes = [...this.#sums.keys()].sort((a, b) => a - b);
    const most = this.most * (this.#next / Math.max(1, this.members.length));
    for (let column = 0; column < COLUMNS; column++) this.#paint(columns, codes, column, most);
    return columns.picture;
  }

  /** Rounded where parts end, not each by itself: so the whole is as high as it should be. */
  #paint(columns: Columns, codes: number[], column: number, most: number): void {
    let sum = 0;
    let at = 0;
    for (const code of codes) {
      const threads = this.#sums.get(code)![column];
      if (threads <= 0) continue;
      sum += threads;
      const top = Math.round((sum / most) * this.height);
      const least = code === ON_CPU || code === RUNQUEUE ? at + 1 : at;
      at = columns.paint(column, at, Math.max(top, least) - at, code);
    }
    if (sum > 0 && at === 0) columns.paint(column, 0, 1, codes.find((code) => this.#sums.get(code)![column] > 0)!);
  }
}

/** The most threads of a group that were alive at once. */
export function mostAlive(lives: { start_ns: number; end_ns: number }[]): number {
  const changes = lives.flatMap(({ start_ns, end_ns }) => [
    { at: start_ns, by: 1 },
    { at: Math.max(end_ns, start_ns + 1), by: -1 },
  ]);
  changes.sort((a, b) => a.at - b.at || a.by - b.by);
  let [alive, most] = [0, 1];
  for (const { by } of changes) most = Math.max(most, (alive += by));
  return most;
}
