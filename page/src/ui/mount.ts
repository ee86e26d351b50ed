/** Puts the parts on the page, with what leads to them: contents, keys, the bar that says which window is shown. */

import { append, h } from "../dom";
import { counted } from "../format";
import type { State } from "../state";
import { mountTimeline } from "../timeline/mount";
import type { Run } from "../types";
import { mountChain } from "./chain";
import { claims, claimsSummary } from "./claims";
import type { Context } from "./context";
import { cost } from "./cost";
import type { Dialog } from "./dialog";
import { find } from "./find";
import { type Groups, groups } from "./groups";
import { help } from "./help";
import { bindKeys, type Bindings, type KeySwitch } from "./keys";
import { legend } from "./legend";
import { Numbers } from "./numbers";
import { plots } from "./plots";
import { keepSteady } from "./steady";
import { tables } from "./tables";
import { nextTheme, theme } from "./theme";
import { windowBar, windowDialog } from "./window_bar";

interface Section {
  id: string;
  title: string;
  /** The key behind `g`. */
  key: string;
  note: string;
  body: Node[];
}

const PLOTS = "of what the timeline shows; drag to set the window";

/** Everything that the modules show; `root` is `main#page`. */
export function mountAll(run: Run, state: State, root: HTMLElement): void {
  const status = h("div", { class: "hidden", role: "status", "aria-live": "polite" });
  const context: Context = {
    run,
    state,
    numbers: new Numbers(state),
    goTo,
    openGroup: (group) => parts.groups.open(group),
    showInterval: (interval) => {
      state.selectInterval(interval);
      showChain();
    },
    showThread: (thread) => {
      state.selectThread(thread);
      showChain();
    },
    announce: (text) => void (status.textContent = text),
  };
  const parts = { groups: groups(context) };
  const sections = sectionsOf(context, parts.groups);
  const keys: KeySwitch = { isOn: true };
  const dialogs = { find: find(context), help: help(keys, sections), window: windowDialog(context) };
  const window = windowBar(context, dialogs.window.open);
  const bar = h("div", { class: "bar" }, contents(sections), window, tools(context, dialogs));
  root.append(bar, ...sections.map(sectionElement), status, ...Object.values(dialogs).map((one) => one.element));
  moveTextInto(root);
  append(document.querySelector("#head") ?? root, [cost(run.report)]);
  keepSteady(root);
  document.body.prepend(skipLink());
  bindKeys(bindingsOf(context, sections, dialogs), keys);
  announceWindow(context);
}

function sectionsOf(context: Context, list: Groups): Section[] {
  const { run, state } = context;
  const { report } = run;
  const timeline = h("div");
  const chain = h("div");
  const verdicts = report.claims ?? [];
  const sections: Section[] = [
    {
      id: "groups",
      title: "Groups",
      key: "g",
      note: `${counted(report.groups.length, "group", "groups")}, dearest first`,
      body: [legend(report), list.element],
    },
    { id: "timeline", title: "Timeline", key: "t", note: "", body: [timeline, chain] },
    { id: "plots", title: "Plots", key: "p", note: plotsNote(context), body: [plots(context)] },
    { id: "tables", title: "Tables", key: "b", note: "every picture as a table", body: [tables(context)] },
  ];
  mountTimeline(run, state, timeline);
  mountChain(run, state, chain);
  if (verdicts.length === 0) return sections;
  const body = [wholeOnly("These verdicts are of the whole run, not of the window."), claims(context, verdicts)];
  return [{ id: "claims", title: "Claims", key: "c", note: claimsSummary(verdicts), body }, ...sections];
}

function sectionElement({ id, title, note, body }: Section): HTMLElement {
  const head = h("h2", { tabindex: -1, id: `${id}-title` }, title, note && h("span", { class: "muted" }, note));
  return h("section", { id, "aria-labelledby": `${id}-title` }, head, ...body);
}

function wholeOnly(text: string): HTMLElement {
  return h("p", { class: "whole-only" }, text);
}

/** What stands in the page without scripts: of the whole run, always; the text comes into the main part. */
function moveTextInto(root: HTMLElement): void {
  document.querySelector("#head")?.append(wholeOnly("What is said up here is of the whole run, not of the window."));
  const text = document.querySelector("#text");
  if (!text) return;
  text.querySelector("summary")?.after(wholeOnly("This report is of the whole run, not of the window."));
  root.append(text);
}

