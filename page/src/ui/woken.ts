/** Who ended a wait, in the words of waitscope's tables: one name per source, task and system call. */

import type { Wake } from "../types";

/** What kind of thing ended a wait. Waits that different kinds ended are not one number. */
export type Waker =
  | "sibling"
  | "task"
  | "exit"
  | "own-end"
  | "signal"
  | "timer"
  | "network"
  | "disk"
  | "kernel"
  | "outside"
  | "unverified"
  | "nobody";

/** What kind ended waits of a thread in the group of that name. */
export function wakerOf(wake: Wake, group: string): Waker {
  switch (wake.source) {
    case "task-exit":
      return wake.outside ? "outside" : "exit";
    case "task":
      if (wake.outside) return "outside";
      if (wake.syscall === "exit_group") return "own-end";
      return wake.comm === group ? "sibling" : "task";
    case "new":
      return "task";
    case "net-rx":
      return "network";
    case "block-io":
      return "disk";
    case "irq":
    case "kthread":
      return "kernel";
    case "signal":
    case "timer":
    case "unverified":
      return wake.source;
    default:
      return "nobody";
  }
}

/** `exit of git`, `siblings (futex)`, `timer`, `outside: sshd (write)`, `SIGTERM by sh (kill)`, … */
export function describeWake(wake: Wake, group = ""): string {
  const waker = wakerOf(wake, group);
  if (waker === "own-end") return "own exit";
  const comm = waker === "sibling" ? "siblings" : (wake.comm ?? "unnamed task");
  const outside = wake.outside ? "outside: " : "";
  const task = `${outside}${comm}${wake.syscall ? ` (${wake.syscall})` : ""}`;
  switch (wake.source) {
    case "task-exit":
      return `${outside}exit of ${comm}`;
    case "task":
      return task;
    case "signal":
      return describeSignal(wake, task);
    case "kthread":
      return wake.comm ? `kernel thread ${wake.comm}` : "kernel thread";
    default:
      return SOURCES[wake.source] ?? wake.source;
  }
}

const SOURCES: Record<string, string> = {
  timer: "timer",
  "net-rx": "network (softirq)",
  "block-io": "block I/O",
  irq: "interrupt",
  new: "first run",
  unverified: "unverified",
};

function describeSignal(wake: Wake, task: string): string {
  if (!wake.signal) return "signal";
  const senders: Record<string, string> = {
    task: `by ${task}`,
    kernel: "by the kernel",
    terminal: "from the terminal",
    timer: "by a timer",
    interrupt: "by an interrupt",
  };
  return `${wake.signal.name} ${senders[wake.signal.sender] ?? ""}`.trim();
}
