/** What a group opens to: its budget as a table, who ended its waits, what was behind them, its threads. */

import { h, replace, width } from "../dom";
import { count, share, time, timeIn, unitOf } from "../format";
import { about, colourOf } from "./budget";
import type { Context } from "./context";
import { leftOutWords } from "./filter";
import { icicle } from "./icicle";
import { paint } from "./kinds";
import { name, named } from "./names";
import { type Inside, insideRows, longestOfRow, objectOfRow } from "./row_intervals";
import { type FullSums, residual, type Row, rowsOf } from "./rows";
import { scrollable } from "./scrollable";
import { threadsTable } from "./threads";
import { meaning } from "./words";
import { describeWake } from "./woken";

/** Wakers that are shown. */
const WAKERS = 8;

export interface Opened {
  elements: HTMLElement[];
  /** The numbers are others. */
  update(): void;
  /** It is shown no more. */
  close(): void;
}

export function openedGroup(context: Context, index: number): Opened {
  const group = context.run.report.groups[index].name;
  const accounts = h("div", { class: "accounts" });
  const behind = icicle(context, index);
  const threads = threadsTable(context, index);
  let isAll = false;
  const showAll = (): void => {
    isAll = true;
    fill();
  };
  const fill = (): void => {
    const sums = context.numbers.groupWithWakes(index);
    replace(accounts, budgetTable(context, index, sums, rowsOf(sums, group, isAll), showAll), wakers(sums, group));
  };
  const update = (): void => {
    fill();
    threads.update();
    behind.update();
  };
  update();
  return { elements: [accounts, behind.element, threads.element], update, close: behind.close };
}

function budgetTable(context: Context, index: number, sums: FullSums, rows: Row[], showAll: () => void): HTMLElement {
  const inside = insideRows(context.run, index, rows, context.numbers.span);
  const rowAt = (row: Row, at: number): HTMLElement =>
    budgetRow(context, index, sums, row, inside[at] ?? null, showAll);
  const body = h("tbody", {}, ...rows.map(rowAt));
  const unit = unitOf(sums.lifetime_ns);
  const heads = [`kind`, "in", `time`, "", "of sum", "count", "longest", "woken by"];
  const classes = [null, null, "n", "mini", "n", "n", "n", null];
  const hidden = h("span", { class: "hidden" }, "bar");
  const th = (text: string, at: number): HTMLElement =>
    h("th", { scope: "col", class: classes[at], title: meaning(text) }, text || hidden);
  const head = heads.map(th);
  const rest = residual(sums);
  const covered = `${about(sums)}${timeIn(unit, sums.lifetime_ns - rest)} of ${timeIn(unit, sums.lifetime_ns)}`;
  const total = `${covered}, ${rest < 0 ? "−" : ""}${time(Math.abs(rest))} unaccounted`;
  // Where the page had to be small, times in it are not to the ns.
  const isLost = rest !== 0 && !(context.numbers.approximate && Math.abs(rest) * 1000 < sums.lifetime_ns);
  const sum = h("td", { colspan: 7, class: isLost && "lost" }, total);
  const foot = h("tr", { class: "sum" }, h("th", { scope: "row" }, "sum"), sum);
  const table = h("table", { class: "rows" }, h("thead", {}, h("tr", {}, ...head)), body, h("tfoot", {}, foot));
  return scrollable("where its time went", "", table);
}

function budgetRow(
  context: Context,
  index: number,
  sums: FullSums,
  row: Row,
  inside: Inside | null,
  showAll: () => void,
): HTMLElement {
  const unit = unitOf(sums.lifetime_ns);
  const bar = paint(h("i"), colourOf(row.state, row.label));
  width(bar, row.ns / Math.max(1, sums.lifetime_ns));
  const label =
    row.state === "other" ? h("button", { type: "button", class: "link", onclick: showAll }, row.label) : row.label;
  return h(
    "tr",
    {},
    h("th", { scope: "row" }, paint(h("i", { class: "swatch" }), colourOf(row.state, row.label)), label),
    h("td", { class: "place" }, placeOf(context, row), row.idle && " idle", objectOf(context, index, row, inside)),
    h("td", { class: "n" }, `${row.atLeast ? "≥ " : about(sums)}${timeIn(unit, row.ns)}`),
    h("td", { class: "mini" }, bar),
    h("td", { class: "n" }, share(row.ns, sums.lifetime_ns)),
    h("td", { class: "n" }, row.count === null ? "" : count(row.count)),
    h("td", { class: "n" }, longestCell(context, sums, row, inside)),
    h("td", { class: "by" }, named(row.woken, 60)),
  );
}

