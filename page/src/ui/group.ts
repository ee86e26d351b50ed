/** What a group opens to: its budget as a table, who ended its waits, what was behind them, its threads. */

import { h, replace, width } from "../dom";
import { count, percent, share, time, timeIn, type Unit, unitOf } from "../format";
import { about, colourOf } from "./budget";
import type { Context } from "./context";
import { icicle } from "./icicle";
import { paint } from "./kinds";
import { longest } from "./longest";
import { name, named } from "./names";
import { type FullSums, residual, type Row, rowsOf } from "./rows";
import { threadsTable } from "./threads";
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
  const body = h("tbody", {}, ...rows.map((row) => budgetRow(context, index, sums, row, showAll)));
  const unit = unitOf(sums.lifetime_ns);
  const heads = [`kind`, "in", `time`, "", "of sum", "count", "longest", "woken by"];
  const classes = [null, null, "n", "mini", "n", "n", "n", null];
  const hidden = h("span", { class: "hidden" }, "bar");
  const head = heads.map((text, at) => h("th", { scope: "col", class: classes[at] }, text || hidden));
  const rest = residual(sums);
  const covered = `${about(sums)}${timeIn(unit, sums.lifetime_ns - rest)} of ${timeIn(unit, sums.lifetime_ns)}`;
  const total = `${covered}, ${rest < 0 ? "−" : ""}${time(Math.abs(rest))} unaccounted`;
  // Where the page had to be small, times in it are not to the ns.
  const isLost = rest !== 0 && !(context.numbers.approximate && Math.abs(rest) * 1000 < sums.lifetime_ns);
  const sum = h("td", { colspan: 7, class: isLost && "lost" }, total);
  const foot = h("tr", { class: "sum" }, h("th", { scope: "row" }, "sum"), sum);
  const table = h("table", { class: "rows" }, h("thead", {}, h("tr", {}, ...head)), body, h("tfoot", {}, foot));
  return h("div", { class: "scroll", tabindex: 0, role: "group", "aria-label": "where its time went" }, table);
}

function budgetRow(context: Context, index: number, sums: FullSums, row: Row, showAll: () => void): HTMLElement {
  const unit = unitOf(sums.lifetime_ns);
  const bar = paint(h("i"), colourOf(row.state, row.label));
  width(bar, row.ns / Math.max(1, sums.lifetime_ns));
  const label =
    row.state === "other" ? h("button", { type: "button", class: "link", onclick: showAll }, row.label) : row.label;
  return h(
    "tr",
    {},
    h("th", { scope: "row" }, paint(h("i", { class: "swatch" }), colourOf(row.state, row.label)), label),
    h("td", { class: "place" }, named(row.place, 80), row.idle && " idle", objectOf(row)),
    h("td", { class: "n" }, `${row.atLeast ? "≥ " : about(sums)}${timeIn(unit, row.ns)}`),
    h("td", { class: "mini" }, bar),
    h("td", { class: "n" }, share(row.ns, sums.lifetime_ns)),
    h("td", { class: "n" }, row.count === null ? "" : count(row.count)),
    h("td", { class: "n" }, longestCell(context, index, sums, row)),
    h("td", { class: "by" }, named(row.woken, 60)),
  );
}

function objectOf(row: Row): HTMLElement | null {
  return row.objects && h("span", { class: "muted" }, ` ${named(row.objects, 60)}`);
}

/** The longest of a row; where there is a trace, it leads there. */
function longestCell(context: Context, index: number, sums: FullSums, row: Row): string | HTMLElement {
  // What is shorter than that may be drawn together, and is as long as they are on average.
  const isTogether = !context.numbers.isWhole && (row.max ?? 0) < (context.run.trace?.resolution_ns ?? 0);
  const text = row.max === null ? "" : `${isTogether ? "≈ " : about(sums)}${time(row.max)}`;
  if (!context.run.trace || row.state === "other" || row.state === "unknown") return text;
  const go = (): void => {
    const interval = longestOf(context, index, row);
    if (interval !== null) context.showInterval(interval);
  };
  const label = `the longest: ${row.label}`;
  const attrs = { type: "button", class: text ? "link" : "link no-print", onclick: go };
  return h("button", { ...attrs, "aria-label": `${text || "show"}, ${label}` }, text || "show");
}

function longestOf(context: Context, index: number, row: Row): number | null {
  const { run, numbers } = context;
  const threads = [...run.report.threads.keys()].filter((t) => run.report.threads[t].group === index);
  const place = row.place?.more === 0 && !row.place.text.startsWith("(") ? row.place.text : null;
  const wanted = { threads, state: colourOf(row.state, row.label), span: numbers.span };
  return longest(run, { ...wanted, function: place }) ?? longest(run, wanted);
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
  const [unit, all] = [unitOf(sums.lifetime_ns), sorted.reduce((sum, [, one]) => sum + one.ns, 0)];
  const rows = sorted.slice(0, WAKERS).map(([text, one]) => wakerRow(text, one, all, unit, about(sums)));
  if (sorted.length > WAKERS) {
    const rest = sorted.slice(WAKERS);
    const sum = rest.reduce((a, [, b]) => ({ count: a.count + b.count, ns: a.ns + b.ns }), { count: 0, ns: 0 });
    rows.push(wakerRow(`other (${rest.length})`, sum, all, unit, about(sums)));
  }
  const table = h("table", {}, h("caption", {}, "who ended its waits"), h("tbody", {}, ...rows));
  return h("div", { class: "wakers scroll", tabindex: 0, role: "group", "aria-label": "who ended its waits" }, table);
}

function wakerRow(text: string, one: Sum, all: number, unit: Unit, about: string): HTMLElement {
  return h(
    "tr",
    {},
    h("th", { scope: "row" }, name(text, 90)),
    h("td", { class: "n" }, `${about}${timeIn(unit, one.ns)}`),
    h("td", { class: "n" }, percent(one.ns, all)),
    h("td", { class: "n" }, `${count(one.count)} ×`),
  );
}
