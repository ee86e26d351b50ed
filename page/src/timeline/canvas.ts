/** The timeline's canvas: what it is drawn from, and when. */

import { followerOf } from "../follow";
import { countedOf } from "../model/filter";
import { Levels } from "../model/levels";
import type { State } from "../state";
import type { Run, Span, Trace } from "../types";
import { onTheme } from "../ui/theme";
import { drawAxis, drawCursor, drawGrid, drawWindow } from "./draw_axis";
import { drawArrows, drawPath, drawSelection } from "./draw_links";
import { drawNames } from "./draw_names";
import { drawLabels } from "./draw_labels";
import { clipToTime, drawRows } from "./draw_rows";
import { mostAlive } from "./jobs";
import { Layout, THREAD_HEIGHT } from "./layout";
import { Overview, OVERVIEW_HEIGHT } from "./overview";
import { Palette } from "./palette";
import { Scale } from "./scale";
import { AXIS, BAR, GROUP_BAR, type Scene } from "./scene";
import { Tiles } from "./tiles";

/** What a frame may take for tiles, ms. */
const WORK_MS = 7;

/** No more than so many ns are shown as the whole width. */
const CLOSEST = 200;

/** A narrower interval, pixels, is not seen where it is brought into sight; then it is made so wide. */
const NARROWEST = 4;
const SEEN = 12;

export class TimelineCanvas {
  readonly scene: Scene;
  #overview: Overview;
  #overviewContext: CanvasRenderingContext2D;
  #isAsked = false;
  /** A drag sets the window instead of moving the view. */
  dragSetsWindow = false;
  /** For screen readers. */
  announce: (text: string) => void = () => {};
  announceRow: (row: number, at: number) => void = () => {};

  constructor(
    readonly run: Run,
    trace: Trace,
    readonly state: State,
    readonly canvas: HTMLCanvasElement,
    readonly scroller: HTMLElement,
    readonly spacer: HTMLElement,
    readonly strip: HTMLCanvasElement,
  ) {
    const levels = new Levels(trace, countedOf(run));
    const layout = new Layout(run);
    const palette = new Palette(levels);
    this.scene = {
      run,
      trace,
      state,
      levels,
      layout,
      palette,
      scale: new Scale(state.view, 0, 1),
      context: canvas.getContext("2d", { alpha: false })!,
      width: 1,
      height: 1,
      scroll: 0,
      dpr: 1,
      threadTiles: new Tiles(BAR),
      groupTiles: new Tiles(GROUP_BAR),
      mostAlive: layout.threadsOf.map((members) => mostAlive(members.map((thread) => run.report.threads[thread]))),
      chain: null,
      hop: 0,
      cursor: null,
      followable: [],
      labels: [],
    };
    this.#overviewContext = strip.getContext("2d")!;
    this.#overview = new Overview(run, state, levels, palette, 1);
    this.#watch();
    this.resize();
  }

