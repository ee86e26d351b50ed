/** What the parts of the page agree on. Times are ns since the start of the run. */

/** A JSON report, `waitscope.report/1`: only what the page reads. */
export interface Report {
  command: string[];
  attached: number[];
  interim?: boolean;
  cut?: boolean;
  tier: string;
  wall_ns: number;
  /** Which part of a run it is of; only then. */
  window?: { from_ns: number; to_ns: number; of_ns: number };
  processes: number;
  host: { kernel: string; arch: string; cpus: number };
  coverage: { lost: Record<string, number>; lost_total?: number; problems: string[] };
  threads: Thread[];
  groups: Group[];
  fd_tables: FdTable[] | null;
  listeners: Listener[] | null;
  connections: unknown[] | null;
  critical_path: CriticalPath | null;
  critical_paths?: CriticalPath[];
  /** What observing took; of a part of the run it is not known. */
  overhead?: { tool_cpu_ns: number | null; tool_peak_bytes: number | null } | null;
  memory: { pid: number; comm: string; rss_peak: number | null; private_peak: number | null }[] | null;
  claims: Verdict[] | null;
  filter?: WaitFilter | null;
  /** The frames of user stacks; only where there are any. */
  user_frames?: UserFrame[];
}

/** A place in a program: where in the file it is, or without a build id its address. */
export interface UserFrame {
  module: string | null;
  build_id: string | null;
  offset: number;
  function: string | null;
}

/** Which waits are counted: of these kinds (`null`, or none: of any), between these lengths. */
export interface WaitFilter {
  kinds: string[] | null;
  min_ns: number | null;
  max_ns: number | null;
}

export interface Wait {
  kind: string;
  syscall: string | null;
  function: string | null;
  object: string | null;
  stack: string[] | null;
  count: number;
  total_ns: number;
  max_ns: number;
  /** Of a window: how many of them were longer than what of them lies in it. */
  begun_before?: number;
}
export interface Wake {
  source: string;
  comm: string | null;
  pid: number | null;
  tid: number | null;
  syscall: string | null;
  outside?: boolean;
  signal?: { name: string; sender: string } | null;
  count?: number;
  wait_ns?: number;
}
export interface Blame {
  kind: string;
  cause: string;
  detail: string | null;
  ns: number;
}
/** `lifetime = on_cpu + runqueue + Σ waits.total + left_out + open + unknown`. */
export interface Sums {
  lifetime_ns: number;
  on_cpu_ns: number;
  runqueue_ns: number;
  open_ns: number;
  unknown_ns: number;
  waits: Wait[];
  /** Waits that the filter does not count, finished or not; only where there is one. */
  left_out?: { count: number; total_ns: number } | null;
  wakes: Wake[];
  blame: Blame[];
}
export interface Thread extends Sums {
  pid: number | null;
  tid: number;
  ppid: number | null;
  process: number | null;
  creator: number | null;
  comm: string;
  argv: string[];
  title?: string;
  group: number;
  start_ns: number;
  end_ns: number;
  exit: unknown;
}
export interface Group extends Sums {
  /** Threads that were not asked for (`--group`, `--thread`). */
  unlisted?: boolean;
  name: string;
  threads: number;
  pids: number[];
  critical_path_ns: number | null;
  /** What stood before it on run queues. */
  runqueue_behind?: { behind: string; detail: string | null; ns: number }[] | null;
}
export interface FdTable {
  id: number;
  /** Pids. */
  processes: number[];
  /** Groups of the threads that used it. */
  groups?: number[];
  open?: { peak_exact: boolean };
  limit: number | null;
  from_ns: number;
  to_ns: number;
  series: [number, number][];
}
export interface Listener {
  address: string | null;
  port: number;
  accept_limit: number;
  accept_queue_max: number;
  dropped_accept: number;
  /** Else the counts are lower bounds. */
  seen_whole?: boolean;
  comm: string | null;
  pid?: number | null;
  series?: [number, number, number][];
}
export interface CriticalPath {
  root: number;
  from_ns: number;
  to_ns: number;
  sums: { cause: string; detail: string | null; ns: number }[];
  hops: Hop[];
  hops_left_out: number;
}
export interface Hop {
  from_ns: number;
  to_ns: number;
  thread: number;
  wait: string | null;
  cause: string;
  detail: string | null;
}
export interface Verdict {
  id: string;
  says: string;
  source: string | null;
  verdict: string;
  because: string | null;
  values: { expr: string; lo: number | null; hi: number | null; unit: string }[];
  evidence: {
    run: string | null;
    pid: number | null;
    tid: number | null;
    comm: string | null;
    kind: string | null;
    function: string | null;
    stack: string[] | null;
    count: number;
    ns: number;
  }[];
}

/** One entry of `whats` in the trace's header. */
export interface What {
  state: "on-cpu" | "runqueue" | "unknown" | "wait" | "open" | "together";
  cause?: number;
  site?: number;
  wake?: number;
  by?: boolean;
}
export interface Site {
  kind: string;
  syscall: string | null;
  function: string | null;
  object: string | null;
  stack: string[] | null;
  /** Innermost first: indices into `user_frames` of the report. */
  user_stack?: number[];
}
/** Several short intervals drawn as one. */
export interface Part {
  what: number;
  count: number;
  ns: number;
}

/** Every interval, in arrays: interval i of the run; those of thread t are first[t] … first[t + 1] − 1, in order. */
export interface Trace {
  /** Instants are multiples of this: 1, or more where the page had to be small. Then an interval may be 0 long. */
  unit_ns: number;
  resolution_ns: number;
  whats: What[];
  sites: Site[];
  /** Kind and detail. */
  causes: [string, string | null][];
  wakes: Wake[];
  /** Process, thread, from, to. */
  gil: [number, number, number, number][];
  first: Uint32Array;
  from: Float64Array;
  /** The end of each. */
  to: Float64Array;
  what: Uint16Array | Uint32Array;
  /** The thread that is waited for, or −1. */
  by: Int16Array | Int32Array;
  /** By interval. */
  parts: Map<number, Part[]>;
}

/** A run: the report and, unless the page was made from a report in JSON, its trace. */
export interface Run {
  report: Report;
  trace: Trace | null;
}

/** A stretch of time. */
export interface Span {
  from: number;
  to: number;
}

/** What is selected. Interval: index into the trace. */
export interface Selection {
  thread: number | null;
  interval: number | null;
}
