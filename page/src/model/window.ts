/**
 * What a window of time holds: the sums that `waitscope report --from --to` has.
 *
 * Time of every state counts as far as it lies in the window. A wait counts where it ends in the window (behind its
 * beginning, or at its end), for the part inside of it; one that goes on at the window's end is open. A stay on the
 * run queue counts where any of it lies in the window. Of several intervals that are drawn together a part that lies
 * in the window counts in proportion, and the sums are `approximate`. Where the report has a filter, what it does not
 * count is `left_out`: a finished wait by its kind and by the part of it that lies in the window, an open one by its kind.
 */

import type { Run, Site, Span, Sums, Trace, Wake } from "../types";
import { clipped, firstEndingAfter } from "./intervals";
import { type ByWhat, byWhatOf } from "./by_what";
import { type Counted, countedOf } from "./filter";
import { DISTINCT_OBJECTS, type OpenWait, Rows } from "./rows";
import { portions } from "./together";

export type { OpenWait } from "./rows";

/** The sums of a window; without blame, which is `blameOfThreads`'. */
export interface WindowSums extends Sums {
  runqueue_count: number;
  runqueue_max_ns: number;
  open: OpenWait[];
  /** A part of intervals that are drawn together is in them, or the page's times are rounded. */
  approximate: boolean;
}

/** The sums of a thread; its waits are distinguished by object. */
export function sumsOfThread(run: Run, thread: number, span: Span): WindowSums {
  const adding = new Adding(run, span);
  const rows = new Rows(true);
  adding.addThread(thread, rows);
  return adding.finish(rows);
}

/** The sums of several threads together, as of a group: waits that differ in their object only are one row. */
export function sumsOfThreads(run: Run, threads: Iterable<number>, span: Span): WindowSums {
  const adding = new Adding(run, span);
  const all = new Rows(false);
  for (const thread of threads) {
    const rows = new Rows(true);
    adding.addThread(thread, rows);
    all.addRows(rows);
  }
  return adding.finish(all);
}

/** The threads of a group, by index. */
export function threadsOfGroup(run: Run, group: number): number[] {
  const { threads } = run.report;
  return threads.flatMap((thread, index) => (thread.group === group ? [index] : []));
}

/** A waker among those whose waits are drawn together: one of the tree, the page does not know which. */
const OF_TREE = -2;

