/** What an interval is, in words: for the tooltip, the chain and screen readers. */

import { clean, exact, instant, time, word } from "../format";
import { threadOf } from "../state";
import type { Run, Site, Trace, Wake } from "../types";
import { wakeOf } from "../model/window";
import { frameName, groupName, name } from "../ui/names";

/** `git pull (git 3221)`; of a thread that is called as its group the name once. */
export function threadLabel(run: Run, thread: number): string {
  const { comm, tid, group } = run.report.threads[thread];
  const label = groupName(run.report, group);
  const own = name(comm, 40);
  return own === "" || label === own || label.startsWith(`${own} `) ? `${label} ${tid}` : `${label} (${own} ${tid})`;
}

/** A row's: `git 3221`. */
export function shortLabel(run: Run, thread: number): string {
  const { comm, tid } = run.report.threads[thread];
  return `${name(comm, 40) || "unnamed"} ${tid}`;
}

/** `futex in futex_wait`. */
export function whereOf(site: Site): string {
  if (site.function !== null) return `in ${clean(site.function)}`;
  return site.syscall === null ? "" : `in (${clean(site.syscall)})`;
}

/** `git pull 3221, by its exit`; `a packet`. */
export function wakerText(run: Run, wake: Wake | null, by: number): string {
  if (!wake) return by >= 0 ? threadLabel(run, by) : "not known";
  const full = wakeOf(run, wake, by);
  const call = full.syscall ? ` (${clean(full.syscall)})` : "";
  const who = by >= 0 && full.source !== "timer" ? threadLabel(run, by) : outsider(full);
  switch (full.source) {
    case "task-exit":
      return `${who}, by its exit`;
    case "task":
      return `${who || "a task"}${call}`;
    case "timer":
      return by >= 0 ? `a timer; ${threadLabel(run, by)} was waited for` : "a timer";
    case "net-rx":
      return who ? `a packet from ${who}` : "a packet";
    case "block-io":
      return "the disk";
    case "irq":
      return "an interrupt";
    case "kthread":
      return who ? `the kernel thread ${who}` : "a kernel thread";
    case "new":
      return who;
    case "signal":
      return `${full.signal ? clean(full.signal.name) : "a signal"}${who ? ` by ${who}` : ""}${call}`;
    default:
      return "a source that is not verified";
  }
}

function outsider(wake: Wake): string {
  const own = name(wake.comm, 60);
  const tid = wake.tid === null || wake.tid === undefined ? "" : String(wake.tid);
  const who = own === "" ? (tid === "" ? "" : `tid ${tid}`) : `${own}${tid === "" ? "" : ` ${tid}`}`;
  return wake.outside && who !== "" ? `outside: ${who}` : who;
}

/** `computing git index-pack`. */
export function causeText(cause: string, detail: string | null): string {
  if (cause === "open") return "not finished at the end";
  return detail === null ? word(cause) : `${word(cause)} ${name(detail)}`;
}

/** What there is to say of an interval: a title and lines of a name and what it is. */
export interface Description {
  title: string;
  /** The state's or kind's colour. */
  colour: string;
  lines: [string, string][];
}

export function describe(run: Run, trace: Trace, i: number, thread = threadOf(trace.first, i)): Description {
  const what = trace.whats[trace.what[i]];
  const site = what.site === undefined ? null : trace.sites[what.site];
  const lines: [string, string][] = [["thread", threadLabel(run, thread)]];
  if (what.state === "wait" || what.state === "open") addWait(lines, run, trace, i, site!);
  else if (what.cause !== undefined && what.state !== "runqueue") {
    lines.push(["", causeText(...trace.causes[what.cause])]);
  }
  if (what.state === "runqueue") lines.push(["woken by", wokenBy(run, trace, i, thread)]);
  if (what.state === "together") addParts(lines, trace, i);
  lines.push(["time", `${time(trace.to[i] - trace.from[i])} = ${exact(trace.to[i] - trace.from[i])}`]);
  lines.push(["from", `${instant(trace.from[i])} (${exact(trace.from[i])})`]);
  if (site?.stack && site.stack.length > 0) lines.push(["stack", site.stack.slice(0, 12).map(clean).join(" ← ")]);
  if (site?.user_stack?.length) {
    lines.push(["program", site.user_stack.slice(0, 12).map((at) => frameName(run.report, at)).join(" ← ")]);
  }
  return { title: titleOf(what.state, site), colour: site && what.state === "wait" ? site.kind : what.state, lines };
}

function titleOf(state: string, site: Site | null): string {
  if (state === "wait") return site!.kind === "unknown" ? "wait of unknown kind" : site!.kind;
  if (state === "open") return `${site!.kind}, not finished at the end`;
  if (state === "together") return "several that are too short to be drawn apart";
  return state === "unknown" ? "unknown: records were lost" : word(state);
}

function addWait(lines: [string, string][], run: Run, trace: Trace, i: number, site: Site): void {
  const what = trace.whats[trace.what[i]];
  const where = whereOf(site);
  const on = site.object === null ? "" : name(site.object);
  if (where !== "") lines.push(["where", where.slice(3)]);
  if (on !== "") lines.push(["on", on]);
  if (what.state === "open") return;
  lines.push(["ended by", wakerText(run, what.wake === undefined ? null : trace.wakes[what.wake], trace.by[i])]);
  if (trace.by[i] < 0 && what.cause !== undefined) lines.push(["behind it", causeText(...trace.causes[what.cause])]);
}

/** Who made it runnable: who ended the wait before it, or its birth. */
function wokenBy(run: Run, trace: Trace, i: number, thread: number): string {
  const { creator } = run.report.threads[thread];
  if (i === trace.first[thread]) return creator === null ? "not known" : `${threadLabel(run, creator)}, which made it`;
  const before = trace.whats[trace.what[i - 1]];
  if (before.state === "on-cpu") return "nobody: it had been running and lost the CPU";
  if (before.state !== "wait") return "not known";
  return wakerText(run, before.wake === undefined ? null : trace.wakes[before.wake], trace.by[i - 1]);
}

/** Largest first. */
function addParts(lines: [string, string][], trace: Trace, i: number): void {
  const parts = [...(trace.parts.get(i) ?? [])].sort((a, b) => b.ns - a.ns);
  for (const part of parts.slice(0, 6)) {
    const { state, site } = trace.whats[part.what];
    const kind = site === undefined ? word(state) : trace.sites[site].kind;
    lines.push([`${part.count} ×`, `${kind}, ${time(part.ns)}`]);
  }
}

/** All of it in one line. */
export function sentence({ title, lines }: Description): string {
  return `${title}: ${lines.map(([key, value]) => `${key} ${value}`.trim()).join("; ")}`;
}
