/** Reads what the page holds and puts its parts up: the report at once, the intervals when they are unpacked. */

import { h } from "./dom";
import { hasTrace, readReport, readTrace } from "./data/blocks";
import { Damaged } from "./data/damaged";
import { pause } from "./model/pause";
import { State } from "./state";
import type { Run } from "./types";
import { mountAll } from "./ui/mount";

async function start(): Promise<void> {
  const root = document.querySelector<HTMLElement>("main#page");
  if (!root) return;
  try {
    const report = await readReport(document);
    const run: Run = { report, trace: null };
    const state = new State(run, hasTrace(document) ? "loading" : "none");
    mountAll(run, state, root);
    if (state.trace === "loading") await loadTrace(run, state);
    // Before that an instant would be no interval; and a reader who was faster than it stays there.
    if (state.selection.thread === null && state.isWholeWindow) state.restore();
    addEventListener("hashchange", () => state.restore());
  } catch (error) {
    root.append(h("p", { class: "damaged", role: "alert" }, sentenceOf(error)));
  }
}

async function loadTrace(run: Run, state: State): Promise<void> {
  // What is there already is shown first.
  await new Promise<void>((resolve) => requestAnimationFrame(() => resolve(pause())));
  try {
    run.trace = await readTrace(document, run.report);
    state.traceArrived(null);
  } catch (error) {
    state.traceArrived(sentenceOf(error));
  }
}

function sentenceOf(error: unknown): string {
  return error instanceof Damaged ? error.message : "This page could not be shown; its text is below.";
}

void start();
