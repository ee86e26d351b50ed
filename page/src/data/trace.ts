/** The trace's columns → arrays by interval. See README.md for the format. */

import type { Part, Report, Site, Trace, Wake, What } from "../types";
import { Damaged } from "./damaged";
import { Column, unzigzag } from "./leb128";

interface Header {
  version: number;
  unit_ns: number;
  resolution_ns: number;
  intervals: number;
  columns: Record<string, number>;
  whats: What[];
  sites: Site[];
  causes: [string, string | null][];
  wakes: Wake[];
  gil: [number, number, number, number][];
}

const COLUMNS = ["count", "from", "ns", "what", "by", "parts"] as const;
type Columns = Record<(typeof COLUMNS)[number], Column>;

/** More would not fit into the memory of a browser; a damaged header may say anything. */
const MOST_INTERVALS = 50_000_000;

/** A trace; throws `Damaged`, with one sentence. */
export function decodeTrace(bytes: Uint8Array, report: Report): Trace {
  try {
    return decode(bytes, report.threads.length);
  } catch (error) {
    if (error instanceof Damaged) throw error;
    const why = error instanceof RangeError ? error.message : "their header makes no sense";
    throw new Damaged(`The intervals in this page are damaged, so there is no timeline: ${why}.`);
  }
}

function decode(bytes: Uint8Array, threads: number): Trace {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 4) throw new RangeError("their header is missing");
  const behind = 4 + view.getUint32(0, true);
  if (behind > bytes.length) throw new RangeError("their header is cut");
  const header = readHeader(new TextDecoder().decode(bytes.subarray(4, behind)), threads);
  const columns = split(bytes, behind, header);
  const trace = empty(header, threads);
  readIntervals(trace, header, columns, threads);
  if (!COLUMNS.every((name) => columns[name].isAtEnd)) throw new RangeError("a column is too long");
  return trace;
}

function readHeader(text: string, threads: number): Header {
  const header = JSON.parse(text) as Header;
  if (header.version !== 1) {
    throw new Damaged("The intervals in this page are of a newer version than the page, so there is no timeline.");
  }
  if (!isCount(header.unit_ns, 1e12) || header.unit_ns === 0) throw new RangeError("their unit makes no sense");
  if (!isCount(header.intervals, MOST_INTERVALS)) throw new RangeError("their number makes no sense");
  const { whats, sites, causes, wakes } = header;
  for (const what of whats) {
    const known = ["on-cpu", "runqueue", "unknown", "wait", "open", "together"].includes(what.state);
    if (!known) throw new RangeError("a state is not known");
    if (what.site !== undefined && !isIndex(what.site, sites)) throw new RangeError("a place is missing");
    if (what.cause !== undefined && !isIndex(what.cause, causes)) throw new RangeError("a cause is missing");
    if (what.wake !== undefined && !isIndex(what.wake, wakes)) throw new RangeError("a waking is missing");
    const waits = what.state === "wait" || what.state === "open";
    if (waits && what.site === undefined) throw new RangeError("a wait has no place");
  }
  header.gil = (header.gil ?? []).filter(([, thread]) => isCount(thread, threads - 1));
  return header;
}

function isCount(n: unknown, most: number): n is number {
  return typeof n === "number" && Number.isInteger(n) && n >= 0 && n <= most;
}

function isIndex(n: number, list: unknown[]): boolean {
  return isCount(n, list.length - 1);
}

function split(bytes: Uint8Array, from: number, header: Header): Columns {
  let at = from;
  const columns: Partial<Columns> = {};
  for (const name of COLUMNS) {
    const length = header.columns[name] ?? 0;
    if (!isCount(length, bytes.length - at)) throw new RangeError("a column is cut");
    columns[name] = new Column(bytes, at, length);
    at += length;
  }
  return columns as Columns;
}

function empty(header: Header, threads: number): Trace {
  const n = header.intervals;
  return {
    unit_ns: header.unit_ns,
    resolution_ns: header.resolution_ns,
    whats: header.whats,
    sites: header.sites,
    causes: header.causes,
    wakes: header.wakes,
    gil: header.gil,
    first: new Uint32Array(threads + 1),
    from: new Float64Array(n),
    to: new Float64Array(n),
    what: header.whats.length > 0xffff ? new Uint32Array(n) : new Uint16Array(n),
    by: (threads > 0x7fff ? new Int32Array(n) : new Int16Array(n)).fill(-1),
    parts: new Map(),
  };
}

function readIntervals(trace: Trace, header: Header, columns: Columns, threads: number): void {
  const isBy = Uint8Array.from(header.whats, (what) => Number(what.by === true));
  const isTogether = Uint8Array.from(header.whats, (what) => Number(what.state === "together"));
  const { from, to, what, by, unit_ns: unit } = trace;
  let i = 0;
  for (let thread = 0; thread < threads; thread++) {
    const end = i + columns.count.next();
    if (end > header.intervals) throw new RangeError("a thread has too many");
    let at = columns.from.next() * unit;
    for (; i < end; i++) {
      from[i] = at;
      at += columns.ns.next() * unit;
      to[i] = at;
      const kind = columns.what.next();
      if (kind >= isBy.length) throw new RangeError("one is of no known kind");
      what[i] = kind;
      if (isBy[kind] === 1) by[i] = readBy(columns.by, thread, threads);
      if (isTogether[kind] === 1) trace.parts.set(i, readParts(columns.parts, header, isTogether));
    }
    trace.first[thread + 1] = end;
  }
  if (i !== header.intervals) throw new RangeError("some are missing");
}

function readBy(column: Column, thread: number, threads: number): number {
  const by = thread + unzigzag(column.next());
  if (by < 0 || by >= threads) throw new RangeError("a thread is missing");
  return by;
}

function readParts(column: Column, header: Header, isTogether: Uint8Array): Part[] {
  const parts: Part[] = [];
  for (let left = column.next(); left > 0; left--) {
    const part = { what: column.next(), count: column.next(), ns: column.next() * header.unit_ns };
    if (part.what >= header.whats.length || isTogether[part.what] === 1) {
      throw new RangeError("a part is of no known kind");
    }
    parts.push(part);
  }
  return parts;
}
