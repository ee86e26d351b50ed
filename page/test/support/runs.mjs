/** Runs made by hand: small ones to count in, a circular world, one with all that can be drawn, a large one. */

export const cpu = (ns, detail) => ({ ns, state: "on-cpu", cause: ["computing", detail] });
export const queue = (ns) => ({ ns, state: "runqueue", cause: ["run-queue", null] });
export const unknown = (ns) => ({ ns, state: "unknown", cause: ["unknown", null] });
export const open = (ns, kind = "futex") => ({ ns, state: "open", kind, function: "futex_wait" });
export const waitBy = (ns, by, more = {}) => ({ ns, state: "wait", kind: "futex", function: "futex_wait", syscall: "futex", by, ...more });
export const waitFor = (ns, cause, more = {}) => ({ ns, state: "wait", kind: "socket-recv", function: "tcp_recvmsg", syscall: "read", cause, wake: { source: "net-rx", comm: null, pid: null, tid: null, syscall: null }, ...more });

/**
 * A waits for B, and B for the network in the meantime:
 *
 *     A  cpu 10 | wait on B 100                     | queue 5 | cpu 5
 *     B  …cpu 20     | net 60        | cpu 30          | open 20
 */
export function pair() {
  const network = ["network", "10.0.0.1:80"];
  return [
    { comm: "a", group: 0, intervals: [cpu(10, "a"), waitBy(100, 1), queue(5), cpu(5, "a")] },
    { comm: "b", group: 1, intervals: [cpu(20, "b"), waitFor(60, network), cpu(30, "b"), open(10)] },
  ];
}

/** C is made by B at 40, and ends A's wait at 90: before its birth B stands for it. */
export function birth() {
  return [
    { comm: "a", intervals: [waitBy(90, 2), cpu(10, "a")] },
    { comm: "b", intervals: [cpu(30, "b"), queue(10), cpu(60, "b")] },
    { comm: "c", from: 40, creator: 1, intervals: [queue(5), cpu(55, "c")] },
  ];
}

/** Two that wait for each other at the same time, and one that waits for itself: as damaged records may say. */
export function circle() {
  return [
    { comm: "a", intervals: [waitBy(100, 1), cpu(10, "a")] },
    { comm: "b", intervals: [waitBy(100, 0), cpu(10, "b")] },
    { comm: "c", intervals: [waitBy(50, 2), waitBy(60, 2)] },
  ];
}

/** A try for an interpreter lock that times out, and the one behind it that B ends. */
export function gilTries() {
  const gil = { kind: "gil" };
  const timer = { ...gil, wake: { source: "timer", comm: null, pid: null, tid: null, syscall: null } };
  return [
    { comm: "a", intervals: [waitBy(50, 1, timer), queue(5), cpu(5, "a"), waitBy(40, 1, gil), cpu(10, "a")] },
    { comm: "b", intervals: [cpu(120, "b")] },
    // Looks at A while nobody knows yet who will end its try.
    { comm: "c", intervals: [cpu(10, "c"), waitBy(45, 0), queue(1), cpu(64, "c")] },
  ];
}

/** Everything that a timeline draws. */
export function zoo() {
  const ms = 1_000_000;
  const network = ["network", "127.0.0.1:9418"];
  const gil = { kind: "gil", object: "futex 0x7f00" };
  const stack = ["do_wait", "kernel_wait4", "__do_sys_wait4"];
  const threads = [
    { comm: "main", tid: 10, process: 0, group: 0, intervals: [cpu(20 * ms, "main"), waitBy(100 * ms, 3, { kind: "child-exit", function: "do_wait", syscall: "wait4", stack, wake: { source: "task-exit", comm: null, pid: null, tid: null, syscall: "exit_group" } }), queue(2 * ms), cpu(18 * ms, "main"), open(60 * ms)] },
    { comm: "worker-1", tid: 11, process: 0, group: 1, from: 10 * ms, creator: 0, intervals: [queue(ms), cpu(30 * ms, "main"), waitBy(40 * ms, 2, gil), queue(2 * ms), cpu(40 * ms, "main"), waitBy(30 * ms, 2, gil), cpu(20 * ms, "main")] },
    { comm: "worker-2", tid: 12, process: 0, group: 1, from: 12 * ms, creator: 0, intervals: [waitBy(28 * ms, 1, gil), cpu(43 * ms, "main"), unknown(25 * ms), waitBy(20 * ms, 1, gil), cpu(30 * ms, "main")], exit: { signal: 11 } },
    { comm: "git\u202e\u0007<b>", tid: 20, process: 1, group: 2, from: 21 * ms, creator: 0, intervals: [queue(3 * ms), cpu(8 * ms, "git"), waitFor(60 * ms, network, { object: "tcp 127.0.0.1:40 → 127.0.0.1:9418" }), { ns: 6 * ms, state: "together", parts: [{ ...cpu(2 * ms, "git"), count: 200 }, { ...queue(ms), count: 150 }, { ...waitFor(3 * ms, network), count: 140 }] }, cpu(22 * ms, "git")], exit: { code: 1 } },
    { comm: "disk", tid: 30, process: 2, group: 3, from: 5 * ms, intervals: Array.from({ length: 1500 }, (_, i) => [cpu(20_000 + (i % 7) * 9000, "disk"), waitFor(40_000 + (i % 13) * 12_000, ["disk", "vda"], { kind: "disk", function: "folio_wait", object: "file", wake: { source: "block-io", comm: null, pid: null, tid: null, syscall: null } })]).flat() },
  ];
  const held = [[0, 1, 24 * ms, 40 * ms], [0, 2, 40 * ms, 83 * ms], [0, 1, 83 * ms, 128 * ms], [0, 2, 128 * ms, 153 * ms]];
  const hop = (thread, from, to, cause, wait = null) => ({ from_ns: from * ms, to_ns: to * ms, thread, wait, cause, detail: null });
  const hops = [hop(0, 0, 21, "computing"), hop(3, 21, 32, "computing"), hop(3, 32, 92, "network", "socket-recv"), hop(3, 92, 120, "computing"), hop(0, 120, 140, "computing"), hop(0, 140, 200, "open", "futex")];
  return { threads, gil: held, groups: ["main", "main (worker-*)", "git \u202epull", "disk"], path: { root: 0, from_ns: 0, to_ns: 200 * ms, sums: [], hops, hops_left_out: 0 } };
}

/** Many threads in rings: each hands on to the next. */
export function rings(threads = 2000, waits = 500) {
  let seed = 7;
  const random = (n) => (seed = (seed * 16807) % 2147483647) % n;
  return Array.from({ length: threads }, (_, index) => {
    const by = index % 8 === 0 ? Math.min(threads - 1, index + 7) : index - 1;
    const intervals = [];
    for (let i = 0; i < waits; i++) intervals.push(waitBy(20_000 + random(90_000), by), queue(1 + random(3000)), cpu(1000 + random(9000), "ring"));
    return { comm: `ring-${index}`, group: 0, from: random(50_000), intervals };
  });
}
