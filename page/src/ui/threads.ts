/** The threads of a group as a table, longest-lived first. */

import { h, replace } from "../dom";
import { percent, timeIn, unitOf } from "../format";
import { slicesOf, words } from "./budget";
import type { Context } from "./context";
import { name, whoOf } from "./names";
import { scrollable } from "./scrollable";
import { meaning } from "./words";

/** Rows at first, and added at a time. */
const FIRST = 8;
const MORE = 200;

export function threadsTable(context: Context, group: number): { element: HTMLElement; update(): void } {
  const element = h("div", { class: "threads" });
  let shown = FIRST;
  const update = (): void => replace(element, ...parts(context, group, shown, (n) => (shown = n)));
  return { element, update };
}

/** So many rows, and a button for more; `told` gets how many there are then. */
function parts(context: Context, group: number, first: number, told: (n: number) => void): HTMLElement[] {
  const { report } = context.run;
  const lifetime = (thread: number): number => context.numbers.lifetime(thread);
  const mine = [...report.threads.keys()].filter((t) => report.threads[t].group === group && lifetime(t) > 0);
  mine.sort((a, b) => lifetime(b) - lifetime(a) || a - b);
  if (mine.length === 0) return [h("p", { class: "muted" }, "No thread of it is listed here.")];
  const body = h("tbody");
  const more = h("button", { type: "button", class: "no-print" });
  let shown = 0;
  const add = (): void => {
    const next = mine.slice(shown, shown + (shown === 0 ? first : MORE));
    body.append(...next.map((thread) => threadRow(context, thread)));
    shown += next.length;
    told(Math.max(FIRST, shown));
    more.hidden = shown >= mine.length;
    more.textContent = mine.length - shown <= MORE ? `show all ${mine.length}` : `show ${MORE} more of ${mine.length}`;
  };
  more.addEventListener("click", add);
  add();
  const heads = ["thread", "pid", "lifetime", "on cpu", "run queue", "most"];
  const th = (text: string, at: number): HTMLElement =>
    h("th", { scope: "col", class: at > 0 && at < 5 ? "n" : null, title: meaning(text) }, text);
  const head = heads.map(th);
  const pids = new Set(mine.flatMap((t) => report.threads[t].pid ?? []));
  const who = whoOf({ threads: mine.length, pids: [...pids] });
  const caption = h("caption", {}, mine.length === 1 ? "1 thread" : who);
  const table = h("table", {}, caption, h("thead", {}, h("tr", {}, ...head)), body);
  return [scrollable("threads of the group", "", table), more];
}

function threadRow(context: Context, index: number): HTMLElement {
  const thread = context.run.report.threads[index];
  const sums = context.numbers.thread(index);
  const unit = unitOf(sums.lifetime_ns);
  const slices = slicesOf(sums, context.run.report.groups[thread.group]?.name ?? "");
  const top = slices.sort((a, b) => b.ns - a.ns)[0];
  const go = (): void => context.showThread(index);
  const label = `${thread.tid} ${name(thread.comm, 40)}`;
  return h(
    "tr",
    {},
    h("th", { scope: "row" }, h("button", { type: "button", class: "link", onclick: go }, label)),
    h("td", { class: "n" }, thread.pid === null ? "" : String(thread.pid)),
    h("td", { class: "n" }, timeIn(unit, sums.lifetime_ns)),
    h("td", { class: "n" }, percent(sums.on_cpu_ns, sums.lifetime_ns)),
    h("td", { class: "n" }, percent(sums.runqueue_ns, sums.lifetime_ns)),
    h("td", {}, top ? words(top, sums.lifetime_ns) : ""),
  );
}
