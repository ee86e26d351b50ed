/**
 * What is behind waits, link by link: the kind of the waits, what those did that ended them, what those waited for
 * that ended that, …, to causes that end it. Every node's time is that of its children together.
 */

import type { Run, Span } from "../types";
import { type Counted, countedOf } from "./filter";
import { firstEndingAfter, firstEndingAfterNear } from "./intervals";
import { inSlices } from "./pause";
import { Pages, Pieces } from "./pieces";
import { Scratch } from "./share_list";
import { type Shares, sharesOf } from "./shares";
import { portions } from "./together";

export interface BlameNode {
  /** Whose doing; `null` at the top, and of a cause that no thread of the tree is. */
  group: number | null;
  /** A kind of wait; `null` of what ends the chain. */
  wait: string | null;
  /** What ends the chain; `null` of a wait. */
  cause: string | null;
  detail: string | null;
  ns: number;
  /** Largest first. */
  children: BlameNode[];
  /** The longest interval of the run that is in it. */
  example: number | null;
}

/** So deep a chain is followed link by link; what is behind that is its causes. */
const DEEPEST = 12;

/** A node with less of the whole than this is not followed either. */
const SMALLEST = 1 / 1000;

/** The tree of the waits of a kind that end in a window, those of some threads. */
export function blameTree(run: Run, threads: Iterable<number>, span: Span, kind: string): BlameNode {
  const shares = sharesOf(run);
  shares.prepare();
  const growing = new Growing(run, shares, threads, span, kind);
  while (!growing.step());
  return growing.root;
}

/** The same in slices; rejects where the signal aborts. */
export async function blameTreeAsync(
  run: Run,
  threads: Iterable<number>,
  span: Span,
  kind: string,
  signal?: AbortSignal,
): Promise<BlameNode> {
  const shares = sharesOf(run);
  await shares.prepared(signal);
  const growing = new Growing(run, shares, threads, span, kind);
  await inSlices(() => growing.step(), signal);
  return growing.root;
}

/** A node while it grows. */
interface Bud {
  node: BlameNode;
  depth: number;
  /** Parts of waits: those that ended them are looked at. */
  pieces: Pieces;
  children: Map<number, Bud>;
  longest: number;
}

type Named = Pick<BlameNode, "group" | "wait" | "cause" | "detail">;

class Growing {
  readonly root: BlameNode;
  readonly #todo: Bud[];
  readonly #scratch = new Scratch(0);
  readonly #counted: Counted | null;
  /** Causes of a piece that are waits as a whole, and how much of each. */
  readonly #behind: number[] = [];
  readonly #pages = new Pages();
  /** By `whats`: which of `#kinds`. */
  readonly #kindOf: Uint16Array;
  readonly #kinds: string[];
  /** By thread: where the last look began; the next one mostly begins near it. */
  readonly #near: Uint32Array;

