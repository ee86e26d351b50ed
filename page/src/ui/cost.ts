/** What waitscope itself took: a reader of a busy machine's numbers wants to know. */

import { h } from "../dom";
import { bytes, share, time } from "../format";
import type { Report } from "../types";

/** `waitscope used 175 ms of CPU (32.6 % of one CPU over the run), 107.1 MiB at most`; null of a part of the run. */
export function costWords({ overhead, wall_ns }: Report): string | null {
  const used = overhead?.tool_cpu_ns ?? null;
  if (used === null) return null;
  const most = overhead?.tool_peak_bytes ? `, ${bytes(overhead.tool_peak_bytes)} at most` : "";
  return `waitscope used ${time(used)} of CPU (${share(used, wall_ns)} of one CPU over the run)${most}`;
}

export function cost(report: Report): HTMLElement | null {
  const words = costWords(report);
  return words === null ? null : h("p", { class: "muted cost" }, words);
}
