/** What the colours mean: the states and kinds of this run. */

import { h } from "../dom";
import type { Report } from "../types";
import { KINDS, paint, property } from "./kinds";
import { meaning } from "./words";

export function legend(report: Report): HTMLElement {
  const sums = report.groups;
  const open = sums.flatMap((group) => (group as { open?: { kind: string }[] }).open ?? []);
  const present = new Set([...sums.flatMap((group) => group.waits), ...open].map((wait) => wait.kind));
  const states: [string, string][] = [["on cpu", "on-cpu"], ["run queue", "runqueue"]];
  const kinds: [string, string][] = KINDS.filter((kind) => present.has(kind)).map((kind) => [kind, kind]);
  const lost: [string, string][] = sums.some((group) => group.unknown_ns > 0) ? [["unknown (lost)", "unknown"]] : [];
  const leftOut: [string, string][] = report.filter ? [["left out by the filter", "left-out"]] : [];
  const items = [...states, ...kinds, ...lost, ...leftOut].map(([text, state]) => {
    const swatch = h("i", { class: "swatch", "data-state": text === state ? null : state });
    return h("li", { title: meaning(text) }, paint(swatch, "", property(state)), text);
  });
  return h("ul", { class: "legend", "aria-label": "what the colours mean" }, ...items);
}
