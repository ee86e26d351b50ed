/** Runs made by hand, and the pages that hold them: the writer of the format in README.md, in a few lines. */
import { createHash } from "node:crypto";
import { deflateRawSync } from "node:zlib";

/** Unsigned LEB128. */
function leb(out, n) {
  for (; n >= 128; n = Math.floor(n / 128)) out.push((n % 128) + 128);
  out.push(n);
}

const zigzag = (n) => (n < 0 ? -2 * n - 1 : 2 * n);

/** Things by number. */
class Numbers {
  list = [];
  #places = new Map();
  number(thing) {
    const key = JSON.stringify(thing);
    if (!this.#places.has(key)) this.#places.set(key, this.list.push(thing) - 1);
    return this.#places.get(key);
  }
}

/**
 * `threads`: `{ from, intervals: [{ ns, state, … }] }`. Of a state: `cause` (kind and detail); of a wait also `kind`,
 * `object`, `function`, `syscall`, `stack`, `by` (index), `wake`; of those together `parts` (the same, with `count`).
 */
export function encodeTrace(threads, { gil = [], unit_ns = 1, resolution_ns = 0 } = {}) {
  const [whats, sites, causes, wakes] = [new Numbers(), new Numbers(), new Numbers(), new Numbers()];
  const columns = { count: [], from: [], ns: [], what: [], by: [], parts: [] };
  const whatOf = ({ state, cause, kind, object = null, function: name = null, syscall = null, stack = null, by, wake }) => {
    const what = { state };
    if (cause) what.cause = causes.number(cause);
    if (state === "wait" || state === "open") what.site = sites.number({ kind, syscall, function: name, object, stack });
    if (state === "wait") what.wake = wakes.number(wake ?? { source: by === undefined ? "unverified" : "task", comm: null, pid: null, tid: null, syscall: null });
    if (by !== undefined) what.by = true;
    return whats.number(what);
  };
  let intervals = 0;
  threads.forEach((thread, index) => {
    leb(columns.count, thread.intervals.length);
    leb(columns.from, thread.from ?? 0);
    for (const interval of thread.intervals) {
      intervals++;
      leb(columns.ns, interval.ns);
      leb(columns.what, whatOf(interval));
      if (interval.by !== undefined) leb(columns.by, zigzag(interval.by - index));
      if (interval.state !== "together") continue;
      leb(columns.parts, interval.parts.length);
      for (const part of interval.parts) [whatOf(part), part.count, part.ns].forEach((n) => leb(columns.parts, n));
    }
  });
  const header = {
    version: 1,
    unit_ns,
    resolution_ns,
    together: 0,
    intervals,
    columns: Object.fromEntries(Object.entries(columns).map(([name, bytes]) => [name, bytes.length])),
    whats: whats.list,
    sites: sites.list,
    causes: causes.list,
    wakes: wakes.list,
    gil,
  };
  return assemble(header, Object.values(columns));
}

/** A header and its columns as one block. */
export function assemble(header, columns) {
  const text = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(text.length);
  return Buffer.concat([length, text, ...columns.map((bytes) => Buffer.from(bytes))]);
}

const NO_SUMS = { on_cpu_ns: 0, runqueue_ns: 0, open_ns: 0, unknown_ns: 0, waits: [], wakes: [], blame: [] };

/** A report of such threads; `comm`, `tid`, `group`, `creator`, `process` and `exit` may be given. */
export function reportOf(threads, { groups, ...rest } = {}) {
  const rows = threads.map((thread, index) => {
    const start_ns = thread.from ?? 0;
    const lifetime_ns = thread.intervals.reduce((sum, interval) => sum + interval.ns, 0);
    const { comm = `t${index}`, tid = 100 + index, group = 0, creator = null, process = index, exit = { code: 0 } } = thread;
    const ids = { pid: tid, tid, ppid: null, process, creator, comm, argv: [comm], group };
    return { ...NO_SUMS, ...ids, start_ns, end_ns: start_ns + lifetime_ns, lifetime_ns, exit };
  });
  const names = groups ?? [...new Set(rows.map((row) => row.group))].map((group) => `group ${group}`);
  const sum = (members) => members.reduce((ns, row) => ns + row.lifetime_ns, 0);
  return {
    schema: "waitscope.report/1",
    command: ["made", "by", "hand"],
    attached: [],
    tier: "tracepoint",
    wall_ns: Math.max(0, ...rows.map((row) => row.end_ns)),
    processes: rows.length,
    host: { kernel: "6.18", arch: "x86_64", cpus: 2 },
    coverage: { lost: {}, problems: [] },
    threads: rows,
    groups: names.map((name, group) => {
      const members = rows.filter((row) => row.group === group);
      const pids = [...new Set(members.map((row) => row.pid))];
      return { ...NO_SUMS, name, threads: members.length, pids, lifetime_ns: sum(members), critical_path_ns: null };
    }),
    fd_tables: null,
    listeners: null,
    connections: null,
    critical_path: null,
    memory: null,
    claims: null,
    ...rest,
  };
}

/** A page that holds these. `trace` may be null. */
export function pageOf(report, trace, { script = "", style = "" } = {}) {
  const hash = (text) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
  const block = (id, bytes) => `<script id="${id}" type="application/octet-stream">${deflateRawSync(bytes).toString("base64")}</script>`;
  return [
    '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">',
    `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src ${hash(script)}; style-src ${hash(style)}; base-uri 'none'; form-action 'none'">`,
    '<meta name="viewport" content="width=device-width, initial-scale=1">\n<title>made by hand – waitscope</title>',
    `<style>${style}</style>\n</head>\n<body>\n<header id="head"><h1>made by hand</h1></header>\n<main id="page"></main>`,
    '<details id="text"><summary>The report as text</summary><pre>text</pre></details>\n<footer id="made">made by hand</footer>',
    block("report", Buffer.from(JSON.stringify(report))),
    trace === null ? "" : block("trace", trace),
    `<script>${script}</script>\n</body>\n</html>`,
  ].join("\n");
}