/** Where it waited; of what is left out, which waits these are. */
function placeOf(context: Context, row: Row): string {
  return row.state === "left-out" ? leftOutWords(context.run.report.filter) : named(row.place, 80);
}

/** `futex 0xa5b8f4`, `12 objects`. */
function objectOf(context: Context, index: number, row: Row, inside: Inside | null): HTMLElement | null {
  const object = objectOfRow(context.run.report, index, row, inside);
  if (object === null || object === row.place?.text) return null;
  const text = typeof object === "number" ? `${count(object)} objects` : name(object, 60);
  return h("span", { class: "muted" }, ` ${text}`);
}

/** The longest of a row; where there is a trace, it leads to just that one. */
function longestCell(context: Context, sums: FullSums, row: Row, inside: Inside | null): string | HTMLElement {
  const trace = context.run.trace;
  const found = longestOfRow(trace, row, inside, context.numbers.isWhole);
  const text = found ? `${found.atLeast ? "≥ " : about(sums)}${time(found.ns)}` : "";
  // Of what is no finished wait one is shown.
  const interval = found ? found.interval : (inside?.interval ?? -1);
  if (interval === null || interval < 0) return text;
  const attrs = { type: "button", class: text ? "link" : "link no-print" };
  const label = `${text || "show"}, the longest: ${row.label}`;
  const onclick = (): void => context.showInterval(interval);
  return h("button", { ...attrs, "aria-label": label, onclick }, text || "show");
}

interface Sum {
  count: number;
  ns: number;
}

/** Who ended the waits, most time first. */
function wakers(sums: FullSums, group: string): HTMLElement | null {
  const list = new Map<string, Sum>();
  for (const wake of sums.wakes) {
    const text = describeWake(wake, group);
    const sum = list.get(text) ?? { count: 0, ns: 0 };
    list.set(text, { count: sum.count + (wake.count ?? 0), ns: sum.ns + (wake.wait_ns ?? 0) });
  }
  const sorted = [...list].filter(([, sum]) => sum.ns > 0).sort((a, b) => b[1].ns - a[1].ns);
  if (sorted.length === 0) return null;
  const rows = sorted.slice(0, WAKERS).map(([text, one]) => wakerRow(text, one, sums));
  if (sorted.length > WAKERS) {
    const rest = sorted.slice(WAKERS);
    const sum = rest.reduce((a, [, b]) => ({ count: a.count + b.count, ns: a.ns + b.ns }), { count: 0, ns: 0 });
    rows.push(wakerRow(`other (${rest.length})`, sum, sums));
  }
  // Columns as in the table beside it, and shares of the same whole.
  const heads = ["who ended its waits", "time", "of sum", "count"];
  const th = (text: string, at: number): HTMLElement =>
    h("th", { scope: "col", class: at > 0 && "n", title: meaning(text) }, text);
  const table = h("table", {}, h("thead", {}, h("tr", {}, ...heads.map(th))), h("tbody", {}, ...rows));
  return scrollable("who ended its waits", "wakers", table);
}

function wakerRow(text: string, one: Sum, sums: FullSums): HTMLElement {
  return h(
    "tr",
    {},
    h("th", { scope: "row", title: meaning(text) }, name(text, 90)),
    h("td", { class: "n" }, `${about(sums)}${timeIn(unitOf(sums.lifetime_ns), one.ns)}`),
    h("td", { class: "n" }, share(one.ns, sums.lifetime_ns)),
    h("td", { class: "n" }, count(one.count)),
  );
}
