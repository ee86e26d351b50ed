/**
 * What a thread did in a stretch of any length, without a look at each of its intervals: sums of blocks of them, of
 * blocks of blocks, and so on.
 */

import type { Part, Site, Trace, What } from "../types";
import type { Counted } from "./filter";
import { firstEndingAfter, firstEndingAfterNear } from "./intervals";

/** Intervals of the smallest blocks. */
const BLOCK = 32;

/** States that are no finished waits; `codes` has kinds of waits behind them. */
export const ON_CPU = 0;
export const RUNQUEUE = 1;
export const UNKNOWN = 2;
export const OPEN = 3;

/** How a kind of wait is drawn: lighter where its own timeout ended it, faint where the filter leaves it out. */
export type Shade = "full" | "timeout" | "faint";

/** Kinds that nothing but their time ends. */
const ENDED_BY_TIME = new Set(["sleep", "timer"]);

/** What a thread did in a stretch, ns. */
export interface Mix {
  cpu: number;
  queue: number;
  unknown: number;
  wait: number;
  /** The code of what most of the waits were, and how long. */
  kind: number;
  kindNs: number;
}

/** One kind of block: sums of each, as columns. */
class Level {
  readonly cpu: Float32Array;
  readonly queue: Float32Array;
  readonly unknown: Float32Array;
  readonly wait: Float32Array;
  readonly kind: Uint8Array;
  readonly kindNs: Float32Array;

  constructor(blocks: number) {
    this.cpu = new Float32Array(blocks);
    this.queue = new Float32Array(blocks);
    this.unknown = new Float32Array(blocks);
    this.wait = new Float32Array(blocks);
    this.kind = new Uint8Array(blocks).fill(OPEN);
    this.kindNs = new Float32Array(blocks);
  }

  get blocks(): number {
    return this.cpu.length;
  }
}

export class Levels {
  /** What a code means: a state, or a kind of wait. */
  readonly codes: string[] = ["on-cpu", "runqueue", "unknown", "open"];
  /** By code. */
  readonly shades: Shade[] = ["full", "full", "full", "full"];
  /** By `whats`; of those drawn together that of the largest part is not known here: `UNKNOWN`. */
  readonly codeOf: Uint8Array;
  /** By code: that of waits which are left out. */
  readonly #faintOf: Uint8Array;
  readonly #isTogether: Uint8Array;
  readonly #isWait: Uint8Array;
  readonly #levels: Level[] = [];
  /** Sums by code of the present stretch. */
  readonly #kinds = new Float64Array(256);

  constructor(
    readonly trace: Trace,
    private readonly counted: Counted | null = null,
  ) {
    this.codeOf = Uint8Array.from(trace.whats, (what) => this.#code(what, trace.sites));
    this.#isWait = Uint8Array.from(trace.whats, (what) => Number(what.state === "wait"));
    const faint = (kind: string, code: number) => (code > OPEN ? this.#codeOfKind(kind, "faint") : code);
    this.#faintOf = Uint8Array.from(counted ? [...this.codes] : [], faint);
    this.#isTogether = Uint8Array.from(trace.whats, (what) => Number(what.state === "together"));
    this.#levels.push(this.#smallest());
    while (this.#levels.at(-1)!.blocks > 1) this.#levels.push(pairs(this.#levels.at(-1)!));
  }

  #code(what: What, sites: Site[]): number {
    if (what.state === "on-cpu") return ON_CPU;
    if (what.state === "runqueue") return RUNQUEUE;
    if (what.state === "open") return OPEN;
    if (what.state !== "wait") return UNKNOWN;
    const kind = sites[what.site!].kind;
    return this.#codeOfKind(kind, this.#isTimeout(what, kind) ? "timeout" : "full");
  }

  /** Nobody was waited for in the end: what else a timer ends is a try for an interpreter lock. */
  #isTimeout({ wake, by }: What, kind: string): boolean {
    if (wake === undefined || by === true || ENDED_BY_TIME.has(kind)) return false;
    return this.trace.wakes[wake].source === "timer";
  }

  #codeOfKind(kind: string, shade: Shade): number {
    // A kind that is called as a state is: `unknown`.
    const known = this.codes.findIndex((name, code) => code > OPEN && name === kind && this.shades[code] === shade);
    if (known >= 0) return known;
    // Codes are bytes; a hostile page may have any number of kinds.
    if (this.codes.length > 250) return UNKNOWN;
    this.shades.push(shade);
    return this.codes.push(kind) - 1;
  }

  /** What an interval is, and whether it is left out. */
  codeAt(i: number): number {
    const { what, from, to } = this.trace;
    const code = this.codeOf[what[i]];
    const isFaint = this.counted && this.#isWait[what[i]] === 1 && !this.counted.isWait(what[i], to[i] - from[i]);
    return isFaint ? this.#faintOf[code] : code;
  }

  codeOfPart(part: Part): number {
    const code = this.codeOf[part.what];
    return this.counted?.isPart(part) === false ? this.#faintOf[code] : code;
  }

  #smallest(): Level {
    const { from, to, what } = this.trace;
    const level = new Level(Math.max(1, Math.ceil(from.length / BLOCK)));
    const kinds = this.#kinds;
    const mix = emptyMix();
    for (let block = 0; block < level.blocks; block++) {
      this.clear(mix);
      const end = Math.min(from.length, (block + 1) * BLOCK);
      for (let i = block * BLOCK; i < end; i++) {
        if (this.#isTogether[what[i]] === 1) this.#addTogether(mix, i, 1);
        else addCode(mix, kinds, this.codeAt(i), to[i] - from[i]);
      }
      put(level, block, mix);
    }
    return level;
  }

