/**
 * The part of the address behind `#`: `thread=TID&t=NS` selects what that thread did at that instant,
 * `window=FROM-TO` the window. A tid that several threads had stands as the thread's index, `thread=12i`.
 */

import { intervalAt } from "./model/intervals";
import type { State } from "./state";
import type { Run, Selection, Span } from "./types";

export interface Address {
  window: Span | null;
  selection: Selection | null;
}

/** What the address says of a run; what makes no sense there is left out. */
export function readAddress(hash: string, run: Run): Address {
  const said = new URLSearchParams(hash.replace(/^#/, ""));
  const thread = readThread(said.get("thread"), run);
  const at = Number(said.get("t") ?? NaN);
  const interval = thread !== null && run.trace && Number.isFinite(at) ? intervalAt(run.trace, thread, at) : null;
  return { window: readSpan(said.get("window")), selection: thread === null ? null : { thread, interval } };
}

function readThread(text: string | null, run: Run): number | null {
  const match = /^(\d{1,10})(i?)$/.exec(text ?? "");
  if (!match) return null;
  const number = Number(match[1]);
  const { threads } = run.report;
  const index = match[2] ? number : threads.findIndex((thread) => thread.tid === number);
  return index >= 0 && index < threads.length ? index : null;
}

function readSpan(text: string | null): Span | null {
  const match = /^(\d{1,16})-(\d{1,16})$/.exec(text ?? "");
  if (!match) return null;
  const span = { from: Number(match[1]), to: Number(match[2]) };
  return span.from < span.to ? span : null;
}

/** The address of what is shown; empty if that is all of the run. */
export function addressOf(state: State): string {
  const parts: string[] = [];
  const { thread, interval } = state.selection;
  if (thread !== null) parts.push(`thread=${nameOf(state.run, thread)}`);
  // The middle of an interval is in no other one.
  const trace = state.run.trace;
  if (trace && interval !== null) parts.push(`t=${Math.floor((trace.from[interval] + trace.to[interval]) / 2)}`);
  if (!state.isWholeWindow) parts.push(`window=${state.window.from}-${state.window.to}`);
  return parts.length > 0 ? `#${parts.join("&")}` : "";
}

function nameOf(run: Run, thread: number): string {
  const { tid } = run.report.threads[thread];
  const alone = run.report.threads.every((other, index) => other.tid !== tid || index === thread);
  return alone ? String(tid) : `${thread}i`;
}

/** Keeps the address in step. Browsers refuse that where it comes too often, and in some frames. */
export function writeAddress(state: State): void {
  if (typeof history === "undefined") return;
  try {
    history.replaceState(null, "", addressOf(state) || location.pathname + location.search);
  } catch {
    // A page whose address stays as it was still works.
  }
}