  #watch(): void {
    const follower = followerOf(this.state);
    this.state.subscribe((_, change) => {
      [this.scene.chain, this.scene.hop] = [follower.chain, follower.hop];
      if (change === "selection") this.revealSelection();
      this.ask();
    });
    [this.scene.chain, this.scene.hop] = [follower.chain, follower.hop];
    this.scroller.addEventListener("scroll", () => this.ask(), { passive: true });
    new ResizeObserver(() => this.resize()).observe(this.scroller);
    onTheme(() => this.recolour());
  }

  /** Colours, or the size of a pixel, have changed. */
  recolour(): void {
    const { scene } = this;
    scene.palette = new Palette(scene.levels);
    scene.threadTiles = new Tiles(Math.round(BAR * scene.dpr));
    scene.groupTiles = new Tiles(Math.round(GROUP_BAR * scene.dpr));
    this.#overview = new Overview(this.run, this.state, scene.levels, scene.palette, scene.dpr);
    this.ask();
  }

  resize(): void {
    const { scene, canvas, scroller, spacer, strip } = this;
    const whole = AXIS + scene.layout.height + 2;
    scroller.style.height = `${Math.min(whole, Math.max(260, innerHeight * 0.72))}px`;
    spacer.style.height = `${whole}px`;
    const [width, height] = [scroller.clientWidth, scroller.clientHeight];
    const dpr = Math.min(3, devicePixelRatio || 1);
    setSize(canvas, width, height, dpr);
    setSize(strip, width, OVERVIEW_HEIGHT, dpr);
    [scene.width, scene.height] = [width, height];
    if (dpr !== scene.dpr) {
      scene.dpr = dpr;
      this.recolour();
    }
    this.ask();
  }

  /** The names' width: less where there is little. */
  get gutter(): number {
    return Math.round(Math.min(230, Math.max(104, this.scene.width * 0.2)));
  }

  /** Asks for a frame. */
  ask(): void {
    if (this.#isAsked) return;
    this.#isAsked = true;
    requestAnimationFrame(() => {
      this.#isAsked = false;
      this.#frame();
    });
  }

  #frame(): void {
    const { scene } = this;
    if (scene.width < 2) return;
    scene.scroll = this.scroller.scrollTop;
    scene.scale = new Scale(this.state.view, this.gutter, Math.max(20, scene.width - this.gutter));
    scene.threadTiles.begin();
    scene.groupTiles.begin();
    const isComplete = this.#draw();
    const isOverviewDone = this.#overview.work();
    const until = performance.now() + WORK_MS;
    const isDone = scene.groupTiles.work(until) && scene.threadTiles.work(until);
    this.#drawOverview();
    if (!isComplete || !isDone || !isOverviewDone) this.ask();
  }

  #draw(): boolean {
    const { scene } = this;
    const { context, palette, dpr } = scene;
    context.setTransform(dpr, 0, 0, dpr, 0, 0);
    context.imageSmoothingEnabled = false;
    context.fillStyle = palette.bg;
    context.fillRect(0, 0, scene.width, scene.height);
    const isComplete = drawRows(scene);
    clipToTime(scene, () => {
      drawGrid(scene);
      drawPath(scene);
      drawArrows(scene);
      drawLabels(scene);
      drawWindow(scene);
      drawSelection(scene);
    });
    drawNames(scene);
    drawCursor(scene);
    drawAxis(scene);
    return isComplete;
  }

  #drawOverview(): void {
    const context = this.#overviewContext;
    context.setTransform(this.scene.dpr, 0, 0, this.scene.dpr, 0, 0);
    const { palette, width } = this.scene;
    this.#overview.draw(context, this.state, palette, this.gutter, Math.max(20, width - this.gutter));
  }

  /**
   * Brings an interval into sight: the view moves only as far as it must, and changes its length only where the interval
   * would be too narrow to be seen or wider than the view.
   */
  bring(interval: number): void {
    const { trace, scale } = this.scene;
    const { from, to } = this.state.view;
    const [begin, end] = [trace.from[interval], trace.to[interval]];
    const length = end - begin;
    const room = to - from;
    if (length > room || length * scale.perNs < NARROWEST) {
      const view = Math.max(CLOSEST, length > room ? length * 1.2 : (length * scale.width) / SEEN);
      return this.state.setView({ from: (begin + end - view) / 2, to: (begin + end + view) / 2 });
    }
    if (begin >= from && end <= to) return;
    const margin = Math.min(room / 8, (room - length) / 2);
    const at = begin < from ? begin - margin : end + margin - room;
    this.state.setView({ from: at, to: at + room });
  }

  /** Zooms around an instant: `factor` 2 shows half as much. */
  zoom(factor: number, around: number): void {
    const { from, to } = this.state.view;
    const length = Math.max(CLOSEST, (to - from) / factor);
    const share = (around - from) / (to - from);
    this.state.setView({ from: around - share * length, to: around + (1 - share) * length }, true);
  }

  /** Moves the view by CSS pixels. */
  pan(pixels: number): void {
    this.panNs(pixels / this.scene.scale.perNs);
  }

  panNs(ns: number): void {
    const { from, to } = this.state.view;
    const { whole } = this.state;
    const by = Math.max(whole.from - from, Math.min(whole.to - to, ns));
    this.state.setView({ from: from + by, to: to + by }, true);
  }

  toggle(group: number): void {
    this.scene.layout.toggle(group);
    this.resize();
  }

  /** Opens or folds all groups. */
  toggleAll(open: boolean): void {
    this.scene.layout.open.fill(open);
    this.scene.layout.arrange();
    this.resize();
  }

  /** Brings the selected thread's row into sight. */
  revealSelection(): void {
    const { thread } = this.state.selection;
    if (thread === null) return;
    if (this.scene.layout.reveal(thread)) this.resize();
    this.revealRow(this.scene.layout.rowOf[thread]);
  }

  revealRow(index: number): void {
    const row = this.scene.layout.rows[index];
    if (!row) return;
    const { scroller } = this;
    const room = scroller.clientHeight - AXIS;
    const margin = Math.min(2 * THREAD_HEIGHT, room / 4);
    const bottom = row.y + row.height + margin;
    if (row.y - margin < scroller.scrollTop) scroller.scrollTop = row.y - margin;
    else if (bottom > scroller.scrollTop + room) scroller.scrollTop = bottom - room;
  }

  /** A point of the canvas → row and instant. */
  under(x: number, y: number): { row: number; at: number; inNames: boolean; inAxis: boolean } {
    const { scale, layout, scroll } = this.scene;
    const row = y < AXIS ? -1 : layout.at(y - AXIS + scroll);
    return { row, at: scale.at(x), inNames: x < scale.left, inAxis: y < AXIS };
  }

  brush(span: Span): void {
    this.state.setWindow(span);
  }
}

function setSize(canvas: HTMLCanvasElement, width: number, height: number, dpr: number): void {
  const [w, h] = [Math.max(1, Math.round(width * dpr)), Math.max(1, Math.round(height * dpr))];
  if (canvas.width !== w) canvas.width = w;
  if (canvas.height !== h) canvas.height = h;
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
}
