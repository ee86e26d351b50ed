/**
 * Which intervals are in which row of a group's budget: the longest of each, and what they are on. The report's own
 * longest is of a place, and rows are of a place and what kind of thing ended the waits.
 */

import { type Counted, countedOf } from "../model/filter";
import { clipped, firstEndingAfter } from "../model/intervals";
import { threadsOfGroup } from "../model/window";
import type { Report, Run, Site, Span, Trace, What } from "../types";
import { type FullWait, type Row, stackOf, type Waits } from "./rows";
import { idleIn } from "./wakes";
import { wakerOf, type Waker } from "./woken";

/** What of a row is in the trace. */
export interface Inside {
  /** The longest that is drawn by itself; −1 if none is. */
  interval: number;
  /** What of it lies in the window. */
  ns: number;
  /** All of their time, and that of those that are drawn by themselves. */
  sum: number;
  alone: number;
  objects: Set<string | null>;
}

/** The longest wait of a row; `atLeast`: there may be a longer one, or it began before the window. */
export interface Longest {
  ns: number;
  atLeast: boolean;
  /** Where it is. */
  interval: number | null;
}

/** Of each row of a group's budget in the span what is in the trace. */
export function insideRows(run: Run, group: number, rows: readonly Row[], span: Span): Inside[] {
  const trace = run.trace;
  if (!trace) return [];
  const looking = new Looking(run.report, trace, group, rows, span, countedOf(run));
  for (const thread of threadsOfGroup(run, group)) looking.addThread(thread);
  return looking.finish();
}

/** `isWhole`: of the whole run, of which the report's longest are. */
export function longestOfRow(trace: Trace | null, row: Row, inside: Inside | null, isWhole: boolean): Longest | null {
  if (row.state !== "wait") return null;
  const known = isWhole ? row.max : null;
  if (!trace || !inside || inside.interval < 0) {
    return row.max === null ? null : { ns: row.max, atLeast: false, interval: null };
  }
  if (isWhole && row.waits?.wakers && !isSure(trace, row, inside)) return null;
  const { interval, ns } = inside;
  // It is drawn together with others, or known from a sum only.
  if (known !== null && known > ns + rounding(trace)) return { ns: known, atLeast: false, interval: null };
  const isCut = ns + rounding(trace) < trace.to[interval] - trace.from[interval];
  const isHidden = known === null && ns < trace.resolution_ns;
  return { ns: known ?? ns, atLeast: isCut || isHidden, interval };
}

/**
 * Whether its intervals are those that the report means: where one thing ended waits at a place in several ways, the
 * trace does not say which way ended each. Of what is drawn together it does not say who did.
 */
function isSure({ resolution_ns }: Trace, row: Row, { sum, alone }: Inside): boolean {
  const most = row.ns * 1.001;
  return resolution_ns > 0 ? alone <= most : sum <= most && sum * 1.001 >= row.ns;
}

/** How far a length may be from what it was. */
function rounding({ unit_ns }: Trace): number {
  return unit_ns > 1 ? 2 * unit_ns : 0;
}

/** What the waits of a row are on: the object where it is one, else how many; nothing where that is not known. */
export function objectOfRow(report: Report, group: number, row: Row, inside: Inside | null): string | number | null {
  if (row.object !== null || !row.waits) return row.object;
  const objects = inside ? inside.objects : objectsInReport(report, group, row.waits);
  const isAll = !inside || inside.sum * 1000 >= row.ns * 999;
  const known = [...objects].filter((object) => object !== null);
  if (known.length === 1) return isAll && objects.size === 1 ? known[0] : null;
  return known.length > 1 ? known.length : null;
}

/** Which object waits that one waker ended are on is not in the report. */
function objectsInReport(report: Report, group: number, row: Waits): Set<string | null> {
  const objects = new Set<string | null>();
  if (row.wakers !== null || !row.finished) return objects;
  for (const thread of report.threads) {
    if (thread.group !== group) continue;
    for (const wait of thread.waits as readonly FullWait[]) {
      if (isOf(row, wait) && (wait.idle === true) === row.idle) objects.add(wait.object);
    }
  }
  return objects;
}

function isOf(row: Waits, site: Site): boolean {
  return row.kind === site.kind && row.stack === stackOf(site);
}

class Looking {
  readonly #inside: Inside[];
  /** By `what`, those that were ended by a thread of the group behind the others: the row, or −1. */
  readonly #rowOf: Int32Array;
  /** Of waits that are not finished, by `what`. */
  readonly #openIn: Int32Array;
  readonly #seen: Uint8Array;
  readonly #isSibling: Uint8Array;

