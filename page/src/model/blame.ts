/** What the counted waits of threads in a window are blamed on, by kind; the rows add up to their finished waits. */

import type { Blame, Run, Span } from "../types";
import { type Counted, countedOf } from "./filter";
import { firstEndingAfter } from "./intervals";
import { inSlices } from "./pause";
import { Scratch } from "./share_list";
import { type Shares, sharesOf } from "./shares";
import { portions } from "./together";

/** Rows, largest first. Takes as long as there are waits in the run; see `blameOfThreadsAsync`. */
export function blameOfThreads(run: Run, threads: Iterable<number>, span: Span): Blame[] {
  const shares = sharesOf(run);
  shares.prepare();
  const sums = new ByKind(shares, span, countedOf(run));
  for (const thread of threads) sums.addThread(thread);
  return sums.rows();
}

/** The same in slices; rejects where the signal aborts. */
export async function blameOfThreadsAsync(
  run: Run,
  threads: Iterable<number>,
  span: Span,
  signal?: AbortSignal,
): Promise<Blame[]> {
  const shares = sharesOf(run);
  await shares.prepared(signal);
  const sums = new ByKind(shares, span, countedOf(run));
  const todo = [...threads];
  await inSlices(() => {
    const thread = todo.pop();
    if (thread !== undefined) sums.addThread(thread);
    return todo.length === 0;
  }, signal);
  return sums.rows();
}

/** The causes of one kind of waits, and those waits that are causes as a whole, with how often. */
interface Kind {
  sums: Float64Array;
  behind: Map<number, number>;
}

class ByKind {
  readonly #kinds = new Map<string, Kind>();
  /** By `whats`: what kind of wait it is. */
  readonly #kindOf: (Kind | null)[];
  readonly #scratch = new Scratch(0);

  constructor(
    private readonly shares: Shares,
    private readonly span: Span,
    private readonly counted: Counted | null,
  ) {
    const { whats, sites } = shares.trace;
    this.#kindOf = whats.map((what) => {
      const isWait = what.state === "wait" && what.site !== undefined;
      return isWait ? this.#kind(sites[what.site!].kind) : null;
    });
  }

  #kind(name: string): Kind {
    let kind = this.#kinds.get(name);
    if (!kind) {
      kind = { sums: new Float64Array(this.shares.firstBehind), behind: new Map() };
      this.#kinds.set(name, kind);
    }
    return kind;
  }

  addThread(thread: number): void {
    const { first, to, what } = this.shares.trace;
    const end = first[thread + 1];
    for (let i = firstEndingAfter(to, first[thread], end, this.span.from); i < end && to[i] <= this.span.to; i++) {
      const kind = this.#kindOf[what[i]];
      if (kind !== null) this.#addWait(kind, i);
      else if (this.shares.isTogether[what[i]] === 1) this.#addTogether(i, to[i]);
    }
    this.#addCut(thread);
  }

  #addWait(kind: Kind, i: number): void {
    const { from, to, what, by } = this.shares.trace;
    if (this.counted?.isWait(what[i], to[i] - Math.max(from[i], this.span.from)) === false) return;
    if (by[i] < 0) kind.sums[this.shares.causeOf[what[i]]] += to[i] - Math.max(from[i], this.span.from);
    else if (from[i] < this.span.from) this.#addPart(kind, i);
    else {
      const { start, size, list } = this.shares;
      // A try that nobody ended in the end stays a timer's.
      if (start[i] === 0) kind.sums[this.shares.timer] += to[i] - from[i];
      for (let at = start[i], last = at + size[i]; at < last; at++) this.#add(kind, list.cause[at], list.ns[at]);
    }
  }

  /** A wait that began before the window. */
  #addPart(kind: Kind, i: number): void {
    const { to, by } = this.shares.trace;
    const seq = this.shares.seq[i];
    this.shares.walk(by[i], this.span.from, to[i], seq, seq, this.#scratch);
    this.#scratch.drain((cause, ns) => this.#add(kind, cause, ns));
  }

  #add(kind: Kind, cause: number, ns: number): void {
    if (cause < this.shares.firstBehind) kind.sums[cause] += ns;
    else {
      const interval = cause - this.shares.firstBehind;
      kind.behind.set(interval, (kind.behind.get(interval) ?? 0) + 1);
    }
  }

  /** Those drawn together at the window's end. */
  #addCut(thread: number): void {
    const { first, from, to, what } = this.shares.trace;
    const end = first[thread + 1];
    const i = firstEndingAfter(to, first[thread], end, this.span.to);
    if (i < end && from[i] < this.span.to && this.shares.isTogether[what[i]] === 1) this.#addTogether(i, this.span.to);
  }

  #addTogether(i: number, until: number): void {
    const { from, to, parts } = this.shares.trace;
    const ns = until - Math.max(from[i], this.span.from);
    for (const part of portions(parts.get(i) ?? [], ns, to[i] - from[i])) {
      const kind = this.#kindOf[part.what];
      const isCounted = this.counted?.isPart(part) !== false;
      if (kind && isCounted) kind.sums[this.shares.causeOf[part.what]] += part.ns;
    }
  }

  rows(): Blame[] {
    const byName = new Map<string, Blame>();
    for (const [name, kind] of this.#kinds) {
      this.#expand(kind);
      kind.sums.forEach((ns, at) => {
        if (ns > 0) this.#addRow(byName, name, at, ns);
      });
    }
    return [...byName].sort(([a, x], [b, y]) => y.ns - x.ns || (a < b ? -1 : 1)).map(([, row]) => row);
  }

  #addRow(rows: Map<string, Blame>, kind: string, at: number, ns: number): void {
    const [cause, detail] = this.shares.causes[at];
    const key = `${kind}\u0000${cause}\u0000${detail ?? "\u0001"}`;
    const row = rows.get(key);
    if (row) row.ns += ns;
    else rows.set(key, { kind, cause, detail, ns });
  }

  /** The causes of waits that are causes; theirs may be such waits, too, but only of waits that were known before. */
  #expand(kind: Kind): void {
    const { seq, start, size, list } = this.shares;
    const times = kind.behind;
    const todo = [...times.keys()].sort((a, b) => seq[a] - seq[b]);
    for (let wait = todo.pop(); wait !== undefined; wait = todo.pop()) {
      const n = times.get(wait)!;
      times.delete(wait);
      for (let at = start[wait], last = at + size[wait]; at < last; at++) {
        const cause = list.cause[at];
        const before = times.size;
        if (cause < this.shares.firstBehind) kind.sums[cause] += n * list.ns[at];
        else times.set(cause - this.shares.firstBehind, (times.get(cause - this.shares.firstBehind) ?? 0) + n);
        if (times.size > before) insert(todo, cause - this.shares.firstBehind, seq);
      }
    }
  }
}

/** Keeps the one that was known last at the end. */
function insert(todo: number[], wait: number, seq: Uint32Array): void {
  let low = 0;
  let high = todo.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (seq[todo[middle]] < seq[wait]) low = middle + 1;
    else high = middle;
  }
  todo.splice(low, 0, wait);
}
