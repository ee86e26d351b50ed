/** What all parts of a frame are drawn from. */

import type { Chain } from "../model/chain";
import type { Levels } from "../model/levels";
import type { State } from "../state";
import type { Run, Trace } from "../types";
import type { Layout } from "./layout";
import type { Palette } from "./palette";
import type { Scale } from "./scale";
import type { Tiles } from "./tiles";

/** Where rows begin: below the axis. */
export const AXIS = 24;

/** A bar in its row. */
export const BAR = 14;
export const GROUP_BAR = 28;

export interface Scene {
  run: Run;
  trace: Trace;
  state: State;
  levels: Levels;
  layout: Layout;
  palette: Palette;
  scale: Scale;
  context: CanvasRenderingContext2D;
  /** CSS pixels. */
  width: number;
  height: number;
  /** How far rows are scrolled. */
  scroll: number;
  dpr: number;
  threadTiles: Tiles;
  groupTiles: Tiles;
  /** By group. */
  mostAlive: number[];
  /** That of the selected wait. */
  chain: Chain | null;
  /** Which hop of it is selected. */
  hop: number;
  /** Where the keys are; row and instant. */
  cursor: { row: number; at: number } | null;
  /** Waits that are drawn one by one in this frame: their wakings can be followed. */
  followable: number[];
  labels: Label[];
}

/** What is written in a bar, above what is drawn over it. */
export interface Label {
  text: string;
  x: number;
  y: number;
  code: number;
}

/** The middle of a thread's row, or of its group's; `null` if it has none. */
export function rowMiddle(scene: Scene, thread: number): number | null {
  const index = scene.layout.rowOf[thread];
  if (index < 0) return null;
  const row = scene.layout.rows[index];
  return AXIS + row.y + row.height / 2 - scene.scroll;
}

/** To device pixels, so that edges are sharp. */
export function snap(scene: Scene, x: number): number {
  return Math.round(x * scene.dpr) / scene.dpr;
}
