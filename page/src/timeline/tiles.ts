/**
 * Pictures of rows, in tiles of 256 columns; a column is 2ⁿ ns. They are made as they are needed, a few in each frame;
 * until then a coarser or a finer one stands in.
 */

import { Atlas, type Slot } from "./atlas";

/** Columns of a tile. */
export const COLUMNS = 256;

/** Makes a tile's picture, in as many steps as it takes. */
export interface Job {
  /** A step; whether it was the last. */
  step(): boolean;
  picture(): ImageData;
}

/** Tiles that are begun and not finished. */
const MOST_BEGUN = 64;

export class Tiles {
  readonly #atlas: Atlas;
  #wanted = new Map<string, () => Job>();
  readonly #begun = new Map<string, Job>();

  constructor(readonly height: number) {
    this.#atlas = new Atlas(COLUMNS, height);
  }

  /** Begins a frame: what the one before wanted and has not got may be out of sight. */
  begin(): void {
    this.#wanted.clear();
  }

  get(key: string): Slot | undefined {
    return this.#atlas.get(key);
  }

  want(key: string, job: () => Job): void {
    this.#wanted.set(key, job);
  }

  /** Makes what is wanted until then (`performance.now()`); whether all is made. */
  work(until: number): boolean {
    for (const [key, make] of this.#wanted) {
      const job = this.#begun.get(key) ?? make();
      while (!job.step()) {
        if (performance.now() < until) continue;
        this.#keep(key, job);
        return false;
      }
      this.#begun.delete(key);
      this.#atlas.put(key, job.picture());
      this.#wanted.delete(key);
      if (performance.now() >= until) break;
    }
    return this.#wanted.size === 0;
  }

  #keep(key: string, job: Job): void {
    this.#begun.delete(key);
    this.#begun.set(key, job);
    if (this.#begun.size <= MOST_BEGUN) return;
    for (const oldest of this.#begun.keys()) {
      this.#begun.delete(oldest);
      return;
    }
  }
}

/** How many ns a column has, as a power of two, so that it is one to two pixels wide. */
export function levelOf(nsPerPixel: number): number {
  return Math.max(0, Math.ceil(Math.log2(nsPerPixel)));
}

/** Draws a row's tiles over `[from, to]` at `x … right`. Returns whether all of them were there, and fine enough. */
export function drawTiles(
  context: CanvasRenderingContext2D,
  tiles: Tiles,
  row: string,
  level: number,
  at: { from: number; to: number; x: (at: number) => number; y: number; height: number },
  job: (level: number, index: number) => Job,
): boolean {
  const ns = COLUMNS * 2 ** level;
  let complete = true;
  for (let index = Math.floor(at.from / ns); index * ns < at.to; index++) {
    const key = `${row} ${level} ${index}`;
    const slot = tiles.get(key);
    const [left, right] = [at.x(index * ns), at.x((index + 1) * ns)];
    if (slot) {
      context.drawImage(slot.canvas, slot.x, slot.y, COLUMNS, tiles.height, left, at.y, right - left, at.height);
      continue;
    }
    complete = false;
    tiles.want(key, () => job(level, index));
    standIn(context, tiles, row, level, index, at);
  }
  return complete;
}

/** A part of a coarser tile, or two finer ones. */
function standIn(
  context: CanvasRenderingContext2D,
  tiles: Tiles,
  row: string,
  level: number,
  index: number,
  at: { x: (at: number) => number; y: number; height: number },
): void {
  const ns = COLUMNS * 2 ** level;
  for (let up = 1; up <= 8; up++) {
    const parts = 2 ** up;
    const slot = tiles.get(`${row} ${level + up} ${Math.floor(index / parts)}`);
    if (!slot) continue;
    const columns = COLUMNS / parts;
    const [left, right] = [at.x(index * ns), at.x((index + 1) * ns)];
    const sx = slot.x + (index % parts) * columns;
    context.drawImage(slot.canvas, sx, slot.y, columns, tiles.height, left, at.y, right - left, at.height);
    return;
  }
  for (const half of [2 * index, 2 * index + 1]) {
    const slot = level > 0 && tiles.get(`${row} ${level - 1} ${half}`);
    if (!slot) continue;
    const [left, right] = [at.x((half * ns) / 2), at.x(((half + 1) * ns) / 2)];
    context.drawImage(slot.canvas, slot.x, slot.y, COLUMNS, tiles.height, left, at.y, right - left, at.height);
  }
}
