/** The groups: a line each, dearest first, that opens; small ones share a line. */

import { type Child, h, replace } from "../dom";
import { counted, percent, timeIn, unitOf } from "../format";
import { clipped } from "../model/intervals";
import { onPathIn } from "../model/path";
import { threadsOfGroup } from "../model/window";
import type { CriticalPath, Group } from "../types";
import { budgetBar, slicesOf, statesLine } from "./budget";
import type { Context } from "./context";
import { type Opened, openedGroup } from "./group";
import { groupName, whoOf } from "./names";
import { type Cost, groupsInOrder } from "./order";
import { meaning, meaningOfName } from "./words";

export interface Groups {
  element: HTMLElement;
  /** Opens a group and puts the focus on its heading. */
  open(group: number): void;
}

interface Entry {
  element: HTMLElement;
  button: HTMLButtonElement;
  opened: HTMLElement;
  /** Draws its line, and what is open below it, with the numbers of now. */
  update(): void;
  open(isOpen: boolean): void;
}

export function groups(context: Context): Groups {
  const { report } = context.run;
  const entries = new Map<number, Entry>();
  const entry = (index: number): Entry => {
    let one = entries.get(index);
    if (!one) entries.set(index, (one = groupEntry(context, index)));
    return one;
  };
  const large = h("div");
  const small = smallGroups(context, entry);
  // That of the whole run, in a window too: so no line jumps away from who reads it.
  const { alone, small: tiny } = groupsInOrder(report);
  const draw = (): void => {
    place(large, alone.map((cost) => entry(cost.index)));
    small.show(tiny);
  };
  draw();
  entries.get(alone[0]?.index ?? -1)?.open(true);
  context.numbers.watch((progress) => progress === null && draw());
  // What is behind waits is in the trace.
  context.state.subscribe((_, change) => change === "trace" && draw());
  const open = (index: number): void => {
    if (!entry(index).element.isConnected || small.has(index)) small.open();
    entry(index).open(true);
    entry(index).button.focus({ preventScroll: true });
    entry(index).element.scrollIntoView({ block: "start" });
  };
  return { element: h("div", { class: "groups" }, heads(), large, small.element), open };
}

/** What the columns are; each line says it itself to a screen reader. */
function heads(): HTMLElement {
  const texts = ["", "group", "threads", "thread-time", "of path", "where it went"];
  return h("div", { class: "group-heads", "aria-hidden": "true" }, ...texts.map(head));
}

function head(text: string): HTMLElement {
  return h("span", { title: meaning(text) }, text);
}

function lengthOf(path: CriticalPath | null): number {
  return path ? path.to_ns - path.from_ns : 0;
}

/** These entries in this order, drawn anew; the focus stays. */
function place(parent: HTMLElement, entries: Entry[]): void {
  const focused = document.activeElement;
  const elements = entries.map((entry) => entry.element);
  const same = parent.children.length === elements.length && elements.every((one, at) => parent.children[at] === one);
  if (!same) parent.replaceChildren(...elements);
  entries.forEach((entry) => entry.update());
  if (!same && focused instanceof HTMLElement && parent.contains(focused)) focused.focus({ preventScroll: true });
}

function groupEntry(context: Context, index: number): Entry {
  const { report } = context.run;
  const group = report.groups[index];
  const id = `group-${index}`;
  const button = h("button", { type: "button", "aria-expanded": "false", "aria-controls": id });
  const opened = h("div", { class: "opened", id, hidden: true });
  const label = `group ${groupName(report, index)}`;
  const element = h("section", { class: "group", "aria-label": label }, h("h3", {}, button), opened);
  let inside: Opened | null = null;
  const update = (): void => {
    // Spaces, so that its parts are words for a screen reader.
    replace(button, ...line(context, group, index).flatMap((part) => [part, " "]));
    inside?.update();
  };
  const open = (isOpen: boolean): void => {
    button.setAttribute("aria-expanded", String(isOpen));
    opened.hidden = !isOpen;
    if (!isOpen) inside?.close();
    inside = isOpen ? (inside ?? openedGroup(context, index)) : null;
    replace(opened, ...(inside?.elements ?? []));
  };
  button.addEventListener("click", () => open(opened.hidden !== false));
  return { element, button, opened, update, open };
}