class Adding {
  readonly #trace: Trace;
  readonly #sums: WindowSums = {
    lifetime_ns: 0,
    on_cpu_ns: 0,
    runqueue_ns: 0,
    runqueue_count: 0,
    runqueue_max_ns: 0,
    open_ns: 0,
    unknown_ns: 0,
    waits: [],
    open: [],
    wakes: [],
    blame: [],
    approximate: false,
  };
  readonly #byWhat: ByWhat;
  readonly #counted: Counted | null;
  readonly #leftOut = { count: 0, total_ns: 0 };
  /** Who may have woken a thread: the threads, none, and `OF_TREE`. */
  readonly #wakers: number;
  /** By waking and thread that did it: count, ns. */
  readonly #wakings = new Map<number, { count: number; ns: number }>();

  constructor(
    private readonly run: Run,
    private readonly span: Span,
  ) {
    if (!run.trace) throw new Error("this page has no intervals");
    this.#trace = run.trace;
    this.#sums.approximate = run.trace.unit_ns > 1;
    this.#byWhat = byWhatOf(run.trace);
    this.#counted = countedOf(run);
    if (run.report.filter) this.#sums.left_out = this.#leftOut;
    this.#wakers = run.report.threads.length - OF_TREE;
  }

  addThread(thread: number, rows: Rows): void {
    const { start_ns, end_ns } = this.run.report.threads[thread];
    this.#sums.lifetime_ns += clipped(start_ns, end_ns, this.span.from, this.span.to);
    this.#addIntervals(thread);
    this.#addBirth(thread, rows);
    this.#moveInto(rows);
  }

  finish(rows: Rows): WindowSums {
    return { ...this.#sums, ...rows.sorted() };
  }

  #addIntervals(thread: number): void {
    const { first, from, to, what } = this.#trace;
    const end = first[thread + 1];
    for (let i = firstEndingAfter(to, first[thread], end, this.span.from); i < end; i++) {
      if (from[i] >= this.span.to && to[i] > this.span.to) break;
      const ns = Math.min(to[i], this.span.to) - Math.max(from[i], this.span.from);
      if (this.#byWhat.isWait[what[i]] === 1) this.#addWait(i, ns);
      else this.#addState(i, ns);
    }
  }

  #addWait(i: number, ns: number): void {
    const what = this.#trace.what[i];
    if (this.#trace.to[i] > this.span.to) return this.#addOpen(what, ns);
    if (this.#counted?.isWait(what, ns) === false) return this.#leaveOut(1, ns);
    this.#byWhat.add(what, 1, ns, ns, Number(this.#trace.from[i] < this.span.from));
    const { wake } = this.#trace.whats[what];
    if (wake !== undefined) this.#addWaking(wake, this.#trace.by[i], 1, ns);
  }

  #addOpen(what: number, ns: number): void {
    if (this.#counted?.isOfKind[what] === 0) this.#leaveOut(1, ns);
    else this.#byWhat.addOpen(what, ns);
  }

  #leaveOut(count: number, ns: number): void {
    this.#leftOut.count += count;
    this.#leftOut.total_ns += ns;
  }

  #addWaking(wake: number, by: number, count: number, ns: number): void {
    const key = wake * this.#wakers + by - OF_TREE;
    const sum = this.#wakings.get(key);
    if (!sum) this.#wakings.set(key, { count, ns });
    else {
      sum.count += count;
      sum.ns += ns;
    }
  }

  #addState(i: number, ns: number): void {
    const what = this.#trace.what[i];
    const { state } = this.#trace.whats[what];
    if (state === "open") this.#addOpen(what, ns);
    else if (state === "together") this.#addTogether(i, ns);
    else this.#addPassing(what, 1, ns, ns);
  }

  #addPassing(what: number, count: number, ns: number, max: number): void {
    const { state } = this.#trace.whats[what];
    if (state === "on-cpu") this.#sums.on_cpu_ns += ns;
    else if (state === "unknown") this.#sums.unknown_ns += ns;
    else {
      this.#sums.runqueue_ns += ns;
      this.#sums.runqueue_count += count;
      this.#sums.runqueue_max_ns = Math.max(this.#sums.runqueue_max_ns, max);
    }
  }

  /** Of the longest of them no more is known than that it is as long as they are on average. */
  #addTogether(i: number, ns: number): void {
    const parts = this.#trace.parts.get(i) ?? [];
    const whole = this.#trace.to[i] - this.#trace.from[i];
    if (ns < whole || this.#counted?.isExactTogether === false) this.#sums.approximate = true;
    for (const part of portions(parts, ns, whole)) {
      const max = Math.ceil(part.ns / Math.max(1, part.count));
      if (this.#byWhat.isWait[part.what] === 0) this.#addPassing(part.what, part.count, part.ns, max);
      else if (this.#counted?.isPart(part) === false) this.#leaveOut(part.count, part.ns);
      else {
        this.#byWhat.add(part.what, part.count, part.ns, max);
        const { wake, by } = this.#trace.whats[part.what];
        if (wake !== undefined) this.#addWaking(wake, by ? OF_TREE : -1, part.count, part.ns);
      }
    }
  }

  /** A first run ends no wait, but somebody woke it. */
  #addBirth(thread: number, rows: Rows): void {
    const { start_ns, wakes } = this.run.report.threads[thread];
    const inside = start_ns <= this.span.to && (start_ns > this.span.from || this.span.from <= 0);
    const born = inside ? wakes.filter((wake) => wake.source === "new") : [];
    for (const wake of born) rows.addWake(wake, wake.count ?? 1, 0);
  }

  /** What was added up by number → rows. */
  #moveInto(rows: Rows): void {
    const { whats, sites } = this.#trace;
    const { touched, count, total, max, open, begun } = this.#byWhat;
    const known = new Set<Site>();
    for (const what of touched) {
      const index = whats[what].site;
      if (index === undefined) continue;
      const site = withinLimit(sites[index], known);
      if (count[what] > 0) rows.addWait(site, count[what], total[what], max[what], begun[what]);
      if (open[what] > 0) rows.addOpen(site, 1, open[what]);
      this.#sums.open_ns += open[what];
    }
    this.#byWhat.clear();
    for (const [key, { count, ns }] of this.#wakings) rows.addWake(this.#waking(key), count, ns);
    this.#wakings.clear();
  }

  #waking(key: number): Wake {
    const by = (key % this.#wakers) + OF_TREE;
    const wake = this.#trace.wakes[Math.floor(key / this.#wakers)];
    if (by !== OF_TREE || wake.source === "timer") return wakeOf(this.run, wake, by);
    return { ...wake, comm: "threads of the tree" };
  }
}

/** A thread's waits at more than so many places are told apart without their objects from there on. */
function withinLimit(site: Site, known: Set<Site>): Site {
  if (known.has(site)) return site;
  if (known.size >= DISTINCT_OBJECTS) return { ...site, object: null };
  known.add(site);
  return site;
}

/** A waking with the names of the thread that did it. A timer did what no thread did: see `gil_timeouts.rs`. */
export function wakeOf(run: Run, wake: Wake, by: number): Wake {
  const { threads, groups } = run.report;
  if (by < 0 || wake.source === "timer") return wake;
  const { pid, tid, group } = threads[by];
  return { ...wake, comm: groups[group].name, pid, tid };
}
