/** Verdicts on claims: the word and a symbol, what was measured, why; and the waits that decide. */

import { h } from "../dom";
import { bytes, counted, mean, share, time } from "../format";
import type { Verdict } from "../types";
import type { Context } from "./context";
import { longest } from "./longest";
import { name } from "./names";

type Evidence = Verdict["evidence"][number];
type Value = Verdict["values"][number];

const SYMBOLS: Record<string, string> = {
  CORRECT: "✔",
  WRONG: "✘",
  PARTIAL: "◐",
  "NOT SEEN": "∅",
  "CANNOT TELL": "?",
};

/** Evidence that is shown at first. */
const SHOWN = 5;

/** The claims of the run. */
export function claims(context: Context, verdicts: readonly Verdict[]): HTMLElement {
  return h("div", { class: "claims" }, ...verdicts.map((verdict) => claim(context, verdict)));
}

/** `5 claims: 1 correct, 2 wrong`. */
export function claimsSummary(verdicts: readonly Verdict[]): string {
  const words = Object.keys(SYMBOLS).flatMap((word) => {
    const n = verdicts.filter((verdict) => verdict.verdict === word).length;
    return n > 0 ? [`${n} ${word.toLowerCase()}`] : [];
  });
  return `${counted(verdicts.length, "claim", "claims")}: ${words.join(", ")}`;
}

function claim(context: Context, verdict: Verdict): HTMLElement {
  const word = name(verdict.verdict, 20);
  const symbol = h("span", { "aria-hidden": "true" }, SYMBOLS[verdict.verdict] ?? "·");
  const source = verdict.source && h("span", { class: "muted" }, ` (${name(verdict.source, 200)})`);
  const expr = (value: Value): HTMLElement => h("code", {}, name(value.expr, 200));
  const values = verdict.values.map((value) => h("li", {}, expr(value), ` ${interval(value)}`));
  return h(
    "article",
    { class: "claim", "data-verdict": word },
    h("p", { class: "verdict" }, symbol, ` ${word}`),
    h(
      "div",
      { class: "says" },
      h("h3", {}, `${name(verdict.says, 300)} `, h("span", { class: "muted" }, name(verdict.id, 60)), source),
      verdict.because && h("p", {}, name(verdict.because, 500)),
      values.length > 0 && h("ul", { "aria-label": "measured" }, ...values),
      evidenceList(context, verdict.evidence),
    ),
  );
}

/** `95.7 %`, `0.94 to 0.95`, `at least 977 KiB`. */
export function interval(value: Value): string {
  const { lo, hi, unit } = value;
  const show = (n: number): string => quantity(n, unit);
  if (lo === null && hi === null) return "not known";
  if (lo === null) return `at most ${show(hi!)}`;
  if (hi === null) return `at least ${show(lo)}`;
  return show(lo) === show(hi) ? show(lo) : `${show(lo)} to ${show(hi)}`;
}

function quantity(n: number, unit: string): string {
  switch (unit) {
    case "ns":
      return n < 0 ? `−${time(-n)}` : time(n);
    case "bytes":
      return n < 0 ? `−${bytes(-n)}` : bytes(n);
    case "share":
      return n < 0 ? `−${share(-n, 1)}` : share(n, 1);
    case "count":
      return Number.isInteger(n) ? n.toLocaleString("en") : mean(n);
    default:
      return `${Number(n.toPrecision(3)).toLocaleString("en")}${unit === "ratio" ? "" : ` ${name(unit, 30)}`}`;
  }
}

function evidenceList(context: Context, evidence: readonly Evidence[]): HTMLElement | null {
  if (evidence.length === 0) return null;
  const list = h("ul", { "aria-label": "evidence" });
  const item = (row: Evidence): HTMLElement => h("li", {}, evidenceItem(context, row));
  const add = (rows: readonly Evidence[]): void => list.append(...rows.map(item));
  const [first, rest] = [evidence.slice(0, SHOWN), evidence.slice(SHOWN)];
  add(first);
  if (rest.length > 0) {
    const more = h("button", { type: "button", class: "link no-print" }, `${rest.length} more`);
    const last = h("li", {}, more);
    more.addEventListener("click", () => {
      last.remove();
      add(rest);
    });
    list.append(last);
  }
  return list;
}

function evidenceItem(context: Context, row: Evidence): HTMLElement {
  const place = [row.kind, row.function && `in ${row.function}`].filter(Boolean).join(" ");
  const amounts = [row.count > 0 && counted(row.count, "time", "times"), row.ns > 0 && time(row.ns)].filter(Boolean);
  const who = `${name(row.comm, 40)} ${row.tid ?? ""}`.trim();
  const text = [name(place, 100), amounts.join(", "), who && `thread ${who}`].filter(Boolean).join(": ");
  const thread = threadOf(context, row);
  if (thread === null) return h("span", {}, text);
  return h("button", { type: "button", class: "link", onclick: () => show(context, row, thread) }, text);
}

/** Among threads that had one tid after another, the one of that name. */
function threadOf(context: Context, row: Evidence): number | null {
  const { threads } = context.run.report;
  const fits = (t: number): boolean => threads[t].tid === row.tid && (row.pid === null || threads[t].pid === row.pid);
  const found = [...threads.keys()].filter(fits);
  return found.find((t) => threads[t].comm === row.comm) ?? found[0] ?? null;
}

function show(context: Context, row: Evidence, thread: number): void {
  const place = { threads: [thread], ...(row.kind ? { state: row.kind } : {}) };
  const wait = longest(context.run, { ...place, function: row.function }) ?? longest(context.run, place);
  if (wait === null) context.showThread(thread);
  else context.showInterval(wait);
}
