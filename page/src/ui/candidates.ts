/** What can be found: groups, threads, kinds, objects, functions; and where it is. */

import { time } from "../format";
import type { Run, Site } from "../types";
import { droppedWords, listenerName } from "./charts";
import { groupName, name, threadName } from "./names";

export interface Candidate {
  sort: "group" | "thread" | "kind" | "object" | "function" | "listener";
  /** What is shown and looked through; clean. */
  text: string;
  /** How much it is about. */
  note: string;
  ns: number;
  /** Index of the group or thread; −1 if there is none. */
  index: number;
  /** The kind, object or function as the recording has it. */
  raw: string;
  /** Other words for it, lower case. */
  also?: string;
}

/** Without a query they come in this order. */
const SORTS: readonly Candidate["sort"][] = ["group", "kind", "object", "listener", "thread", "function"];

/** What kinds are called by who does not know ours. */
const ALSO: Record<string, readonly string[]> = {
  lock: ["futex", "gil", "kernel-lock", "file-lock"],
  "mutex condition": ["futex"],
  sleep: ["sleep", "timer"],
  timer: ["sleep", "timer"],
  "network socket": ["socket-recv", "socket-send", "socket-accept", "socket-connect"],
  disk: ["disk", "sync", "page-fault", "swap"],
};

/** Everything that can be found, the largest of each sort first. */
export function candidates(run: Run): Candidate[] {
  const { groups, threads } = run.report;
  const list: Candidate[] = groups.map((group, index) => ({
    sort: "group",
    text: groupName(run.report, index),
    note: time(group.lifetime_ns),
    ns: group.lifetime_ns,
    index,
    raw: group.name,
  }));
  threads.forEach((thread, index) =>
    list.push({
      sort: "thread",
      text: threadName(thread),
      note: groupName(run.report, thread.group),
      ns: thread.lifetime_ns,
      index,
      raw: "",
    }),
  );
  return [...list, ...places(run), ...listeners(run)];
}

/** By address and port; each leads to the group of who listens. */
function listeners({ report }: Run): Candidate[] {
  return (report.listeners ?? []).map((listener) => {
    const owner = report.threads.find((thread) => thread.pid !== null && thread.pid === listener.pid);
    const index = owner ? owner.group : -1;
    const who = owner ? `, ${groupName(report, index)}` : "";
    const [text, note] = [listenerName(listener), droppedWords(listener) + who];
    return { sort: "listener", text, note, ns: 0, index, raw: "" };
  });
}

function otherWords(kind: string): string {
  return Object.keys(ALSO).filter((words) => ALSO[words].includes(kind)).join(" ");
}

function places(run: Run): Candidate[] {
  const sums = new Map<string, Candidate>();
  const add = (sort: Candidate["sort"], raw: string | null, ns: number): void => {
    if (!raw) return;
    const key = `${sort} ${raw}`;
    const one = sums.get(key);
    if (one) one.ns += ns;
    else sums.set(key, { sort, text: name(raw), note: "", ns, index: -1, raw, ...also(sort, raw) });
  };
  const addSite = (site: Pick<Site, "kind" | "function" | "object">, ns: number): void => {
    add("kind", site.kind, ns);
    add("function", site.function, ns);
    add("object", site.object, ns);
  };
  for (const thread of run.report.threads) for (const wait of thread.waits) addSite(wait, wait.total_ns);
  for (const site of run.trace?.sites ?? []) addSite(site, 0);
  const list = [...sums.values()];
  for (const one of list) one.note = one.ns > 0 ? `${time(one.ns)} of waits` : "";
  return list;
}

function also(sort: Candidate["sort"], raw: string): { also?: string } {
  return sort === "kind" ? { also: otherWords(raw) } : {};
}

/** Those in which all words of the query are: whole first, then at the beginning, then anywhere; larger ones first. */
export function search(all: readonly Candidate[], query: string): Candidate[] {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  const found = all.flatMap((one) => {
    const text = `${one.text} ${one.sort} ${one.also ?? ""}`.toLowerCase();
    if (!words.every((word) => text.includes(word))) return [];
    return [{ one, rank: words.length > 0 ? rankOf(one, words) : SORTS.indexOf(one.sort) }];
  });
  found.sort((a, b) => a.rank - b.rank || b.one.ns - a.one.ns);
  return found.map(({ one }) => one);
}

function rankOf(one: Candidate, words: readonly string[]): number {
  const [text, first] = [one.text.toLowerCase(), words[0]];
  if (text === words.join(" ")) return 0;
  if (text.split(/[^a-z0-9]+/).includes(first) || one.also?.split(" ").includes(first)) return 1;
  return text.startsWith(first) ? 2 : 3;
}