  constructor(
    private readonly run: Run,
    private readonly shares: Shares,
    threads: Iterable<number>,
    private readonly span: Span,
    private readonly kind: string,
  ) {
    const { whats, sites } = shares.trace;
    this.#kinds = [...new Set(sites.map((site) => site.kind))];
    const kindOf = (site?: number) => (site === undefined ? 0 : this.#kinds.indexOf(sites[site].kind));
    this.#kindOf = Uint16Array.from(whats, ({ site }) => kindOf(site));
    this.#near = shares.trace.first.slice(0, -1);
    this.#counted = countedOf(run);
    const top = this.#bud({ group: null, wait: kind, cause: null, detail: null }, 0);
    this.root = top.node;
    this.#todo = [top];
    for (const thread of threads) this.#addWaits(top, thread);
  }

  #bud(node: Named, depth: number): Bud {
    const grown = { ...node, ns: 0, children: [], example: null };
    return { node: grown, depth, pieces: new Pieces(this.#pages), children: new Map(), longest: 0 };
  }

  /** The waits of a thread itself. */
  #addWaits(top: Bud, thread: number): void {
    const { first, from, to, what, whats, sites } = this.shares.trace;
    const end = first[thread + 1];
    let i = firstEndingAfter(to, first[thread], end, this.span.from);
    for (; i < end && to[i] <= this.span.to; i++) {
      const { state, site } = whats[what[i]];
      if (state === "together") this.#addTogetherAtTop(top, i, to[i]);
      else if (state === "wait" && sites[site!].kind === this.kind) {
        const begin = Math.max(from[i], this.span.from);
        if (this.#counted?.isWait(what[i], to[i] - begin) !== false) this.#follow(top, i, begin, to[i], Infinity);
      }
    }
    // Of those drawn together at the window's end some have ended.
    const isCut = i < end && from[i] < this.span.to && this.shares.isTogether[what[i]] === 1;
    if (isCut) this.#addTogetherAtTop(top, i, this.span.to);
  }

  #addTogetherAtTop(top: Bud, i: number, until: number): void {
    const { from, to, parts, whats, sites } = this.shares.trace;
    const ns = until - Math.max(from[i], this.span.from);
    for (const part of portions(parts.get(i) ?? [], ns, to[i] - from[i])) {
      const { state, site } = whats[part.what];
      if (state !== "wait" || sites[site!].kind !== this.kind || this.#counted?.isPart(part) === false) continue;
      grow(top, i, part.ns);
      this.#end(top, null, this.shares.causeOf[part.what], i, part.ns);
    }
  }

  /**
   * Adds a wait to a node: what ended it is looked at later, or its cause ends it. `at` is the wait that it is behind:
   * of a whole wait its causes are those that were found when it ended.
   */
  #follow(to: Bud, i: number, from: number, until: number, at: number): void {
    const { trace, seq, causeOf, timer } = this.shares;
    grow(to, i, until - from);
    if (trace.by[i] < 0) this.#end(to, null, causeOf[trace.what[i]], i, until - from);
    else if (this.shares.isPendingTry(i, at)) this.#end(to, null, timer, i, until - from);
    else {
      const isWhole = at === Infinity || (trace.from[i] === from && trace.to[i] === until);
      to.pieces.push(i, from, until, isWhole ? seq[i] : at);
    }
  }

  /** A cause ends the chain here. */
  #end(parent: Bud, group: number | null, at: number, i: number | null, ns: number): void {
    if (ns <= 0) return;
    const key = 2 * ((group ?? -1) * this.shares.firstBehind + at) + 1;
    let child = parent.children.get(key);
    if (!child) {
      const [cause, detail] = this.shares.causes[at];
      parent.children.set(key, (child = this.#bud({ group, wait: null, cause, detail }, parent.depth + 1)));
    }
    grow(child, i, ns);
  }

  /** Threads of a group wait in some way. */
  #waiting(parent: Bud, group: number, what: number): Bud {
    const kind = this.#kindOf[what];
    const key = 2 * (group * this.#kinds.length + kind);
    let child = parent.children.get(key);
    if (!child) {
      const wait = this.#kinds[kind];
      parent.children.set(key, (child = this.#bud({ group, wait, cause: null, detail: null }, parent.depth + 1)));
    }
    return child;
  }

  /** Looks at a few pieces; whether there are no more. */
  step(): boolean {
    const now = this.#todo.at(-1);
    if (!now) return true;
    const { by } = this.shares.trace;
    const { pieces } = now;
    const isFollowed = now.depth < DEEPEST && now.node.ns >= this.root.ns * SMALLEST;
    for (let left = 100; left > 0 && !pieces.isEmpty; left--) {
      pieces.take();
      const { wait, from, to, at } = pieces;
      if (isFollowed) this.#look(now, by[wait], from, to, this.shares.seq[wait], at);
      else this.#sum(now, by[wait], from, to, this.shares.seq[wait], at);
    }
    if (pieces.isEmpty) this.#finish(now);
    return this.#todo.length === 0;
  }

  #finish(done: Bud): void {
    this.#todo.pop();
    const children = [...done.children.values()];
    done.node.children = children.map((child) => child.node).sort((a, b) => b.ns - a.ns);
    this.#todo.push(...children.filter((child) => !child.pieces.isEmpty || child.children.size > 0));
  }

  /** The causes of a piece, however far behind they are. */
  #sum(node: Bud, thread: number, from: number, to: number, before: number, at: number): void {
    const { firstBehind } = this.shares;
    const behind = this.#behind;
    this.shares.walk(thread, from, to, before, at, this.#scratch);
    this.#scratch.drain((cause, ns) => void behind.push(cause, ns));
    while (behind.length > 0) {
      const ns = behind.pop()!;
      const cause = behind.pop()!;
      if (cause < firstBehind) this.#end(node, null, cause, null, ns);
      else this.#open(cause - firstBehind);
    }
  }

  /** The causes of a wait that is one to others. */
  #open(wait: number): void {
    const { start, size, list } = this.shares;
    for (let at = start[wait], end = at + size[wait]; at < end; at++) this.#behind.push(list.cause[at], list.ns[at]);
  }

  /** What a thread did in a piece, one child for each kind of doing. */
  #look(node: Bud, thread: number, from: number, to: number, before: number, knownAt: number): void {
    const trace = this.shares.trace;
    const { first } = trace;
    const end = first[thread + 1];
    const birth = first[thread] < end ? trace.from[first[thread]] : Infinity;
    const { creator, group } = this.run.report.threads[thread];
    let at = from;
    if (at < birth) {
      const unborn = Math.min(birth, to);
      if (creator !== null && creator < thread) this.#look(node, creator, at, unborn, before, knownAt);
      else this.#end(node, group, this.shares.unknown, null, unborn - at);
      at = unborn;
    }
    const low = firstEndingAfterNear(trace.to, first[thread], end, at, this.#near[thread]);
    this.#near[thread] = low;
    for (let i = low; i < end && at < to; i++) {
      const until = Math.min(trace.to[i], to);
      if (!this.#did(node, group, i, at, until, before, knownAt)) break;
      at = until;
    }
    this.#end(node, group, this.shares.unknown, null, to - at);
  }

  /** One of its intervals; false where it was not known yet. */
  #did(node: Bud, group: number, i: number, from: number, until: number, before: number, at: number): boolean {
    const { isOpen, isWait, isTogether, causeOf, trace } = this.shares;
    const what = trace.what[i];
    if (isOpen[what] === 1) return false;
    if (isWait[what] === 1) {
      if (!this.shares.isKnown(i, before, at)) return false;
      this.#follow(this.#waiting(node, group, what), i, from, until, at);
    } else if (isTogether[what] === 1) {
      const taken = portions(trace.parts.get(i) ?? [], until - from, trace.to[i] - trace.from[i]);
      for (const part of taken) this.#end(node, group, causeOf[part.what], i, part.ns);
    } else this.#end(node, group, causeOf[what], i, until - from);
    return true;
  }
}

function grow(to: Bud, interval: number | null, ns: number): void {
  to.node.ns += ns;
  if (interval === null || ns <= to.longest) return;
  to.longest = ns;
  to.node.example = interval;
}
