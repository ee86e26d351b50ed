/** `/`: a box that finds threads, programs, objects and kinds, and goes there. */

import { h, replace } from "../dom";
import { counted } from "../format";
import type { Wait } from "../types";
import { type Candidate, candidates, search } from "./candidates";
import type { Context } from "./context";
import { type Dialog, dialog } from "./dialog";
import { longest } from "./longest";

/** So many are in the list at first, and more as one goes on. */
const FIRST = 60;
const MORE = 200;

export function find(context: Context): Dialog {
  const list = h("ul", { role: "listbox", id: "find-list", "aria-label": "found" });
  const input = h("input", {
    type: "text",
    role: "combobox",
    autocomplete: "off",
    spellcheck: "false",
    "aria-label": "find a thread, program, object, listener or kind",
    "aria-expanded": "false",
    "aria-controls": "find-list",
    "aria-autocomplete": "list",
    placeholder: "thread, tid, program, object, address:port, kind …",
  });
  const says = h("p", { class: "muted", role: "status" });
  const box = dialog("Find", "find", input, list, says);
  let all: Candidate[] | null = null;
  let found: Candidate[] = [];
  let at = 0;
  const fill = (upTo: number): void => {
    const shown = list.childElementCount;
    const more = found.slice(shown, upTo).map((one, i) => option(one, shown + i, () => go(one)));
    list.append(...more);
  };
  const mark = (to: number): void => {
    at = found.length > 0 ? (to + found.length) % found.length : 0;
    if (at >= list.childElementCount) fill(at + MORE);
    [...list.children].forEach((option, i) => option.setAttribute("aria-selected", String(i === at)));
    if (found.length > 0) input.setAttribute("aria-activedescendant", `found-${at}`);
    else input.removeAttribute("aria-activedescendant");
    list.children[at]?.scrollIntoView({ block: "nearest" });
  };
  const look = (): void => {
    all ??= candidates(context.run);
    found = search(all, input.value);
    replace(list);
    fill(FIRST);
    list.scrollTop = 0;
    input.setAttribute("aria-expanded", String(found.length > 0));
    const some = counted(found.length, "match", "matches");
    says.textContent = found.length === 0 ? "nothing like that in this run" : some;
    mark(0);
  };
  const go = (one: Candidate): void => {
    box.close();
    show(context, one);
  };
  input.addEventListener("input", look);
  list.addEventListener("scroll", () => {
    if (list.scrollTop + 2 * list.clientHeight > list.scrollHeight) fill(list.childElementCount + MORE);
  });
  input.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      mark(at + (event.key === "ArrowDown" ? 1 : -1));
    } else if (event.key === "Enter" && found[at]) {
      event.preventDefault();
      go(found[at]);
    }
  });
  context.state.subscribe((_, change) => {
    if (change === "trace") all = null;
  });
  const open = (): void => {
    box.open();
    input.value = "";
    look();
    input.focus();
  };
  return { ...box, open };
}

function option(one: Candidate, index: number, go: () => void): HTMLElement {
  const text = h("span", {}, h("span", { class: "muted" }, `${one.sort} `), one.text);
  const attrs = { role: "option", id: `found-${index}`, "aria-selected": "false", onclick: go };
  return h("li", attrs, text, h("span", { class: "muted" }, one.note));
}

/** Goes where it is: of a place that is waited at, to the longest wait. */
function show(context: Context, one: Candidate): void {
  if (one.sort === "group") return context.openGroup(one.index);
  if (one.sort === "thread") return context.showThread(one.index);
  if (one.sort === "listener") return one.index < 0 ? context.goTo("plots") : context.openGroup(one.index);
  const wanted = { kind: { state: one.raw }, object: { object: one.raw }, function: { function: one.raw } }[one.sort];
  const interval = longest(context.run, wanted);
  if (interval !== null) return context.showInterval(interval);
  const fits = (wait: Wait): boolean => wait[one.sort as "kind" | "object" | "function"] === one.raw;
  const thread = context.run.report.threads.findIndex((each) => each.waits.some(fits));
  if (thread >= 0) context.showThread(thread);
}
