/** Where the time of a group or thread went, as one bar and in a few words. */

import { h, width } from "../dom";
import { percent } from "../format";
import { property, paint } from "./kinds";
import { isQuiet } from "./order";
import { type FullSums, residual, type Row, rowsOf } from "./rows";

/** One state, and what of it was in vain or for work. */
export interface Slice {
  label: string;
  state: Row["state"];
  quiet: string | null;
  ns: number;
  atLeast: boolean;
}

/** Slices that a line of words names, at least such a part of the lifetime each. */
const NAMED = 5;
const LEAST = 1 / 100;

/** Rows with one word for each state and why it was quiet: the CPU, its run queue, then the waits, biggest first. */
export function slicesOf(sums: FullSums, group: string): Slice[] {
  const slices = new Map<string, Slice>();
  for (const row of rowsOf(sums, group, true)) {
    const quiet = quietOf(row);
    const key = JSON.stringify([row.state, row.label, quiet]);
    const slice = slices.get(key);
    if (slice) {
      slice.ns += row.ns;
      slice.atLeast ||= row.atLeast;
    } else slices.set(key, { label: row.label, state: row.state, quiet, ns: row.ns, atLeast: row.atLeast });
  }
  const rest = residual(sums);
  if (rest > 0) slices.set("", { label: "unknown", state: "unknown", quiet: "unaccounted", ns: rest, atLeast: false });
  return [...slices.values()].sort((a, b) => rank(a) - rank(b) || b.ns - a.ns);
}

function quietOf(row: Row): string | null {
  if (!isQuiet(row) || row.label === "signal") return null;
  if (row.idle) return "idle";
  return row.state === "open" ? "not finished" : "until exit";
}

function rank(slice: Slice): number {
  return ["on-cpu", "runqueue", "wait", "open", "left-out", "unknown"].indexOf(slice.state);
}

/** What stands before times of a window that are not to the nanosecond. */
export function about(sums: FullSums): string {
  return sums.approximate ? "≈ " : "";
}

/** What colours a state. */
export function colourOf(state: Row["state"], label: string): string {
  return state === "wait" || state === "open" ? label : state;
}

/** The bar; its widths sum to the lifetime. Words beside it say the same, so that it is hidden from screen readers. */
export function budgetBar(sums: FullSums, slices: readonly Slice[]): HTMLElement {
  const bar = h("span", { class: "budget", "aria-hidden": "true" });
  const whole = Math.max(1, slices.reduce((sum, slice) => sum + slice.ns, 0), sums.lifetime_ns);
  for (const slice of slices) {
    const attrs = { "data-state": slice.state, title: words(slice, whole) };
    const piece = paint(h("i", attrs), colourOf(slice.state, slice.label));
    width(piece, slice.ns / whole);
    bar.append(piece);
  }
  return bar;
}

/** `child-exit 80 %`, `futex idle 98 %`. */
export function words(slice: Slice, whole: number): string {
  const quiet = slice.quiet && slice.quiet !== slice.label ? ` ${slice.quiet}` : "";
  return `${slice.label}${quiet} ${slice.atLeast ? "≥ " : ""}${percent(slice.ns, whole)}`;
}

/** The largest states in words, each with its colour. */
export function statesLine(sums: FullSums, slices: readonly Slice[]): HTMLElement {
  const line = h("span", { class: "states" });
  const named = [...slices].sort((a, b) => b.ns - a.ns).filter((slice) => slice.ns >= sums.lifetime_ns * LEAST);
  for (const slice of named.slice(0, NAMED)) {
    const swatch = paint(h("i", { class: "swatch" }), "", property(colourOf(slice.state, slice.label)));
    line.append(h("span", {}, swatch, words(slice, sums.lifetime_ns)), " ");
  }
  return line;
}
