/** How threads and groups are called. Everything that comes from a recording is made inert here. */

import { clean, count, counted, fitMiddle } from "../format";
import type { Group, Report, Thread } from "../types";

/** Longer names are cut in their middle; the whole stands in the report as text. */
const NAME = 120;

export function name(text: string | null | undefined, characters = NAME): string {
  return text ? fitMiddle(clean(text), characters) : "";
}

export function groupName(report: Report, group: number): string {
  return name(report.groups[group]?.name) || "unnamed group";
}

/** `git 3222`, with the pid where that is another number. */
export function threadName(thread: Thread): string {
  const pid = thread.pid !== null && thread.pid !== thread.tid ? ` of pid ${thread.pid}` : "";
  return `${name(thread.comm, 40) || "unnamed"} ${thread.tid}${pid}`;
}

/** `4 threads of pid 3212`, `8 processes`, `pid 3212`. */
export function whoOf({ threads, pids }: Pick<Group, "threads" | "pids">): string {
  if (pids.length === 1) return threads === 1 ? `pid ${pids[0]}` : `${count(threads)} threads of pid ${pids[0]}`;
  if (pids.length === threads) return counted(threads, "process", "processes");
  return pids.length === 0
    ? counted(threads, "thread", "threads")
    : `${counted(threads, "thread", "threads")}, ${counted(pids.length, "process", "processes")}`;
}

/** `python3 gitsync +2`. */
export function named(what: { text: string; more: number } | null, characters = NAME): string {
  if (!what) return "";
  return name(what.text, characters) + (what.more > 0 ? ` +${what.more}` : "");
}

/** A frame of a user stack, as `view/frames.rs` calls it: its function, else its file and the place in that. */
export function frameName(report: Report, place: number): string {
  const frame = report.user_frames?.[place];
  if (!frame) return "[unknown]";
  const { module, build_id, offset, function: inFunction } = frame;
  if (inFunction) return name(inFunction);
  const at = `0x${offset.toString(16)}`;
  const file = name(module?.slice(module.lastIndexOf("/") + 1) || module);
  if (file === "") return build_id === null ? `[${at}]` : `[build id ${clean(build_id.slice(0, 8))}+${at}]`;
  return build_id === null ? `[${file} at ${at}]` : `[${file}+${at}]`;
}