  #addTogether(mix: Mix, i: number, share: number): void {
    for (const part of this.trace.parts.get(i) ?? []) {
      addCode(mix, this.#kinds, this.codeOfPart(part), part.ns * share);
    }
  }

  /** Begins a stretch. */
  clear(mix: Mix): void {
    mix.cpu = mix.queue = mix.unknown = mix.wait = mix.kindNs = 0;
    mix.kind = OPEN;
    this.#kinds.fill(0, 0, this.codes.length);
  }

  /** The first interval of a thread that ends behind an instant. */
  firstAfter(thread: number, at: number): number {
    const { first, to } = this.trace;
    return firstEndingAfter(to, first[thread], first[thread + 1], at);
  }

  /**
   * What a thread did between two instants; `i` is its first interval that ends behind the first of them. Returns the
   * first that ends behind the second one.
   */
  add(mix: Mix, thread: number, i: number, low: number, high: number): number {
    const { first, from, to } = this.trace;
    const end = first[thread + 1];
    if (i >= end || from[i] >= high) return i;
    if (from[i] < low || to[i] > high) {
      this.#addOne(mix, i, low, high);
      if (to[i] > high) return i;
      i++;
    }
    const behind = firstEndingAfterNear(to, i, end, high, i);
    this.#addBlocks(mix, i, behind);
    if (behind < end && from[behind] < high) this.#addOne(mix, behind, low, high);
    return behind;
  }

  #addOne(mix: Mix, i: number, low: number, high: number): void {
    const { from, to, what } = this.trace;
    const ns = Math.min(to[i], high) - Math.max(from[i], low);
    if (ns <= 0) return;
    if (this.#isTogether[what[i]] === 1) this.#addTogether(mix, i, ns / (to[i] - from[i]));
    else addCode(mix, this.#kinds, this.codeAt(i), ns);
  }

  /** Whole intervals: one by one at both ends, as the largest blocks in between. */
  #addBlocks(mix: Mix, from: number, to: number): void {
    let i = from;
    while (i < to) {
      if (i % BLOCK !== 0 || i + BLOCK > to) {
        this.#addOne(mix, i, -Infinity, Infinity);
        i++;
        continue;
      }
      let level = 0;
      let block = i / BLOCK;
      while (block % 2 === 0 && level + 1 < this.#levels.length && i + (BLOCK << (level + 1)) <= to) {
        block /= 2;
        level++;
      }
      addBlock(mix, this.#kinds, this.#levels[level], block);
      i += BLOCK << level;
    }
  }
}

export function emptyMix(): Mix {
  return { cpu: 0, queue: 0, unknown: 0, wait: 0, kind: OPEN, kindNs: 0 };
}

function addCode(mix: Mix, kinds: Float64Array, code: number, ns: number): void {
  if (code === ON_CPU) mix.cpu += ns;
  else if (code === RUNQUEUE) mix.queue += ns;
  else if (code === UNKNOWN) mix.unknown += ns;
  else {
    mix.wait += ns;
    addKind(mix, kinds, code, ns);
  }
}

function addKind(mix: Mix, kinds: Float64Array, code: number, ns: number): void {
  const sum = (kinds[code] += ns);
  if (sum <= mix.kindNs) return;
  mix.kind = code;
  mix.kindNs = sum;
}

function addBlock(mix: Mix, kinds: Float64Array, level: Level, block: number): void {
  mix.cpu += level.cpu[block];
  mix.queue += level.queue[block];
  mix.unknown += level.unknown[block];
  mix.wait += level.wait[block];
  if (level.kindNs[block] > 0) addKind(mix, kinds, level.kind[block], level.kindNs[block]);
}

function put(level: Level, block: number, mix: Mix): void {
  level.cpu[block] = mix.cpu;
  level.queue[block] = mix.queue;
  level.unknown[block] = mix.unknown;
  level.wait[block] = mix.wait;
  level.kind[block] = mix.kind;
  level.kindNs[block] = mix.kindNs;
}

/** Blocks of two blocks. Of both kinds the larger one stands for the waits of both. */
function pairs(below: Level): Level {
  const level = new Level(Math.ceil(below.blocks / 2));
  for (let block = 0; block < level.blocks; block++) {
    const [a, b] = [2 * block, 2 * block + 1];
    const alone = b >= below.blocks;
    level.cpu[block] = below.cpu[a] + (alone ? 0 : below.cpu[b]);
    level.queue[block] = below.queue[a] + (alone ? 0 : below.queue[b]);
    level.unknown[block] = below.unknown[a] + (alone ? 0 : below.unknown[b]);
    level.wait[block] = below.wait[a] + (alone ? 0 : below.wait[b]);
    const isSame = !alone && below.kind[a] === below.kind[b];
    const larger = alone || below.kindNs[a] >= below.kindNs[b] ? a : b;
    level.kind[block] = below.kind[larger];
    level.kindNs[block] = below.kindNs[larger] + (isSame ? below.kindNs[larger === a ? b : a] : 0);
  }
  return level;
}