function contents(sections: readonly Section[]): HTMLElement {
  const link = (id: string, title: string): HTMLElement => {
    const go = (event: Event): void => {
      event.preventDefault();
      goTo(id);
    };
    return h("li", {}, h("a", { href: `#${id}`, onclick: go }, title));
  };
  const links = sections.map((section) => link(section.id, section.title));
  return h("nav", { "aria-label": "contents" }, h("ul", {}, ...links, link("text", "Text")));
}

/** The address is for what is selected, so this does not change it. */
function goTo(id: string): void {
  const target = document.getElementById(id);
  if (!target) return;
  if (target instanceof HTMLDetailsElement) target.open = true;
  // In the timeline the keys are those of its canvas.
  const head = target.querySelector<HTMLElement>(".tl-canvas") ?? target.querySelector<HTMLElement>("h2, summary");
  head?.focus({ preventScroll: true });
  target.scrollIntoView({ block: "start" });
}

/** So much of a chain is to be seen, px: its first hops. */
const CHAIN_PX = 240;

/** The timeline and what unfolds below it come into view; what is seen already stays where it is. */
function showChain(): void {
  const timeline = document.querySelector<HTMLElement>("#timeline .timeline");
  const chain = document.querySelector<HTMLElement>("#timeline .chain");
  if (!timeline || !chain) return goTo("timeline");
  timeline.querySelector<HTMLElement>(".tl-canvas")?.focus({ preventScroll: true });
  const bar = document.querySelector(".bar")?.getBoundingClientRect().height ?? 0;
  const top = timeline.getBoundingClientRect().top - bar;
  const { top: begin, bottom: end } = chain.getBoundingClientRect();
  const below = Math.min(end, begin + CHAIN_PX) - innerHeight;
  // Where there is no room for both, the chain is what was asked for.
  const by = below > 0 ? below : top < 0 ? Math.max(top, below) : 0;
  if (by !== 0) scrollBy({ top: by });
}

function tools(context: Context, dialogs: Record<"find" | "help", Dialog>): HTMLElement {
  const button = (text: string, label: string, onclick: () => void): HTMLElement =>
    h("button", { type: "button", "aria-label": label, title: label, onclick }, text);
  return h(
    "div",
    { class: "tools" },
    button("find /", "find / (also by that key)", dialogs.find.open),
    button("◐", "light or dark, key t", () => switchTheme(context)),
    button("?", "keys and words, key ?", dialogs.help.open),
  );
}

function switchTheme(context: Context): void {
  nextTheme();
  context.announce(`colours: ${theme() === "auto" ? "as the system has them" : theme()}`);
}

function skipLink(): HTMLElement {
  const go = (event: Event): void => {
    event.preventDefault();
    goTo("groups");
  };
  return h("a", { class: "skip", href: "#page", onclick: go }, "skip to the groups");
}

type Dialogs = Record<"find" | "help" | "window", Dialog>;

function bindingsOf(context: Context, sections: readonly Section[], dialogs: Dialogs): Bindings {
  const { state } = context;
  const bindings: Bindings = {
    "/": dialogs.find.open,
    "?": dialogs.help.open,
    t: () => switchTheme(context),
    w: () => state.trace === "ready" && dialogs.window.open(),
    W: () => state.setWindow(null),
    "g s": () => scrollTo({ top: 0 }),
    "g r": () => goTo("text"),
  };
  sections.forEach((section, at) => {
    bindings[`g ${section.key}`] = bindings[String(at + 1)] = () => goTo(section.id);
  });
  bindings[String(sections.length + 1)] = () => goTo("text");
  return bindings;
}

/** For screen readers, when the numbers of a window are there. */
function announceWindow({ state, numbers, announce }: Context): void {
  numbers.watch((progress) => {
    if (progress !== null) return;
    announce(state.isWholeWindow ? "numbers of the whole run" : "numbers of the window are shown");
  });
}

/** Time that lost records cover is in no curve. */
function plotsNote({ run }: Context): string {
  const { lost } = run.report.coverage;
  const isLost = (lost.switch ?? 0) + (lost.task ?? 0) > 0;
  return isLost ? `${PLOTS}; records were lost, so all curves are lower bounds` : PLOTS;
}
