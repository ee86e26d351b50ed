/** The timeline's part of the page. */

import { append, h, replace } from "../dom";
import { instant } from "../format";
import type { State } from "../state";
import type { Run, Trace } from "../types";
import { groupName } from "../ui/names";
import { TimelineCanvas } from "./canvas";
import { describe, sentence, threadLabel } from "./describe";
import { bindKeys } from "./keys";
import { bindPointer } from "./pointer";
import { Tooltip } from "./tooltip";

const LABEL =
  "Timeline of all threads. Arrow keys move between threads and in time, plus and minus zoom, Enter selects what the " +
  "thread does there, n and p its next and previous interval, c the next hop of its chain, brackets set the window, " +
  "0 shows the whole run, Backspace the view before, Escape clears. The tables below say the same in text.";

/** Puts the timeline, or why there is none, into an element. */
export function mountTimeline(run: Run, state: State, element: HTMLElement): void {
  element.classList.add("timeline");
  const show = () => {
    if (state.trace === "ready" && run.trace) replace(element, ...build(run, run.trace, state));
    else replace(element, h("p", { class: "muted" }, ...whyNone(state)));
  };
  show();
  state.subscribe((_, change) => {
    if (change === "trace") show();
  });
}

function whyNone(state: State): (string | HTMLElement)[] {
  if (state.trace === "loading") return ["The intervals are being unpacked …"];
  if (state.trace === "damaged") return [state.problem ?? "The intervals in this page are damaged."];
  const command = h("code", {}, "waitscope report RECORDING -o run.html");
  return ["This page was made from a report in JSON, which has no intervals: ", command, " shows them."];
}

function build(run: Run, trace: Trace, state: State): HTMLElement[] {
  if (trace.from.length === 0) return [h("p", { class: "muted" }, "Nothing was observed, so there is no timeline.")];
  const strip = h("canvas", { class: "tl-overview", "aria-hidden": "true" });
  const canvas = h("canvas", { class: "tl-canvas", tabindex: 0, role: "application", "aria-label": LABEL });
  const spacer = h("div", { class: "tl-spacer" }, canvas);
  const scroller = h("div", { class: "tl-scroll" }, spacer);
  const live = h("div", { class: "hidden", role: "status", "aria-live": "polite" });
  const tooltip = new Tooltip();
  const frame = h("div", { class: "tl-frame" }, strip, scroller, tooltip.element, live);
  const tools = h("div", { class: "tl-tools", role: "group", "aria-label": "timeline" });
  // Sizes are known only in the page.
  requestAnimationFrame(() => {
    const timeline = new TimelineCanvas(run, trace, state, canvas, scroller, spacer, strip);
    timeline.announce = (text) => void (live.textContent = text);
    bindPointer(timeline, tooltip);
    bindKeys(timeline);
    addTools(tools, timeline);
    announceSelection(timeline);
    timeline.revealSelection();
  });
  return [tools, frame, hint(run, trace)];
}

function addTools(element: HTMLElement, timeline: TimelineCanvas): void {
  const { state } = timeline;
  const middle = () => (state.view.from + state.view.to) / 2;
  const button = (text: string, label: string, onclick: () => void) =>
    h("button", { type: "button", title: label, "aria-label": label, onclick }, text);
  append(element, [
    button("−", "zoom out", () => timeline.zoom(1 / 2, middle())),
    button("+", "zoom in", () => timeline.zoom(2, middle())),
    button("show all", "show all of the run", () => state.setView(null)),
    button("window", "show the window", () => state.setView(state.window)),
    button("unfold all", "unfold all groups", () => timeline.toggleAll(true)),
    button("fold all", "fold all groups", () => timeline.toggleAll(false)),
    dragSwitch(timeline),
  ]);
}

/** For fingers, and for who does not know of Shift. */
function dragSwitch(timeline: TimelineCanvas): HTMLElement {
  const element = h("button", { type: "button", "aria-pressed": "false" }, "drag sets window");
  element.addEventListener("click", () => {
    timeline.dragSetsWindow = !timeline.dragSetsWindow;
    element.setAttribute("aria-pressed", String(timeline.dragSetsWindow));
  });
  return element;
}

const MOUSE =
  "Drag to move, Ctrl + wheel or two fingers to zoom; Shift + drag, or a drag in the axis or the overview to set the " +
  "window. A click on a wait unfolds its chain.";
const TOUCH =
  "Drag to move, two fingers to zoom; a long press says what is there, and with a drag behind it, or a drag in the " +
  "overview, sets the window. A tap on a wait unfolds its chain.";

function hint({ report }: Run, trace: Trace): HTMLElement {
  const leftOut = report.filter ? ", faint is what the filter leaves out" : "";
  const together =
    trace.resolution_ns > 0
      ? " Neighbours shorter than the page's resolution are drawn together, above each other by their share."
      : "";
  return h(
    "p",
    { class: "muted tl-hint" },
    `${matchMedia("(pointer: coarse)").matches ? TOUCH : MOUSE} The thick line is the critical path, faded are waits ` +
      `that ended with their own timeout${leftOut}, hatched is lost, ✕ did not end cleanly.${together}`,
  );
}

/** For screen readers. */
function announceSelection(timeline: TimelineCanvas): void {
  const { state, run } = timeline;
  state.subscribe((_, change) => {
    if (change !== "selection") return;
    const { thread, interval } = state.selection;
    if (thread === null) timeline.announce("nothing is selected");
    else if (interval === null) timeline.announce(`thread ${threadLabel(run, thread)}`);
    else timeline.announce(sentence(describe(run, timeline.scene.trace, interval, thread)));
  });
  timeline.announceRow = (index, at) => {
    const row = timeline.scene.layout.rows[index];
    if (!row) return;
    const name = row.type === "thread" ? threadLabel(run, row.thread) : groupName(run.report, row.group);
    const fold = row.type === "group" ? (timeline.scene.layout.open[row.group] ? ", open" : ", folded") : "";
    timeline.announce(`${row.type === "gil" ? "interpreter lock of " : ""}${name}${fold}, at ${instant(at)}`);
  };
}
