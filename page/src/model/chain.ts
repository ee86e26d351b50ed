/**
 * The chain of one wait: who ended it and what that thread had been doing in the meantime; of that the largest part;
 * and if that was a wait, who ended it, and so on, down to what ends the chain.
 */

import type { Run, Span, Trace, Wake } from "../types";
import { firstEndingAfter } from "./intervals";
import { portions } from "./together";
import { wakeOf } from "./window";

/** What a thread did in a stretch: all of one kind together. */
export interface Doing {
  /** Not the waker, where that was not born yet: its creator. */
  thread: number;
  what: "on-cpu" | "runqueue" | "unknown" | "wait";
  /** Of a wait. */
  kind: string | null;
  ns: number;
  count: number;
  /** The longest of them, and the part of it that lies in the stretch. */
  interval: number | null;
  span: Span;
  /** Before the waker was born. */
  unborn: boolean;
}

/** A wait on the way. */
export interface Hop {
  thread: number;
  interval: number;
  /** What of it lies in the wait before. */
  span: Span;
  kind: string;
  object: string | null;
  where: string | null;
  /** The waiting thread is not the waker, but made it. */
  unborn: boolean;
  /** Who or what ended it. */
  wake: Wake | null;
  /** The thread that is waited for; `null` where none of the tree is. */
  by: number | null;
  /** What that one did meanwhile, the largest first. */
  meanwhile: Doing[];
  /** Which of `meanwhile` is followed. */
  followed: Doing | null;
}

/** What ends a chain. */
export interface Final {
  cause: string;
  detail: string | null;
  thread: number | null;
  interval: number | null;
  span: Span;
}

export interface Chain {
  hops: Hop[];
  final: Final;
}

/** Longer ones lead in a circle, or nowhere that anybody would follow. */
const LONGEST = 64;

/** The chain of a finished wait; `null` of anything else. */
export function chainOf(run: Run, interval: number): Chain | null {
  const { trace } = run;
  if (!trace || trace.whats[trace.what[interval]]?.state !== "wait") return null;
  return new Walking(run, trace).walk(interval, { from: trace.from[interval], to: trace.to[interval] }, false);
}

/** The same way up to a hop, and from there on behind something else that its waker did. */
export function branchOff(run: Run, chain: Chain, at: number, doing: Doing): Chain {
  const hop = chain.hops[at];
  if (!run.trace || !hop) return chain;
  const walking = new Walking(run, run.trace, [...chain.hops.slice(0, at), { ...hop, followed: doing }]);
  return walking.goOn();
}

class Walking {
  readonly #seen: Set<number>;

  constructor(
    private readonly run: Run,
    private readonly trace: Trace,
    readonly hops: Hop[] = [],
  ) {
    this.#seen = new Set(hops.map((hop) => hop.interval));
  }

  walk(interval: number, span: Span, unborn: boolean): Chain {
    this.hops.push(this.#hop(interval, span, unborn));
    this.#seen.add(interval);
    return this.goOn();
  }

  /** From the last hop on. */
  goOn(): Chain {
    const hop = this.hops.at(-1)!;
    const final = this.#final(hop);
    if (final) return { hops: this.hops, final };
    const next = hop.followed!;
    return this.walk(next.interval!, next.span, next.unborn);
  }

  #hop(interval: number, span: Span, unborn: boolean): Hop {
    const { whats, what, sites, wakes, by, to } = this.trace;
    const { site, wake } = whats[what[interval]];
    const { kind, object, function: inFunction, syscall } = sites[site!];
    const waker = by[interval] < 0 ? null : by[interval];
    const known = this.#known(interval, to[interval]);
    const meanwhile = waker === null ? [] : meanwhileOf(this.run, this.trace, waker, span, known);
    return {
      thread: this.#threadOf(interval),
      interval,
      span,
      kind,
      object,
      where: inFunction ?? (syscall === null ? null : `(${syscall})`),
      unborn,
      wake: wake === undefined ? null : wakeOf(this.run, wakes[wake], by[interval]),
      by: waker,
      meanwhile,
      followed: meanwhile[0] ?? null,
    };
  }

