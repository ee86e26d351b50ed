/** Which stretch of the run all numbers are of, and a way to set it in numbers. */

import { h, replace } from "../dom";
import { instant, percent, time } from "../format";
import type { Span } from "../types";
import type { Context } from "./context";
import { type Dialog, dialog } from "./dialog";

/** `whole run 538 ms`, or `window 120.000 – 340.000 ms (220 ms)`. */
export function windowWords(span: Span, isWhole: boolean): string {
  const length = time(span.to - span.from);
  if (isWhole) return `whole run ${length}`;
  return `window ${instant(span.from).replace(" ms", "")} – ${instant(span.to)} (${length})`;
}

export function windowBar(context: Context, openDialog: () => void): HTMLElement {
  const { state, numbers } = context;
  const says = h("span", { class: "says" });
  const ofIt = h("span", { class: "wide-only" });
  const busy = h("span", { class: "busy" });
  const whole = h("button", { type: "button", onclick: () => state.setWindow(null) }, "✕", wide(" whole run"));
  const set = h("button", { type: "button", onclick: openDialog, title: "w" }, "set", wide(" window"), " …");
  const element = h("div", { class: "window" }, h("span", { class: "of" }, says, ofIt), busy, whole, set);
  const show = (): void => {
    const isWhole = state.isWholeWindow;
    const about = numbers.approximate && !isWhole ? `, ≈ where ${whyAbout(context)}` : "";
    const [first, ...rest] = windowWords(state.window, isWhole).split(" ");
    replace(says, isWhole ? first : wide(first), ` ${rest.join(" ")}`);
    ofIt.textContent = isWhole ? "" : `: all numbers below are of it${about}`;
    whole.hidden = isWhole;
    document.body.classList.toggle("windowed-page", !isWhole);
    element.parentElement?.classList.toggle("windowed", !isWhole);
  };
  state.subscribe((_, change) => change === "window" && show());
  numbers.watch((progress) => {
    busy.textContent = progress === null ? "" : `adding up … ${percent(progress, 1)}`;
    if (progress === null) show();
  });
  queueMicrotask(show);
  set.hidden = !canSet(context);
  state.subscribe((_, change) => change === "trace" && (set.hidden = !canSet(context)));
  return element;
}

/** Where there is no room it is for screen readers only. */
function wide(text: string): HTMLElement {
  return h("span", { class: "wide-only" }, text);
}

function whyAbout({ run }: Context): string {
  const unit = run.trace?.unit_ns ?? 1;
  return unit > 1 ? `times are rounded to ${time(unit)}` : "short intervals at its ends count in proportion";
}

function canSet(context: Context): boolean {
  return context.state.trace === "ready";
}

/** From and to in ms. */
export function windowDialog(context: Context): Dialog {
  const { state } = context;
  const field = (label: string): HTMLInputElement =>
    h("input", { type: "number", step: "any", min: 0, "aria-label": `${label}, ms` });
  const [from, to] = [field("from"), field("to")];
  const problem = h("p", { class: "lost", role: "alert" });
  const form = h("form", { method: "dialog" });
  const fields = h("p", {}, "from ", from, " to ", to, " ms since the start of the run");
  replace(form, fields, problem, h("button", {}, "set the window"));
  const box = dialog("Window", "window-set", form);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const span = { from: Number(from.value) * 1e6, to: Number(to.value) * 1e6 };
    const isEmpty = !(span.to > span.from) || span.from >= state.whole.to;
    if (isEmpty) return void (problem.textContent = "The window is empty.");
    box.close();
    state.setWindow(span);
  });
  const open = (): void => {
    problem.textContent = "";
    [from.value, to.value] = [state.window.from, state.window.to].map((ns) => String(ns / 1e6)) as [string, string];
    box.open();
    from.focus();
  };
  return { ...box, open };
}
