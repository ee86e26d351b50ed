/** The states and wait kinds, their families, and their colours. */

/** Kinds of one family share a hue, and a pattern on paper. */
const FAMILIES: Record<string, readonly string[]> = {
  process: ["child-exit", "vfork"],
  many: ["epoll", "poll", "select"],
  lock: ["futex", "gil", "kernel-lock", "file-lock"],
  pipe: ["pipe-read", "pipe-write"],
  socket: ["socket-recv", "socket-send", "socket-accept", "socket-connect"],
  time: ["sleep", "timer", "event", "signal"],
  storage: ["disk", "sync", "page-fault", "swap", "memory"],
  ipc: ["tty", "io-uring", "ipc"],
  stopped: ["stopped", "throttled"],
  unknown: ["unknown"],
};
const FAMILY = new Map(Object.entries(FAMILIES).flatMap(([family, kinds]) => kinds.map((kind) => [kind, family])));

/** All kinds, related ones next to each other. */
export const KINDS: readonly string[] = Object.values(FAMILIES).flat();

/** The state that a cause looks like. */
const CAUSES: Record<string, string> = {
  computing: "on-cpu",
  starting: "vfork",
  "run-queue": "runqueue",
  network: "socket-recv",
  disk: "disk",
  timer: "timer",
  interrupt: "event",
  "cpu-quota": "throttled",
  outside: "ipc",
  signal: "signal",
  open: "open",
};

/** The custom property of a state, a wait kind or a cause. */
export function property(name: string): string {
  const state = Object.hasOwn(CAUSES, name) && !FAMILY.has(name) ? CAUSES[name] : name;
  if (["on-cpu", "runqueue", "open", "left-out"].includes(state)) return `--${state}`;
  return FAMILY.has(state) && state !== "unknown" ? `--kind-${state}` : "--unknown";
}

/** That of a cause: of words that are kinds as well, the cause is meant. */
export function causeProperty(cause: string): string {
  return property(Object.hasOwn(CAUSES, cause) ? CAUSES[cause] : cause);
}

/** Gives an element the colour of a state, a kind or (by its property) a cause; and its family's pattern. */
export function paint<T extends HTMLElement>(element: T, name: string, by = property(name)): T {
  element.style.setProperty("--kind", `var(${by})`);
  element.dataset["family"] = FAMILY.get(by.replace("--kind-", "")) ?? by.slice(2);
  return element;
}
