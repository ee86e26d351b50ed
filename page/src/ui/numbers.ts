/** The sums of every thread and group in the window that is shown: the report's own for the whole run, else from the trace. */

import { keyOfSite } from "../model/rows";
import { sumsOfThread, type WindowSums } from "../model/window";
import type { State } from "../state";
import type { Run, Span, Wake } from "../types";
import { type FullSums, type FullWait } from "./rows";
import { inSlices, type Job } from "./slices";
import { wakesByWait } from "./wakes";

/** Told when the numbers are those of another window, and how far they are meanwhile (0 … 1; `null`: done). */
export type Watcher = (progress: number | null) => void;

export class Numbers {
  readonly #state: State;
  #watchers: Watcher[] = [];
  #job: Job | null = null;
  #span: Span;
  #threads: FullSums[];
  #groups: FullSums[];
  /** Intervals that are drawn together lie across an end of the window: sums are in proportion there. */
  approximate = false;
  pending = false;

  constructor(state: State) {
    this.#state = state;
    this.#span = state.whole;
    const { threads, groups } = state.run.report;
    [this.#threads, this.#groups] = [threads, groups];
    state.subscribe((_, change) => {
      if (change === "window" || (change === "trace" && !state.isWholeWindow)) this.#compute();
    });
    if (!state.isWholeWindow) this.#compute();
  }

  /** The window that the sums are of. */
  get span(): Span {
    return this.#span;
  }

  get isWhole(): boolean {
    return this.#span === this.#state.whole;
  }

  thread(index: number): FullSums {
    return this.#threads[index];
  }

  group(index: number): FullSums {
    return this.#groups[index];
  }

  get groups(): readonly FullSums[] {
    return this.#groups;
  }

  watch(fn: Watcher): void {
    this.#watchers.push(fn);
  }

  /** A group's sums with who ended which waits. */
  groupWithWakes(index: number): FullSums {
    if (this.isWhole) return this.group(index);
    const { run } = this.#state;
    const waits = run.report.threads.flatMap((thread, t) =>
      thread.group === index ? wakesByWait(run, t, this.thread(t).waits, this.#span) : [],
    );
    return { ...this.group(index), waits };
  }

  #compute(): void {
    this.#job?.cancel();
    const { run, window, whole } = this.#state;
    if (this.#state.isWholeWindow || !run.trace) {
      return this.#finish(whole, run.report.threads, run.report.groups, false);
    }
    const threads: FullSums[] = [];
    let approximate = false;
    this.pending = true;
    const step = (i: number): void => {
      const sums = sumsOfThread(run, i, window);
      approximate ||= sums.approximate;
      threads.push(withIdle(run, i, sums));
    };
    const done = (): void => this.#finish(window, threads, groupsOf(run, threads), approximate);
    this.#job = inSlices(run.report.threads.length, step, done, (share) => this.#tell(share));
  }

  #finish(span: Span, threads: FullSums[], groups: FullSums[], approximate: boolean): void {
    [this.#span, this.#threads, this.#groups, this.approximate] = [span, threads, groups, approximate];
    this.pending = false;
    this.#tell(null);
  }

  #tell(progress: number | null): void {
    for (const fn of this.#watchers) fn(progress);
  }
}

/** Which of a thread's waits were for work: the trace does not say, the report does. */
function withIdle(run: Run, thread: number, sums: WindowSums): FullSums {
  const waits: readonly FullWait[] = run.report.threads[thread].waits;
  const idle = new Set(waits.filter((wait) => wait.idle === true).map((wait) => keyOfSite(wait, true)));
  if (idle.size === 0) return sums;
  return { ...sums, waits: sums.waits.map((wait) => (idle.has(keyOfSite(wait, true)) ? { ...wait, idle: true } : wait)) };
}

function groupsOf(run: Run, threads: readonly FullSums[]): FullSums[] {
  const groups = run.report.groups.map(empty);
  run.report.threads.forEach((thread, index) => {
    const group = groups[thread.group];
    if (group) addTo(group, threads[index]);
  });
  return groups;
}

function empty(): FullSums & { open: NonNullable<FullSums["open"]>; runqueue_count: number } {
  const times = { lifetime_ns: 0, on_cpu_ns: 0, runqueue_ns: 0, open_ns: 0, unknown_ns: 0 };
  return { ...times, runqueue_count: 0, waits: [], open: [], wakes: [], blame: [] };
}

function addTo(group: ReturnType<typeof empty>, thread: FullSums): void {
  for (const name of ["lifetime_ns", "on_cpu_ns", "runqueue_ns", "open_ns", "unknown_ns"] as const) {
    group[name] += thread[name];
  }
  group.runqueue_count += thread.runqueue_count ?? 0;
  group.waits.push(...thread.waits);
  group.open.push(...(thread.open ?? []));
  group.wakes.push(...(thread.wakes as Wake[]));
}
