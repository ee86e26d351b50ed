/** One chart: uPlot in a figure, with what it says at the pointer and the same as a table. */

import uPlot from "uplot";
import { h, replace } from "../dom";
import { instant } from "../format";
import type { State } from "../state";
import { marks } from "./axis";
import type { Chart, Line, Points } from "./charts";
import { paint } from "./kinds";
import { bindTouch } from "./plot_touch";
import { isolated, lastUpTo } from "./points";
import { colour } from "./theme";
import { instantCell, lazyDetails, nsColumn, type Table, tableView } from "./tsv";

const HEIGHT = 150;
/** Left of the lines, and right of them; a letter of a label; px. */
const LEFT = 62;
const PADDING = 8;
const LETTER = 7;
/** A drag that is shorter is a click, px. */
const CLICK = 4;

export interface Plot {
  element: HTMLElement;
  setPoints(points: Points): void;
  /** The view or the window has changed. */
  follow(): void;
  /** The colours have. */
  repaint(): void;
}

export function plot(state: State, chart: Chart): Plot {
  const canvas = h("div", { class: "canvas", role: "img" });
  const reading = h("p", { class: "reading" });
  let points: Points = chart.points ?? { x: [], y: chart.lines.map(() => []) };
  const table = lazyDetails("as a table", () => tableView(tableOf(state, chart, points)));
  const title = h("figcaption", {}, h("h3", {}, chart.title), h("span", { class: "muted" }, chart.note));
  const element = h("figure", { class: "plot" }, title, canvas, reading, table);
  const chartOf = lazily(canvas, () => new uPlot(options(state, chart, canvas, tell), dataOf(points), canvas));
  const tell = (at: number | null, cursor: number | null): void =>
    replace(reading, ...readings(chart, points, at, cursor));
  const setPoints = (next: Points): void => {
    points = next;
    canvas.setAttribute("aria-label", summary(chart, points));
    chartOf.do((u) => u.setData(dataOf(points)));
    tell(null, null);
    table.refresh();
  };
  const follow = (): void => chartOf.do((u) => u.redraw(true, true));
  setPoints(points);
  const rescale = (): void => chartOf.do((u) => u.setScale("x", { min: state.view.from, max: state.view.to }));
  return { element, setPoints, follow: () => (rescale(), follow()), repaint: () => chartOf.do((u) => u.redraw()) };
}

/** Makes a chart when its place has a width, and keeps its size. */
function lazily(place: HTMLElement, make: () => uPlot): { do(fn: (u: uPlot) => void): void } {
  let chart: uPlot | null = null;
  const observer = new ResizeObserver(() => {
    const width = Math.floor(place.clientWidth);
    if (width < 50) return;
    chart ??= make();
    if (chart.width !== width) chart.setSize({ width, height: HEIGHT });
  });
  observer.observe(place);
  return { do: (fn) => chart && fn(chart) };
}

/** Told at which point a reading is taken, and at which instant. */
type Tell = (at: number | null, cursor: number | null) => void;

function options(state: State, chart: Chart, place: HTMLElement, tell: Tell): uPlot.Options {
  const axis = { stroke: () => colour("--muted"), font: "12px system-ui, sans-serif", ticks: { show: false } };
  const grid = { stroke: () => colour("--line"), width: 1 };
  return {
    width: Math.max(50, Math.floor(place.clientWidth)),
    height: HEIGHT,
    legend: { show: false },
    padding: [8, PADDING, 0, 0],
    cursor: {
      y: false,
      drag: { x: true, y: false, setScale: false },
      sync: { key: "run" },
      points: hoverPoints(chart),
    },
    scales: {
      x: { time: false, range: () => [state.view.from, state.view.to] },
      y: { range: (_, __, max) => [0, max > 0 ? max * 1.08 : 1] },
    },
    axes: [
      { ...axis, grid, size: 28, splits: (u) => splits(u, state), values: (u) => labels(u, state) },
      { ...axis, grid, size: LEFT, values: (_, splits) => splits.map(chart.show) },
    ],
    series: [{}, ...chart.lines.map(seriesOf)],
    hooks: {
      ready: [bindTouch],
      setCursor: [(u) => tellAt(u, chart, tell)],
      setSelect: [(u) => brush(u, state)],
      draw: [(u) => showWindow(u, state)],
    },
  };
}

function marksOf(u: uPlot, state: State): ReturnType<typeof marks> {
  return marks(state.view, widthOf(u));
}

/** Of the lines alone, px; while uPlot lays itself out it does not know that yet. */
function widthOf(u: uPlot): number {
  return u.over.clientWidth || Math.max(1, u.width - LEFT - PADDING);
}

function splits(u: uPlot, state: State): number[] {
  return marksOf(u, state).map(({ at }) => at);
}