  constructor(
    report: Report,
    private readonly trace: Trace,
    group: number,
    rows: readonly Row[],
    private readonly span: Span,
    private readonly counted: Counted | null,
  ) {
    const { whats, sites } = trace;
    const siteOf = ({ site }: What): Site | null => (site === undefined ? null : sites[site]);
    const isIdle = idleIn(report, group);
    const rowFor = (what: What, isSibling: boolean): number => {
      const site = siteOf(what);
      if (!site) return rows.findIndex((row) => !row.waits && row.state === what.state);
      const waker = wakerIn(trace, what, report.groups[group].name, isSibling);
      return rows.findIndex(({ waits }) => waits && isFinishedIn(waits, site, isIdle(site), waker));
    };
    const openRow = (site: Site): number => rows.findIndex(({ waits }) => waits?.open && isOf(waits, site));
    this.#rowOf = Int32Array.from([false, true].flatMap((is) => whats.map((what) => rowFor(what, is))));
    this.#openIn = Int32Array.from(whats, (what) => (siteOf(what) ? openRow(siteOf(what)!) : -1));
    this.#seen = new Uint8Array(3 * whats.length);
    const name = report.groups[group].name;
    this.#isSibling = Uint8Array.from(report.threads, (one) => Number(report.groups[one.group]?.name === name));
    this.#inside = rows.map(() => ({ interval: -1, ns: 0, sum: 0, alone: 0, objects: new Set() }));
  }

  addThread(thread: number): void {
    const { from, to, first, what, whats, parts } = this.trace;
    const end = first[thread + 1];
    for (let i = firstEndingAfter(to, first[thread], end, this.span.from); i < end && from[i] < this.span.to; i++) {
      const ns = clipped(from[i], to[i], this.span.from, this.span.to);
      const { state } = whats[what[i]];
      if (state === "together") {
        const counted = (parts.get(i) ?? []).filter((part) => this.counted?.isPart(part) !== false);
        for (const part of counted) this.#add(part.what, (part.ns * ns) / Math.max(1, to[i] - from[i]), -1);
      } else if (state === "open" || (state === "wait" && to[i] > this.span.to)) this.#addOpen(i, ns);
      else if (this.#isCounted(i, ns)) this.#add(what[i] + this.#ofSibling(i), ns, i);
    }
  }

  /** What is no wait always is. */
  #isCounted(i: number, ns: number): boolean {
    const what = this.trace.what[i];
    return this.trace.whats[what].state !== "wait" || this.counted?.isWait(what, ns) !== false;
  }

  #ofSibling(i: number): number {
    const by = this.trace.by[i];
    return by >= 0 && this.#isSibling[by] === 1 ? this.trace.whats.length : 0;
  }

  #addOpen(i: number, ns: number): void {
    const what = this.trace.what[i];
    this.#addTo(this.#openIn[what], 2 * this.trace.whats.length + what, ns, i);
  }

  #add(key: number, ns: number, interval: number): void {
    this.#addTo(this.#rowOf[key], key, ns, interval);
  }

  #addTo(row: number, key: number, ns: number, interval: number): void {
    if (row < 0) return;
    this.#seen[key] = 1;
    const inside = this.#inside[row];
    inside.sum += ns;
    if (interval < 0) return;
    inside.alone += ns;
    if (ns > inside.ns) [inside.interval, inside.ns] = [interval, ns];
  }

  finish(): Inside[] {
    const { whats, sites } = this.trace;
    this.#seen.forEach((seen, key) => {
      const what = key % whats.length;
      const { site } = whats[what];
      if (!seen || site === undefined) return;
      const row = key < 2 * whats.length ? this.#rowOf[key] : this.#openIn[what];
      this.#inside[row].objects.add(sites[site].object);
    });
    return this.#inside;
  }
}

function isFinishedIn(row: Waits, site: Site, isIdle: boolean, waker: Waker): boolean {
  return row.finished && isOf(row, site) && row.idle === isIdle && (row.wakers?.includes(waker) ?? true);
}

/** What kind ended it; of a task that is in the tree the group decides. */
function wakerIn(trace: Trace, what: What, group: string, isSibling: boolean): Waker {
  const wake = what.wake === undefined ? null : trace.wakes[what.wake];
  if (!wake) return "nobody";
  return wakerOf(what.by ? { ...wake, comm: isSibling ? group : null } : wake, group);
}
