/** The sums of threads and groups in the window that is shown: the report's for the whole run, else from the trace. */

import { clipped } from "../model/intervals";
import { keyOfSite } from "../model/rows";
import { sumsOfThread, sumsOfThreads, threadsOfGroup } from "../model/window";
import type { State } from "../state";
import type { Report, Run, Span } from "../types";
import type { FullSums, FullWait } from "./rows";
import { inSlices, type Job } from "./slices";
import { idleIn, waitsWithWakes } from "./wakes";

/** Told when the numbers are those of another window, and how far they are meanwhile (0 … 1; `null`: done). */
export type Watcher = (progress: number | null) => void;

/** Threads whose sums are added in one go. */
const BATCH = 64;

export class Numbers {
  readonly #state: State;
  readonly #run: Run;
  readonly #watchers: Watcher[] = [];
  readonly #threads = new Map<number, FullSums>();
  /** By group. */
  readonly #idle = new Map<number, ReturnType<typeof idleIn>>();
  #job: Job | null = null;
  #span: Span;
  #groups: FullSums[];
  /** Intervals that are drawn together lie across an end of the window: sums are in proportion there. */
  approximate = false;

  constructor(state: State) {
    [this.#state, this.#run, this.#span] = [state, state.run, state.whole];
    this.#groups = state.run.report.groups;
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

  get groups(): readonly FullSums[] {
    return this.#groups;
  }

  group(index: number): FullSums {
    return this.#groups[index];
  }

  thread(index: number): FullSums {
    const { threads } = this.#run.report;
    if (this.isWhole) return threads[index];
    let sums = this.#threads.get(index);
    if (!sums) {
      sums = withIdle(sumsOfThread(this.#run, index, this.#span), this.#idleIn(threads[index].group));
      this.#threads.set(index, sums);
    }
    return sums;
  }

  #idleIn(group: number): ReturnType<typeof idleIn> {
    let idle = this.#idle.get(group);
    if (!idle) this.#idle.set(group, (idle = idleIn(this.#run.report, group)));
    return idle;
  }

  /** What of a thread's life lies in the window. */
  lifetime(index: number): number {
    const { start_ns, end_ns } = this.#run.report.threads[index];
    return clipped(start_ns, end_ns, this.#span.from, this.#span.to);
  }

  watch(fn: Watcher): void {
    this.#watchers.push(fn);
  }

  /** A group's sums with who ended which waits. */
  groupWithWakes(index: number): FullSums {
    if (this.isWhole) return this.group(index);
    const waits = waitsWithWakes(this.#run, index, threadsOfGroup(this.#run, index), this.#span);
    return { ...this.group(index), waits };
  }

  #compute(): void {
    this.#job?.cancel();
    const { window, whole } = this.#state;
    const { report } = this.#run;
    if (this.#state.isWholeWindow || !this.#run.trace) return this.#finish(whole, report.groups, false);
    const adding = new Adding(this.#run, window);
    const done = (): void => this.#finish(window, adding.groups, adding.approximate);
    this.#job = inSlices(adding.steps, (i) => adding.step(i), done, (share) => this.#tell(share));
  }

  #finish(span: Span, groups: FullSums[], approximate: boolean): void {
    [this.#span, this.#groups, this.approximate] = [span, groups, approximate];
    this.#threads.clear();
    this.#tell(null);
  }

  #tell(progress: number | null): void {
    for (const fn of this.#watchers) fn(progress);
  }
}

/** Adds up the groups a batch of threads at a time. */
class Adding {
  readonly groups: FullSums[];
  approximate = false;
  readonly #batches: { group: number; threads: number[] }[];
  readonly #mixed: Set<number>;

  constructor(
    private readonly run: Run,
    private readonly span: Span,
  ) {
    const { groups } = run.report;
    this.groups = groups.map(() => empty(Boolean(run.report.filter)));
    this.#mixed = mixed(run.report);
    const batchesOf = (group: number): number[][] => batches(threadsOfGroup(run, group));
    this.#batches = groups.flatMap((_, group) => batchesOf(group).map((threads) => ({ group, threads })));
  }

  get steps(): number {
    return this.#batches.length;
  }

  step(at: number): void {
    const { group, threads } = this.#batches[at];
    const sums = sumsOfThreads(this.run, threads, this.span);
    this.approximate ||= sums.approximate;
    this.groups[group].approximate ||= sums.approximate;
    // Where objects tell what was idle, they have to stay apart.
    const waits = this.#mixed.has(group) && waitsWithWakes(this.run, group, threads, this.span);
    addTo(this.groups[group], waits ? { ...sums, waits } : withIdle(sums, idleOf(this.run.report, group)));
  }
}

function batches(threads: readonly number[]): number[][] {
  const of = (at: number): number[] => threads.slice(at * BATCH, (at + 1) * BATCH);
  return Array.from({ length: Math.ceil(threads.length / BATCH) }, (_, at) => of(at));
}

/** Groups with waits for work and others at one place. */
function mixed(report: Report): Set<number> {
  const idle = report.groups.map(() => new Map<string, boolean>());
  const groups = new Set<number>();
  for (const { group, waits } of report.threads) {
    for (const wait of waits as readonly FullWait[]) {
      const key = keyOfSite(wait, false);
      const is = wait.idle === true;
      if ((idle[group]?.get(key) ?? is) !== is) groups.add(group);
      idle[group]?.set(key, is);
    }
  }
  return groups;
}

/** Of a group that is not mixed: the object does not matter. */
function idleOf(report: Report, group: number): (wait: FullWait) => boolean {
  const waits: readonly FullWait[] = report.groups[group].waits;
  const idle = new Set(waits.filter((wait) => wait.idle === true).map((wait) => keyOfSite(wait, false)));
  return (wait) => idle.has(keyOfSite(wait, false));
}

function withIdle(sums: FullSums, isIdle: (wait: FullWait) => boolean): FullSums {
  return { ...sums, waits: sums.waits.map((wait) => ({ ...wait, idle: isIdle(wait) })) };
}

function empty(hasFilter: boolean): FullSums {
  const times = { lifetime_ns: 0, on_cpu_ns: 0, runqueue_ns: 0, open_ns: 0, unknown_ns: 0 };
  const leftOut = { count: 0, total_ns: 0 };
  return { ...times, runqueue_count: 0, waits: [], open: [], left_out: hasFilter ? leftOut : null, wakes: [], blame: [] };
}

function addTo(group: FullSums, part: FullSums): void {
  for (const name of ["lifetime_ns", "on_cpu_ns", "runqueue_ns", "open_ns", "unknown_ns"] as const) {
    group[name] += part[name];
  }
  group.runqueue_count = (group.runqueue_count ?? 0) + (part.runqueue_count ?? 0);
  if (group.left_out && part.left_out) {
    group.left_out.count += part.left_out.count;
    group.left_out.total_ns += part.left_out.total_ns;
  }
  group.waits.push(...part.waits);
  group.open?.push(...(part.open ?? []));
  group.wakes.push(...part.wakes);
}
