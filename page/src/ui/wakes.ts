/** The waits of a group in a window with who ended them: one row for each place and kind of waker. */

import { type Counted, countedOf } from "../model/filter";
import { clipped, firstEndingAfter } from "../model/intervals";
import { keyOfSite } from "../model/rows";
import { portions } from "../model/together";
import type { Report, Run, Site, Span, Trace, Wake } from "../types";
import type { FullWait } from "./rows";

interface Sum {
  count: number;
  ns: number;
  max: number;
  /** Before the window. */
  begun: number;
}

/** What these threads waited for, by place and group of the waker. */
export function waitsWithWakes(run: Run, group: number, threads: readonly number[], span: Span): FullWait[] {
  const trace = run.trace;
  if (!trace) return [];
  const collecting = new Collecting(run.report, trace, span, countedOf(run));
  for (const thread of threads) collecting.addThread(thread);
  const isIdle = idleIn(run.report, group);
  return collecting.rows(run.report).map(([site, wake, sum]) => ({
    ...site,
    idle: isIdle(site),
    count: sum.count,
    total_ns: sum.ns,
    max_ns: sum.max,
    begun_before: sum.begun,
    wakes: wake ? [{ ...wake, count: sum.count, wait_ns: sum.ns }] : [],
  }));
}

/** Which waits of a group were for work: the trace does not say, the report does. */
export function idleIn(report: Report, group: number): (site: Site) => boolean {
  const idle = new Map<string, boolean>();
  for (const thread of report.threads) {
    if (thread.group !== group) continue;
    for (const wait of thread.waits as readonly FullWait[]) {
      const key = keyOfSite(wait, true);
      idle.set(key, wait.idle === true && idle.get(key) !== false);
    }
  }
  return (site) => idle.get(keyOfSite(site, true)) === true;
}

class Collecting {
  /** By `what` and group of the waker. */
  readonly #sums = new Map<number, Sum>();
  readonly #groupOf: Int32Array;
  readonly #step: number;

  constructor(
    report: Report,
    private readonly trace: Trace,
    private readonly span: Span,
    private readonly counted: Counted | null,
  ) {
    this.#groupOf = Int32Array.from(report.threads, (thread) => thread.group);
    this.#step = report.groups.length + 1;
  }

  addThread(thread: number): void {
    const { from, to, first, what, whats, parts } = this.trace;
    const end = first[thread + 1];
    for (let i = firstEndingAfter(to, first[thread], end, this.span.from); i < end && from[i] < this.span.to; i++) {
      const { state } = whats[what[i]];
      if (state !== "wait" && state !== "together") continue;
      const ns = clipped(from[i], to[i], this.span.from, this.span.to);
      if (state === "wait") {
        const begun = Number(from[i] < this.span.from);
        if (to[i] <= this.span.to && this.counted?.isWait(what[i], ns) !== false) this.#add(what[i], this.trace.by[i], 1, ns, ns, begun);
        continue;
      }
      for (const part of portions(parts.get(i) ?? [], ns, to[i] - from[i])) {
        if (whats[part.what].state !== "wait" || this.counted?.isPart(part) === false) continue;
        this.#add(part.what, -1, part.count, part.ns, Math.ceil(part.ns / Math.max(1, part.count)));
      }
    }
  }

  #add(what: number, by: number, count: number, ns: number, max: number, begun = 0): void {
    const key = what * this.#step + (by < 0 ? 0 : this.#groupOf[by] + 1);
    const sum = this.#sums.get(key);
    if (!sum) {
      this.#sums.set(key, { count, ns, max, begun });
      return;
    }
    sum.count += count;
    sum.ns += ns;
    sum.begun += begun;
    if (max > sum.max) sum.max = max;
  }

  rows(report: Report): [Site, Wake | null, Sum][] {
    const { whats, sites, wakes } = this.trace;
    return [...this.#sums].flatMap(([key, sum]) => {
      const { site, wake } = whats[Math.floor(key / this.#step)];
      if (site === undefined) return [];
      return [[sites[site], wake === undefined ? null : named(report, wakes[wake], (key % this.#step) - 1), sum]];
    });
  }
}

/** Of intervals that are drawn together the page does not know who woke each. */
function named(report: Report, wake: Wake, by: number): Wake {
  if (by >= 0) return wake.source === "timer" ? wake : { ...wake, comm: report.groups[by].name };
  const isTask = wake.source === "task" || wake.source === "task-exit";
  return isTask && !wake.comm && !wake.outside ? { ...wake, comm: "threads of the tree" } : wake;
}
