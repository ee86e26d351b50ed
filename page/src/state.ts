/**
 * What the parts of the page share: the window whose numbers they show, what the timeline shows, what is selected.
 * The address says it, too, so that a link that was mailed shows the same.
 */

import { readAddress, writeAddress } from "./address";
import type { Report, Run, Selection, Span } from "./types";

/** What has changed. `trace`: it has arrived, or turned out to be damaged. */
export type Change = "window" | "view" | "selection" | "trace";

/** `none`: a page made from a report in JSON. `loading`: `run.trace` is null until it is `ready`. */
export type TraceStatus = "none" | "loading" | "ready" | "damaged";

export type Subscriber = (state: State, change: Change) => void;

/** Nothing. */
export const NOTHING: Selection = { thread: null, interval: null };

/** How much longer than its interval the view is that shows it. */
const AROUND = 4;

/** So long after the last one, ms, a move of the view is another one. */
const MOVE_MS = 600;

/** Views that one can go back to. */
const MOST_VIEWS = 100;

export class State {
  readonly run: Run;
  /** The whole run. */
  readonly whole: Span;
  #window: Span;
  #view: Span;
  /** Those before. */
  readonly #views: Span[] = [];
  #movedAt = -Infinity;
  #selection: Selection = NOTHING;
  #trace: TraceStatus;
  /** Why there is no trace, where it is damaged. */
  problem: string | null = null;
  #subscribers = new Set<Subscriber>();

  constructor(run: Run, trace: TraceStatus = run.trace ? "ready" : "none") {
    this.run = run;
    const from = run.report.window?.from_ns ?? 0;
    this.whole = { from, to: Math.max(from + 1, endOf(run)) };
    this.#window = this.whole;
    this.#view = this.whole;
    this.#trace = trace;
  }

  /** The stretch whose numbers are shown. */
  get window(): Span {
    return this.#window;
  }

  /** The stretch that the timeline shows. */
  get view(): Span {
    return this.#view;
  }

  get selection(): Selection {
    return this.#selection;
  }

  get trace(): TraceStatus {
    return this.#trace;
  }

  get isWholeWindow(): boolean {
    return this.#window.from <= this.whole.from && this.#window.to >= this.whole.to;
  }

  /** Calls `fn` after every change; what is returned ends that. */
  subscribe(fn: Subscriber): () => void {
    this.#subscribers.add(fn);
    return () => this.#subscribers.delete(fn);
  }

  /** `null`: the whole run. */
  setWindow(span: Span | null): void {
    const window = span ? this.#within(span) : this.whole;
    if (same(window, this.#window)) return;
    this.#window = window;
    this.#changed("window");
  }

  /** `isMoved`: by a hand that moves on; what it does at once is one change to who wants to go back. */
  setView(span: Span | null, isMoved = false): void {
    const view = span ? this.#within(span) : this.whole;
    if (same(view, this.#view)) return;
    const now = performance.now();
    if (!isMoved || now - this.#movedAt > MOVE_MS) this.#views.push(this.#view);
    if (this.#views.length > MOST_VIEWS) this.#views.shift();
    this.#movedAt = isMoved ? now : -Infinity;
    this.#setView(view);
  }

  /** The view before; whether there was one. */
  goBack(): boolean {
    const view = this.#views.pop();
    this.#movedAt = -Infinity;
    if (view) this.#setView(view);
    return view !== undefined;
  }

  #setView(view: Span): void {
    this.#view = view;
    this.#changed("view");
  }

  select(selection: Selection): void {
    if (selection.thread === this.#selection.thread && selection.interval === this.#selection.interval) return;
    this.#selection = selection;
    this.#changed("selection");
  }

  /** Selects an interval of the trace; `show` moves the view there where it is not in it. */
  selectInterval(interval: number, show = true): void {
    const trace = this.run.trace;
    if (!trace || !(interval >= 0 && interval < trace.from.length)) return;
    if (show) this.#show({ from: trace.from[interval], to: trace.to[interval] });
    this.select({ thread: threadOf(trace.first, interval), interval });
  }

  /** Selects a thread as a whole. */
  selectThread(thread: number): void {
    if (thread >= 0 && thread < this.run.report.threads.length) this.select({ thread, interval: null });
  }

  /** The trace has arrived, or why it never will. */
  traceArrived(problem: string | null): void {
    this.#trace = problem === null ? "ready" : "damaged";
    this.problem = problem;
    this.#changed("trace");
  }

  /** Shows what the address says. */
  restore(): void {
    const said = readAddress(location.hash, this.run);
    if (said.window) this.setWindow(said.window);
    if (said.selection === null) return;
    if (said.selection.interval === null) this.select(said.selection);
    else this.selectInterval(said.selection.interval);
  }

  #show(span: Span): void {
    const { from, to } = this.#view;
    const length = span.to - span.from;
    const inside = span.from >= from && span.to <= to;
    if (inside && length * 400 >= to - from) return;
    const around = Math.max(length * AROUND, 1000);
    this.setView({ from: span.from - around / 2, to: span.to + around / 2 });
  }

  /** A span inside of the run, moved there if it has room. */
  #within(span: Span): Span {
    const { from: first, to: last } = this.whole;
    let from = Math.min(span.from, span.to);
    let to = Math.max(span.from, span.to);
    if (!Number.isFinite(from) || !Number.isFinite(to)) return this.whole;
    if (to - from >= last - first) return this.whole;
    if (from < first) [from, to] = [first, to + (first - from)];
    if (to > last) [from, to] = [from - (to - last), last];
    return { from: Math.round(from), to: Math.max(Math.round(to), Math.round(from) + 1) };
  }

  #changed(change: Change): void {
    if (change === "window" || change === "selection") writeAddress(this);
    for (const fn of this.#subscribers) fn(this, change);
  }
}

function same(a: Span, b: Span): boolean {
  return a.from === b.from && a.to === b.to;
}

/** Of a thread that had not ended and was not seen for long the end is that of the run. */
function endOf(run: Run): number {
  return run.report.threads.reduce((end, thread) => Math.max(end, thread.end_ns), endOfReport(run.report));
}

/** The thread whose interval this is. */
export function threadOf(first: Uint32Array, interval: number): number {
  let low = 0;
  let high = first.length - 1;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (first[middle] <= interval) low = middle;
    else high = middle;
  }
  return low;
}

/** Instants are those of the run, also of a report of a part of it. */
export function endOfReport(report: Report): number {
  return report.window?.to_ns ?? report.wall_ns;
}
