/** One chart: uPlot in a figure, with what it says at the pointer and the same as a table. */

import uPlot from "uplot";
import { h, replace } from "../dom";
import { exact, instant } from "../format";
import type { State } from "../state";
import { times } from "./axis";
import type { Chart, Line, Points } from "./charts";
import { paint } from "./kinds";
import { bindTouch } from "./plot_touch";
import { colour } from "./theme";
import { lazyDetails, type Table, tableView } from "./tsv";

const HEIGHT = 150;
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
  const tell = (at: number | null): void => replace(reading, ...readings(chart, points, at));
  const setPoints = (next: Points): void => {
    points = next;
    canvas.setAttribute("aria-label", summary(chart, points));
    chartOf.do((u) => u.setData(dataOf(points)));
    tell(null);
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

function options(state: State, chart: Chart, place: HTMLElement, tell: (at: number | null) => void): uPlot.Options {
  const axis = { stroke: () => colour("--muted"), font: "12px system-ui, sans-serif", ticks: { show: false } };
  const grid = { stroke: () => colour("--line"), width: 1 };
  return {
    width: Math.max(50, Math.floor(place.clientWidth)),
    height: HEIGHT,
    legend: { show: false },
    padding: [8, 8, 0, 0],
    cursor: { y: false, drag: { x: true, y: false, setScale: false }, sync: { key: "run" }, points: { size: 6 } },
    scales: {
      x: { time: false, range: () => [state.view.from, state.view.to] },
      y: { range: (_, __, max) => [0, max > 0 ? max * 1.08 : 1] },
    },
    axes: [
      { ...axis, grid, size: 28, values: (_, splits) => times(splits) },
      { ...axis, grid, size: 62, values: (_, splits) => splits.map(chart.show) },
    ],
    series: [{}, ...chart.lines.map(seriesOf)],
    hooks: {
      ready: [bindTouch],
      setCursor: [(u) => tell(u.cursor.idx ?? null)],
      setSelect: [(u) => brush(u, state)],
      draw: [(u) => showWindow(u, state)],
    },
  };
}

function seriesOf(line: Line): uPlot.Series {
  const series: uPlot.Series = {
    label: line.label,
    stroke: () => colour(line.colour),
    width: line.dash ? 1 : 1.5,
    points: { show: false },
  };
  if (line.dash) series.dash = [5, 4];
  if (line.area) series.fill = () => `${colour(line.colour)}33`;
  const stepped = line.stepped && uPlot.paths.stepped;
  if (stepped) series.paths = stepped({ align: 1 });
  return series;
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
  const width = state.isWholeWindow ? 0 : right - left;
  u.setSelect({ left, width, top: 0, height: width > 0 ? u.over.clientHeight : 0 }, false);
}

function dataOf(points: Points): uPlot.AlignedData {
  return [points.x, ...points.y] as uPlot.AlignedData;
}

/** What each line is; at an instant, if there is one. */
function readings(chart: Chart, points: Points, at: number | null): (HTMLElement | string)[] {
  const keys = chart.lines.map((line, i) => {
    const value = at === null ? null : points.y[i]?.[at];
    const says = line.dash || value === null || value === undefined ? line.label : `${line.label} ${chart.show(value)}`;
    return h("span", { class: "series-key" }, paint(h("i", { class: "swatch" }), "", line.colour), says);
  });
  return at === null || points.x[at] === undefined ? keys : [...keys, `at ${instant(points.x[at])}`];
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
    columns: [{ name: "at", number: true }, ...chart.lines.map((line) => ({ name: line.label, number: true }))],
    count: shown.length,
    row: (i) => [exact(points.x[shown[i]]), ...points.y.map((values) => value(values[shown[i]] ?? null))],
  };
}
