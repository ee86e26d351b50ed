/** Rows of sums: those that read the same are one, as in `waitscope report`. */

import type { Site, Wait, Wake } from "../types";

/** Waits that go on at the end of a window. */
export interface OpenWait extends Site {
  count: number;
  so_far_ns: number;
}

/** Places of a thread that are distinguished by object; as `DISTINCT_OBJECTS` in `world/account.rs`. */
export const DISTINCT_OBJECTS = 512;

/** What makes waits one row in a thread, and, without the object, in a group. */
export function keyOfSite(site: Site, withObject: boolean): string {
  const stack = site.stack?.join("\u0001") ?? "";
  const object = withObject ? site.object ?? "\u0002" : "";
  return [site.kind, site.syscall ?? "\u0002", site.function ?? "\u0002", stack, object].join("\u0000");
}

function keyOfWake(wake: Wake, withIds: boolean): string {
  const ids = withIds ? `${wake.pid}\u0000${wake.tid}` : "";
  const signal = wake.signal ? `${wake.signal.name}\u0001${wake.signal.sender}` : "";
  const names = [wake.comm ?? "\u0002", wake.syscall ?? "\u0002"];
  return [wake.source, ...names, wake.outside === true, signal, ids].join("\u0000");
}

/** Rows under their keys. */
export class Rows {
  readonly waits = new Map<string, Wait>();
  readonly open = new Map<string, OpenWait>();
  readonly wakes = new Map<string, Wake>();

  /** `ofThread`: waits on different objects, and wakers of one name, stay apart. */
  constructor(private readonly ofThread: boolean) {}

  addWait(site: Site, count: number, total: number, max: number, begun: number): void {
    const key = keyOfSite(site, this.ofThread);
    const row = this.waits.get(key);
    if (!row) {
      this.waits.set(key, { ...place(site), count, total_ns: total, max_ns: max, begun_before: begun });
      return;
    }
    if (row.object !== site.object) row.object = null;
    row.count += count;
    row.total_ns += total;
    row.max_ns = Math.max(row.max_ns, max);
    row.begun_before = (row.begun_before ?? 0) + begun;
  }

  addOpen(site: Site, count: number, ns: number): void {
    const key = keyOfSite(site, false);
    const row = this.open.get(key);
    if (!row) {
      this.open.set(key, { ...place(site), count, so_far_ns: ns });
      return;
    }
    if (row.object !== site.object) row.object = null;
    row.count += count;
    row.so_far_ns += ns;
  }

  addWake(wake: Wake, count: number, ns: number): void {
    const key = keyOfWake(wake, this.ofThread);
    const row = this.wakes.get(key);
    if (!row) {
      this.wakes.set(key, { ...wake, count, wait_ns: ns });
      return;
    }
    if (row.tid !== wake.tid) row.tid = null;
    if (row.pid !== wake.pid) row.pid = null;
    row.count = (row.count ?? 0) + count;
    row.wait_ns = (row.wait_ns ?? 0) + ns;
  }

  /** Adds a thread's to those of its group. */
  addRows(thread: Rows): void {
    for (const wait of thread.waits.values()) {
      this.addWait(wait, wait.count, wait.total_ns, wait.max_ns, wait.begun_before ?? 0);
    }
    for (const open of thread.open.values()) this.addOpen(open, open.count, open.so_far_ns);
    for (const wake of thread.wakes.values()) this.addWake(wake, wake.count ?? 0, wake.wait_ns ?? 0);
  }

  /** Largest first; equal ones in the order of their names. */
  sorted(): { waits: Wait[]; open: OpenWait[]; wakes: Wake[] } {
    const byName = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);
    const inOrder = <Row>(rows: Map<string, Row>, size: (row: Row) => number): Row[] =>
      [...rows].sort((a, b) => size(b[1]) - size(a[1]) || byName(a[0], b[0])).map(([, row]) => row);
    return {
      waits: inOrder(this.waits, (wait) => wait.total_ns),
      open: inOrder(this.open, (open) => open.so_far_ns),
      wakes: inOrder(this.wakes, (wake) => wake.wait_ns ?? 0),
    };
  }
}

function place(site: Site): Site {
  const { kind, syscall, function: inFunction, object, stack } = site;
  return { kind, syscall, function: inFunction, object, stack };
}
