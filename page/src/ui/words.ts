/** What the words of the page mean, a line each; docs/reading-a-report.md has them at length. */

import { h } from "../dom";

/** In the order of the glossary. */
const WORDS: Record<string, string> = {
  "off-CPU": "a thread that does not run: it waits, or stands on the run queue",
  "run queue": "runnable, but not running: others had the CPU; its count is how often a thread became so",
  "CPU wake-up": "on the run queue of a CPU that was idle: it had to wake up first",
  outside: "a task that is not of the tree that was observed",
  behind: "what waits were really for: what the waker did meanwhile, what it waited for itself, and so on to a cause",
  "critical path":
    "the chain of causes that leads to the end of the root process, followed backwards: what it took so long for",
  "of path": "for which part of the critical path a thread of the group did what it says, or waited for who did",
  siblings: "other threads of the same group",
  idle: "waits for work, of a worker at its queue; not at a lock",
  "not finished": "a wait that had not ended when the observation did: at least so long (also: open)",
  "until exit": "a wait that the process's own exit ended",
  unverified: "a wake-up of which the kernel did not show the source",
  "network (softirq)": "a packet ended the wait; not the task that it interrupted",
  "(threads)": "in a group's name: threads without a name of their own; (worker-*) are those with one",
  "(forked)": "in a group's name: processes that run what their parent runs, without an exec of their own",
  tier: "how much the kernel lets waitscope see: full, tracepoint (no calls of kernel functions) or raw (states only)",
  herds: "one event that wakes many threads, most of them for nothing",
  starting: "a process before its exec",
  "in bursts": "in milliseconds with many wake-ups at once: at least 8, or 4 for each CPU",
  "woken by": "what ended the waits, the one with the most time; +3 means three others",
  "of sum": "the share of the lifetimes of the group's threads",
  "thread-time": "the lifetimes of the group's threads together",
  in: "the kernel function that the threads slept in; (read) is a system call: no stack was taken",
  longest: "the longest of the waits in this row",
  most: "the state with the most of the thread's time",
  "≥": "a lower bound: a wait that is not finished, that began before, or of which records were lost",
};

/** Those of column heads explain themselves there. */
const HEADS_ONLY = new Set(["woken by", "of sum", "thread-time", "in", "longest", "most"]);

/** What a word means, for who points at it. */
export function meaning(word: string): string | null {
  return Object.hasOwn(WORDS, word) ? WORDS[word] : null;
}

/** What is behind a group's name. */
export function meaningOfName(name: string): string | null {
  return meaning(/\((threads|forked)\)$/.exec(name)?.[0] ?? "");
}

export function glossary(): HTMLElement {
  const words = Object.entries(WORDS).filter(([word]) => !HEADS_ONLY.has(word));
  const rows = words.map(([word, text]) => h("tr", {}, h("th", { scope: "row" }, word), h("td", {}, text)));
  return h("div", {}, h("h3", {}, "Words"), h("table", { class: "words" }, h("tbody", {}, ...rows)));
}