  /** A try for an interpreter lock is known only with the waking that ends all of them. */
  #known(interval: number, end: number): number {
    const { whats, what, wakes } = this.trace;
    const { wake } = whats[what[interval]];
    return wake !== undefined && wakes[wake].source === "timer" ? Infinity : end;
  }

  #threadOf(interval: number): number {
    const last = this.hops.at(-1)?.followed;
    if (last) return last.thread;
    let thread = 0;
    while (this.trace.first[thread + 1] <= interval) thread++;
    return thread;
  }

  /** What ends the chain with this hop, if it does. */
  #final({ by, interval, span, followed }: Hop): Final | null {
    const { causes, whats, what } = this.trace;
    if (by === null) {
      const [cause, detail] = causes[whats[what[interval]].cause ?? -1] ?? ["unknown", null];
      return { cause, detail, thread: null, interval: null, span };
    }
    if (!followed) return { cause: "unknown", detail: null, thread: by, interval: null, span };
    const { thread, interval: at } = followed;
    const ends = { thread, interval: at, span: followed.span };
    if (followed.what === "wait") {
      const isNew = at !== null && whats[what[at]].state === "wait" && !this.#seen.has(at);
      return isNew && this.hops.length < LONGEST ? null : { cause: "unknown", detail: null, ...ends };
    }
    const [cause, detail] = at === null ? ["unknown", null] : this.#causeAt(at, followed.what);
    return { cause, detail, ...ends };
  }

  #causeAt(interval: number, what: Doing["what"]): [string, string | null] {
    const { causes, whats, what: of } = this.trace;
    const { cause } = whats[of[interval]];
    if (cause !== undefined) return causes[cause];
    return [what === "on-cpu" ? "computing" : what === "runqueue" ? "run-queue" : "unknown", null];
  }
}

/** What a thread did in a stretch, the largest first; waits that ended behind `known` were not known yet. */
export function meanwhileOf(run: Run, trace: Trace, thread: number, span: Span, known: number): Doing[] {
  const found = new Doings(span);
  let [of, from, to] = [thread, span.from, span.to];
  // From the waker to who made it, and who made that, as far as they were not born.
  for (;;) {
    const birth = trace.first[of] < trace.first[of + 1] ? trace.from[trace.first[of]] : Infinity;
    found.look(trace, of, Math.max(from, birth), to, known);
    if (from >= birth) break;
    const { creator } = run.report.threads[of];
    to = Math.min(to, birth);
    found.unborn = true;
    if (creator === null || creator >= of) {
      found.add(of, "unknown", null, null, { from, to });
      break;
    }
    of = creator;
  }
  return found.largestFirst();
}

/** Kinds of doing while they are added up. */
class Doings {
  unborn = false;
  readonly #found = new Map<string, Doing & { longest: number }>();

  constructor(private readonly span: Span) {}

  largestFirst(): Doing[] {
    return [...this.#found.values()].sort((a, b) => b.ns - a.ns).map(({ longest: _, ...doing }) => doing);
  }

  /** `ns`, where it is less than the span: several that are drawn together. */
  add(
    thread: number,
    what: Doing["what"],
    kind: string | null,
    at: number | null,
    span: Span,
    ns = span.to - span.from,
    count = 1,
  ): void {
    if (ns <= 0) return;
    const doing = this.#of(thread, what, kind);
    doing.ns += ns;
    doing.count += count;
    if (at === null || ns <= doing.longest) return;
    [doing.longest, doing.interval, doing.span] = [ns, at, span];
  }

  #of(thread: number, what: Doing["what"], kind: string | null): Doing & { longest: number } {
    const key = `${thread} ${what} ${kind} ${this.unborn}`;
    let doing = this.#found.get(key);
    if (!doing) {
      doing = { thread, what, kind, ns: 0, count: 0, interval: null, span: this.span, unborn: this.unborn, longest: 0 };
      this.#found.set(key, doing);
    }
    return doing;
  }

  /** What a thread did in a stretch; what comes with a wait that was not known yet is not known either. */
  look(trace: Trace, thread: number, from: number, to: number, known: number): void {
    const { first, what, whats, sites } = trace;
    const end = first[thread + 1];
    let at = from;
    for (let i = firstEndingAfter(trace.to, first[thread], end, from); i < end && at < to; i++) {
      const span = { from: at, to: Math.min(trace.to[i], to) };
      const { state, site } = whats[what[i]];
      if (state === "open" || (state === "wait" && trace.to[i] > known)) break;
      if (state === "together") this.#addTogether(trace, thread, i, span);
      else if (state === "wait") this.add(thread, "wait", sites[site!].kind, i, span);
      else this.add(thread, state, null, i, span);
      at = span.to;
    }
    this.add(thread, "unknown", null, null, { from: at, to });
  }

  #addTogether(trace: Trace, thread: number, i: number, span: Span): void {
    const whole = trace.to[i] - trace.from[i];
    for (const part of portions(trace.parts.get(i) ?? [], span.to - span.from, whole)) {
      const { state, site } = trace.whats[part.what];
      if (state === "open" || state === "together") continue;
      this.add(thread, state, site === undefined ? null : trace.sites[site].kind, i, span, part.ns, part.count);
    }
  }
}