function labels(u: uPlot, state: State): string[] {
  // One that is cut says something else.
  const { from, to } = state.view;
  const room = (at: number): number => 2 * (PADDING + (widthOf(u) * (to - at)) / (to - from));
  return marksOf(u, state).map(({ at, label }) => (label.length * LETTER <= room(at) ? label : ""));
}

function isStepped(chart: Chart): boolean {
  return chart.lines.some((line) => line.stepped);
}

/** A step has its value between its points, too. */
function hoverPoints(chart: Chart): uPlot.Cursor.Points {
  return isStepped(chart) ? { show: false } : { size: 6 };
}

/** Of a step the last point counts, not the nearest one. */
function tellAt(u: uPlot, chart: Chart, tell: Tell): void {
  const { left, idx } = u.cursor;
  if (left === undefined || left < 0) return tell(null, null);
  if (!isStepped(chart)) return tell(idx ?? null, idx === null || idx === undefined ? null : u.data[0][idx]);
  const cursor = u.posToVal(left, "x");
  const at = lastUpTo(u.data[0], cursor);
  tell(at < 0 ? null : at, cursor);
}

function seriesOf(line: Line): uPlot.Series {
  const series: uPlot.Series = {
    label: line.label,
    stroke: () => colour(line.colour),
    width: line.dash ? 1 : 1.5,
    points: line.dash || line.stepped ? { show: false } : alone(line),
  };
  if (line.dash) series.dash = [5, 4];
  if (line.area) series.fill = () => `${colour(line.colour)}33`;
  const stepped = line.stepped && uPlot.paths.stepped;
  if (stepped) series.paths = stepped({ align: 1 });
  return series;
}

function alone(line: Line): uPlot.Series.Points {
  const paint = (): string => colour(line.colour);
  return { show: true, size: 4, width: 0, fill: paint, stroke: paint, filter: (u, at) => isolated(u.data[at]) };
}

/** A drag sets the window. */
function brush(u: uPlot, state: State): void {
  const { left, width } = u.select;
  if (width < CLICK) return showWindow(u, state);
  state.setWindow({ from: u.posToVal(left, "x"), to: u.posToVal(left + width, "x") });
}

function showWindow(u: uPlot, state: State): void {
  const { from, to } = state.window;
  const place = (at: number): number => Math.min(u.over.clientWidth, Math.max(0, u.valToPos(at, "x")));
  const [left, right] = [place(from), place(to)];
  // Where all that is shown is in the window there is nothing to tell apart.
  const isAll = from <= state.view.from && to >= state.view.to;
  const width = isAll ? 0 : right - left;
  u.setSelect({ left, width, top: 0, height: width > 0 ? u.over.clientHeight : 0 }, false);
}

function dataOf(points: Points): uPlot.AlignedData {
  return [points.x, ...points.y] as uPlot.AlignedData;
}

/** What each line is; at an instant, if there is one. */
function readings(chart: Chart, points: Points, at: number | null, cursor: number | null): (HTMLElement | string)[] {
  const keys = chart.lines.map((line, i) => {
    const value = at === null ? null : points.y[i]?.[at];
    const says = line.dash || value === null || value === undefined ? line.label : `${line.label} ${chart.show(value)}`;
    const swatch = h("i", { class: line.dash ? "swatch dashed" : "swatch" });
    return h("span", { class: "series-key" }, paint(swatch, "", line.colour), says);
  });
  return cursor === null ? keys : [...keys, `at ${instant(Math.max(0, cursor))}`];
}

/** For a screen reader: the most of each line. */
function summary(chart: Chart, points: Points): string {
  const most = chart.lines.flatMap((line, i) => {
    if (line.dash) return [line.label];
    const values = (points.y[i] ?? []).filter((value) => value !== null);
    return values.length > 0 ? [`${line.label} at most ${chart.show(values.reduce((a, b) => Math.max(a, b), 0))}`] : [];
  });
  return `${chart.title} over time: ${most.join(", ") || "nothing in this stretch"}`;
}

function tableOf(state: State, chart: Chart, points: Points): Table {
  const { from, to } = state.view;
  const shown = [...points.x.keys()].filter((at) => points.x[at] >= from && points.x[at] <= to);
  const value = (n: number | null): { show: Node; copy: string } | string =>
    n === null ? "" : { show: document.createTextNode(chart.show(n)), copy: String(n) };
  return {
    caption: chart.title,
    columns: [nsColumn("at"), ...chart.lines.map((line) => ({ name: line.label, number: true }))],
    count: shown.length,
    row: (i) => [instantCell(points.x[shown[i]]), ...points.y.map((values) => value(values[shown[i]] ?? null))],
  };
}