function line(context: Context, group: Group, index: number): HTMLElement[] {
  const sums = context.numbers.group(index);
  const slices = slicesOf(sums, group.name);
  const unit = unitOf(sums.lifetime_ns);
  const title = groupName(context.run.report, index);
  return [
    h("span", { class: "chevron", "aria-hidden": "true" }),
    h("span", { class: "name", title: meaningOfName(title) }, title),
    h("span", { class: "who" }, whoOf(aliveOf(context, group, index))),
    h("span", { class: "n" }, timeIn(unit, sums.lifetime_ns)),
    h("span", { class: "on-path n" }, ...onPath(context, index)),
    h("span", { class: "picture" }, budgetBar(sums, slices), statesLine(sums, slices)),
  ];
}

/** Those of its threads that lived in the window. */
function aliveOf({ run, numbers }: Context, group: Group, index: number): Pick<Group, "threads" | "pids"> {
  if (numbers.isWhole) return group;
  const alive = threadsOfGroup(run, index).filter((thread) => numbers.lifetime(thread) > 0);
  const pids = new Set(alive.flatMap((thread) => run.report.threads[thread].pid ?? []));
  return { threads: alive.length, pids: [...pids] };
}

const UNKNOWN_PATH =
  "How long the group was on the critical path in the window is not known: the page has not all of the path, or not " +
  "to the nanosecond.";

/** `88 % of path`; nothing where it is less than 1 %. */
function onPath(context: Context, index: number): Child[] {
  const path = context.run.report.critical_path;
  if (!path) return [];
  const { isWhole, span } = context.numbers;
  const whole = isWhole ? lengthOf(path) : clipped(path.from_ns, path.to_ns, span.from, span.to);
  const ofPath = h("span", { class: "narrow-only" }, " of path");
  const all = isWhole ? context.run.report.groups.map((group) => group.critical_path_ns) : onPathIn(context.run, span);
  if (!all) return [h("span", { title: UNKNOWN_PATH }, "–"), ofPath];
  const ns = all[index] ?? 0;
  return whole > 0 && ns > 0 && ns >= whole / 100 ? [percent(ns, whole), ofPath] : [];
}

interface Small {
  element: HTMLElement;
  show(costs: Cost[]): void;
  has(group: number): boolean;
  open(): void;
}

/** `12 more groups, 0.4 % of all threads' time`, with the groups below it. */
function smallGroups(context: Context, entry: (index: number) => Entry): Small {
  let costs: Cost[] = [];
  const list = h("div", { id: "small-groups", hidden: true });
  const button = h("button", { type: "button", "aria-expanded": "false", "aria-controls": "small-groups" });
  const element = h("section", { class: "group", "aria-label": "small groups" }, h("h3", {}, button), list);
  const fill = (isOpen: boolean): void => {
    button.setAttribute("aria-expanded", String(isOpen));
    list.hidden = !isOpen;
    place(list, isOpen ? costs.map((cost) => entry(cost.index)) : []);
  };
  button.addEventListener("click", () => fill(list.hidden !== false));
  const show = (small: Cost[]): void => {
    costs = small;
    element.hidden = costs.length === 0;
    const ns = costs.reduce((sum, cost) => sum + context.numbers.group(cost.index).lifetime_ns, 0);
    const all = context.numbers.groups.reduce((sum, one) => sum + one.lifetime_ns, 0);
    const text = `${counted(costs.length, "more group", "more groups")}, ${percent(ns, all)} of all threads' time`;
    replace(button, h("span", { class: "chevron", "aria-hidden": "true" }), h("span", { class: "more" }, text));
    fill(list.hidden === false);
  };
  return { element, show, has: (group) => costs.some((cost) => cost.index === group), open: () => fill(true) };
}
