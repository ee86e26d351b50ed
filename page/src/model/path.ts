/**
 * When the critical path led through which group: the walk of `probe-user/src/metrics/critical_path/walk.rs`, back from
 * the end of the run. A group is on the path while one of its threads does what the path says, or waits for who does.
 */

import type { Run, Span, Trace } from "../types";
import { clipped, firstEndingFrom } from "./intervals";

/** What a page with rounded times, or with intervals drawn together, may say otherwise than the report. */
const MOST_OFF = 1 / 200;

const known = new WeakMap<Trace, Span[][] | null>();

/** How long each group was on the path in a span; `null` where the page does not know, or not well enough. */
export function onPathIn(run: Run, { from, to }: Span): number[] | null {
  const spans = spansOf(run);
  return spans && spans.map((of) => of.reduce((sum, span) => sum + clipped(span.from, span.to, from, to), 0));
}

/** By group; checked against the sums that the report has of the whole run. */
function spansOf(run: Run): Span[][] | null {
  const { trace, report } = run;
  const path = report.critical_path;
  if (!trace || !path || path.hops_left_out > 0) return null;
  let spans = known.get(trace);
  if (spans !== undefined) return spans;
  const most = (path.to_ns - path.from_ns) * (trace.unit_ns > 1 || trace.resolution_ns > 0 ? MOST_OFF : 0);
  spans = new Walk(run, trace, path).spans();
  const isRight = spans.every((of, group) => {
    const ns = of.reduce((sum, span) => sum + span.to - span.from, 0);
    return Math.abs(ns - (report.groups[group].critical_path_ns ?? 0)) <= most;
  });
  known.set(trace, isRight ? spans : null);
  return isRight ? spans : null;
}

class Walk {
  readonly #on: OnPath;
  readonly #begun: number;
  #at: number;
  #thread: number;
  /** Threads tried at this instant. */
  readonly #tried = new Set<number>();

  constructor(
    private readonly run: Run,
    private readonly trace: Trace,
    path: { root: number; from_ns: number; to_ns: number },
  ) {
    this.#on = new OnPath(run);
    [this.#begun, this.#at, this.#thread] = [path.from_ns, path.to_ns, lastOf(run, path.root)];
  }

  spans(): Span[][] {
    while (this.#at > this.#begun) this.#step();
    return this.#on.end(this.#begun);
  }

  #step(): void {
    const { first, from, to, by } = this.trace;
    const thread = this.#thread;
    const { start_ns, creator } = this.run.report.threads[thread];
    const [low, end] = [first[thread], first[thread + 1]];
    if (start_ns >= this.#at || low === end) {
      if (creator !== null && this.#goOn(creator)) return;
      return this.#does(this.#begun);
    }
    const i = Math.min(end - 1, firstEndingFrom(to, low, end, this.#at));
    const [waited, waker] = [this.#at, by[i]];
    if (waker >= 0 && this.#goOn(waker)) this.#on.waits(thread, from[i], waited);
    else this.#does(from[i]);
  }

  /** On in another thread, at the same instant, if that was not tried yet. */
  #goOn(thread: number): boolean {
    if (thread === this.#thread || this.#tried.has(thread)) return false;
    this.#tried.add(this.#thread);
    this.#thread = thread;
    return true;
  }

  /** Back in time, whatever a broken page says. */
  #does(from: number): void {
    const at = Math.max(this.#begun, Math.min(from, this.#at - 1));
    this.#on.does(this.#thread, at, this.#at);
    this.#at = at;
    this.#tried.clear();
  }
}

/** The thread of the root's process that ends last; a root that does not lead its process stands for itself. */
function lastOf({ report: { threads } }: Run, root: number): number {
  const { process, pid, tid } = threads[root];
  if (process === null || pid !== tid) return root;
  let last = root;
  for (let thread = 0; thread < threads.length; thread++) {
    if (threads[thread].process === process && threads[thread].end_ns > threads[last].end_ns) last = thread;
  }
  return last;
}

/** Which groups are on the path, found backwards. */
class OnPath {
  readonly #spans: Span[][];
  /** By group: its threads that the path leads through now, and until when it did. */
  readonly #now: { threads: number; until: number }[];
  /** Waits that the path is in, the one that began last at the end. */
  readonly #waits: { from: number; group: number }[] = [];

  constructor(private readonly run: Run) {
    this.#spans = run.report.groups.map(() => []);
    this.#now = run.report.groups.map(() => ({ threads: 0, until: 0 }));
  }

  waits(thread: number, from: number, at: number): void {
    const { group } = this.run.report.threads[thread];
    this.#enter(group, at);
    let place = this.#waits.length;
    while (place > 0 && this.#waits[place - 1].from > from) place--;
    this.#waits.splice(place, 0, { from, group });
  }

  does(thread: number, from: number, to: number): void {
    const { group } = this.run.report.threads[thread];
    this.#enter(group, to);
    this.#until(from);
    this.#leave(group, from);
  }

  /** Back to that instant. */
  #until(at: number): void {
    for (let last = this.#waits.at(-1); last && last.from >= at; last = this.#waits.at(-1)) {
      this.#waits.pop();
      this.#leave(last.group, last.from);
    }
  }

  /** The beginning of the path. Waits may have begun before. */
  end(begun: number): Span[][] {
    this.#until(begun);
    for (const { group } of this.#waits.splice(0).reverse()) this.#leave(group, begun);
    return this.#spans;
  }

  #enter(group: number, at: number): void {
    const now = this.#now[group];
    if (now.threads === 0) now.until = at;
    now.threads++;
  }

  #leave(group: number, at: number): void {
    const now = this.#now[group];
    now.threads--;
    if (now.threads === 0 && now.until > at) this.#spans[group].push({ from: at, to: now.until });
  }
}
