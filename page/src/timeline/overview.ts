/** The whole run as a strip: how many threads ran, stood on run queues and waited; the view and the window in it. */

import type { Levels } from "../model/levels";
import { GroupTile, mostAlive } from "./jobs";
import type { Palette } from "./palette";
import { COLUMNS } from "./tiles";
import type { State } from "../state";
import type { Run } from "../types";

export const OVERVIEW_HEIGHT = 46;

/** What a frame may take for it at first, and then, ms. */
const FIRST_MS = 20;
const NEXT_MS = 3;

/** Its picture is made in steps, of all threads; until then it is that of those that were looked at, drawn higher. */
export class Overview {
  readonly #picture: HTMLCanvasElement;
  #job: GroupTile | null;
  #allowed = FIRST_MS;
  /** How many ns its columns are. */
  readonly #span: number;

  constructor(run: Run, state: State, levels: Levels, palette: Palette, dpr: number) {
    const height = Math.round((OVERVIEW_HEIGHT - 8) * dpr);
    this.#picture = document.createElement("canvas");
    this.#picture.width = COLUMNS;
    this.#picture.height = height;
    const threads = scattered(run.report.threads.length);
    // Tiles begin at 0, a part of a run does not.
    const level = Math.log2(state.whole.to / COLUMNS);
    this.#span = COLUMNS * 2 ** level;
    this.#job = new GroupTile(levels, palette, height, threads, mostAlive(run.report.threads), level, 0);
  }

  /** Works for a while; whether it is done. */
  work(): boolean {
    const job = this.#job;
    if (!job) return true;
    const until = performance.now() + this.#allowed;
    this.#allowed = NEXT_MS;
    while (!job.step()) {
      if (performance.now() < until) continue;
      return this.#show(job), false;
    }
    this.#show(job);
    this.#job = null;
    return true;
  }

  #show(job: GroupTile): void {
    this.#picture.getContext("2d")!.putImageData(job.picture(), 0, 0);
  }

  draw(context: CanvasRenderingContext2D, state: State, palette: Palette, left: number, width: number): void {
    const x = (at: number) => left + ((at - state.whole.from) / (state.whole.to - state.whole.from)) * width;
    const height = OVERVIEW_HEIGHT;
    context.clearRect(0, 0, left + width + 8, height);
    context.fillStyle = palette.panel;
    context.fillRect(left, 0, width, height);
    context.imageSmoothingEnabled = false;
    const [first, last] = [state.whole.from, state.whole.to].map((at) => (at / this.#span) * COLUMNS);
    const columns = last - first;
    context.drawImage(this.#picture, first, 0, columns, this.#picture.height, left, 4, width, height - 8);
    this.#drawView(context, state, palette, x, left, width);
    this.#drawWindow(context, state, palette, x);
  }

  #drawView(
    context: CanvasRenderingContext2D,
    state: State,
    palette: Palette,
    x: (at: number) => number,
    left: number,
    width: number,
  ): void {
    const [from, to] = [x(state.view.from), x(state.view.to)];
    context.fillStyle = palette.bg;
    context.globalAlpha = 0.65;
    context.fillRect(left, 0, from - left, OVERVIEW_HEIGHT);
    context.fillRect(to, 0, left + width - to, OVERVIEW_HEIGHT);
    context.globalAlpha = 1;
    context.strokeStyle = palette.text;
    context.lineWidth = 1;
    context.strokeRect(from + 0.5, 0.5, Math.max(2, to - from - 1), OVERVIEW_HEIGHT - 1);
  }

  #drawWindow(context: CanvasRenderingContext2D, state: State, palette: Palette, x: (at: number) => number): void {
    if (state.isWholeWindow) return;
    const [from, to] = [x(state.window.from), x(state.window.to)];
    context.fillStyle = palette.accent;
    context.globalAlpha = 0.22;
    context.fillRect(from, 0, Math.max(1, to - from), OVERVIEW_HEIGHT);
    context.globalAlpha = 1;
    context.fillRect(from, 0, 1.5, OVERVIEW_HEIGHT);
    context.fillRect(Math.max(from + 1, to - 1.5), 0, 1.5, OVERVIEW_HEIGHT);
  }
}

/** 0 … n − 1, so that the first of them are from everywhere. */
function scattered(n: number): number[] {
  let step = Math.max(1, Math.round(n * 0.618));
  while (divisor(step, n) > 1) step++;
  return Array.from({ length: n }, (_, at) => (at * step) % n);
}

function divisor(a: number, b: number): number {
  return b === 0 ? a : divisor(b, a % b);
}
