/** Plots over time: of what the timeline shows, with the same brush. */

import { h } from "../dom";
import { bytes, count } from "../format";
import type { Listener } from "../types";
import { descriptorChart, droppedWords, listenerChart, listenerName, traceCharts } from "./charts";
import type { Context } from "./context";
import { name } from "./names";
import { type Plot, plot } from "./plot";
import { Series } from "./series";
import { inSlices, type Job, whenQuiet } from "./slices";
import { onTheme } from "./theme";

/** Buckets of the visible stretch. */
const BUCKETS = 240;
/** Listeners that are drawn. */
const LISTENERS = 4;

export function plots(context: Context): HTMLElement {
  const { run, state } = context;
  const element = h("div", { class: "plots" });
  const notes = h("div", { class: "plot-notes" });
  const known = knownCharts(context);
  const mine: Plot[] = known.map((chart) => plot(state, chart));
  element.append(...mine.map((one) => one.element));
  const all = [...mine];
  const begin = (): void => {
    notes.replaceChildren(...facts(context));
    if (!run.trace) return;
    const made = fromTrace(context);
    all.push(...made);
    element.prepend(...made.map((one) => one.element));
  };
  begin();
  state.subscribe((_, change) => {
    if (change === "trace") begin();
    else if (change !== "selection") all.forEach((one) => one.follow());
  });
  onTheme(() => all.forEach((one) => one.repaint()));
  return h("div", {}, element, notes);
}

function knownCharts(context: Context): ReturnType<typeof traceCharts> {
  const { report } = context.run;
  const listeners = sorted(report.listeners ?? []).map((listener) => listenerChart(listener, report));
  const drawn = listeners.filter((chart) => chart !== null).slice(0, LISTENERS);
  const descriptors = descriptorChart(report);
  return [...drawn, ...(descriptors ? [descriptors] : [])];
}

function sorted(listeners: readonly Listener[]): Listener[] {
  const nearness = (one: Listener): number => one.accept_queue_max / Math.max(1, one.accept_limit);
  return [...listeners].sort((a, b) => b.dropped_accept - a.dropped_accept || nearness(b) - nearness(a));
}

/** Charts of the trace, anew for each stretch that is shown. */
function fromTrace(context: Context): Plot[] {
  const { run, state } = context;
  const charts = traceCharts(run.report);
  const made = charts.map((chart) => plot(state, chart));
  let job: Job | null = null;
  const compute = (): void => {
    job?.cancel();
    const series = new Series(run.trace!, state.view, BUCKETS);
    const done = (): void => {
      const x = Array.from({ length: BUCKETS }, (_, at) => series.middle(at));
      made.forEach((one, at) => one.setPoints({ x, y: charts[at].of!(series) }));
    };
    job = inSlices(run.report.threads.length, (thread) => series.addThread(thread), done);
  };
  compute();
  const soon = whenQuiet(120, compute);
  state.subscribe((_, change) => change === "view" && soon());
  return made;
}

/** What there is no curve of, in words and numbers. */
function facts(context: Context): HTMLElement[] {
  const { state } = context;
  const { report } = context.run;
  const list: (HTMLElement | null)[] = [
    Object.hasOwn(MISSING, state.trace) ? note(MISSING[state.trace]) : null,
    descriptorNote(context),
    listenerNote(report.listeners),
    memoryNote(report.memory),
  ];
  return list.filter((one) => one !== null);
}

const MISSING: Record<string, string> = {
  none: "This page was made without the intervals of the run: what ran and waited over time is not in it.",
  damaged: "The intervals in this page are damaged: what ran and waited over time cannot be shown.",
};

function note(text: string): HTMLElement {
  return h("p", { class: "muted" }, text);
}

function descriptorNote(context: Context): HTMLElement | null {
  const tables = context.run.report.fd_tables;
  if (tables && descriptorChart(context.run.report)) return null;
  return note(tables ? "No descriptor was seen open." : "How many descriptors were open was not observed.");
}

/** Listeners of which there is no course. */
function listenerNote(listeners: readonly Listener[] | null): HTMLElement | null {
  const bare = sorted(listeners ?? []).filter((one) => !one.series?.length);
  if (!listeners) return note("Listen queues were not observed.");
  if (bare.length === 0) return null;
  const shown = bare.slice(0, 8).map((one) => {
    const seen = one.seen_whole === false ? "≥ " : "at most ";
    const queue = `${seen}${count(one.accept_queue_max)} of ${count(one.accept_limit)} waited`;
    return h("li", {}, `${listenerName(one)}: ${queue}, ${droppedWords(one)}`);
  });
  const left = bare.length - shown.length;
  const more = left > 0 && h("li", { class: "muted" }, `${left} more in the text`);
  return h("div", {}, note("Listen queues of which no course was recorded:"), h("ul", {}, ...shown, more));
}

/** Peaks are numbers: when they were, the kernel does not say. */
function memoryNote(memory: Context["run"]["report"]["memory"]): HTMLElement | null {
  const known = (memory ?? []).filter((one) => one.rss_peak !== null).sort((a, b) => b.rss_peak! - a.rss_peak!);
  if (known.length === 0) return note("No process's resident memory is known.");
  const names = known.slice(0, 5).map((one) => `${name(one.comm, 30)} (pid ${one.pid}) ${bytes(one.rss_peak!)}`);
  const more = known.length > names.length ? `, ${count(known.length - names.length)} smaller` : "";
  const says = "Most resident memory (peaks; the kernel keeps no course): ";
  return h("p", {}, h("span", { class: "muted" }, says), names.join(", "), more);
}
