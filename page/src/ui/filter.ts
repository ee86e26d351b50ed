/** Filters in words, as probe-user/src/view/filter.rs says them. */

import { clean, time } from "../format";
import type { WaitFilter } from "../types";

/** `other kinds, < 1.00 ms`. */
export function leftOutWords(filter: WaitFilter | null | undefined): string {
  if (!filter) return "";
  const { kinds, min_ns, max_ns } = filter;
  const parts = [
    kinds && kinds.length > 0 ? "other kinds" : "",
    min_ns === null ? "" : `< ${time(min_ns)}`,
    max_ns === null ? "" : `> ${time(max_ns)}`,
  ];
  return clean(parts.filter((part) => part !== "").join(", "));
}
