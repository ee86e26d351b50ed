/** Which rows there are, and where: of groups, of their threads where they are open, of interpreter locks. */

import type { Run } from "../types";
import { groupsInOrder } from "../ui/order";

export const GROUP_HEIGHT = 34;
export const THREAD_HEIGHT = 18;
export const GIL_HEIGHT = 14;

export interface Row {
  type: "group" | "thread" | "gil";
  group: number;
  /** Of a thread's row. */
  thread: number;
  /** Of an interpreter lock's row. */
  process: number;
  y: number;
  height: number;
}

/** So many threads are open at first. */
const OPEN_THREADS = 48;

export class Layout {
  rows: Row[] = [];
  height = 0;
  readonly open: boolean[];
  readonly threadsOf: number[][];
  /** Groups, as the page shows them elsewhere: dearest first. */
  readonly order: number[];
  /** By thread: the row that shows it. */
  rowOf: Int32Array;
  /** Of each process with spans of its lock: the thread behind which they stand. */
  readonly #gilBehind = new Map<number, number>();

  constructor(private readonly run: Run) {
    const { threads, groups } = run.report;
    this.threadsOf = groups.map(() => []);
    threads.forEach((thread, index) => this.threadsOf[thread.group]?.push(index));
    this.rowOf = new Int32Array(threads.length).fill(-1);
    const { alone, small } = groupsInOrder(run.report);
    this.order = [...alone, ...small].map((cost) => cost.index);
    this.open = firstOpen(this.threadsOf, this.order);
    const processes = new Set(run.trace?.gil.map(([process]) => process));
    for (const members of this.threadsOf) {
      for (const thread of members) {
        const { process } = threads[thread];
        if (process !== null && processes.has(process)) this.#gilBehind.set(process, thread);
      }
    }
    this.arrange();
  }

  /** Rows anew, after a group was opened or folded. */
  arrange(): void {
    this.rows = [];
    this.height = 0;
    for (const group of this.order) {
      const members = this.threadsOf[group];
      if (members.length === 0) continue;
      this.#push("group", group, -1, -1, GROUP_HEIGHT);
      for (const thread of members) {
        if (this.open[group]) this.#push("thread", group, thread, -1, THREAD_HEIGHT);
        this.rowOf[thread] = this.rows.length - 1;
      }
      if (this.open[group]) this.#pushLocks(group, members);
    }
  }

  #pushLocks(group: number, members: number[]): void {
    for (const [process, behind] of this.#gilBehind) {
      if (members.includes(behind)) this.#push("gil", group, -1, process, GIL_HEIGHT);
    }
  }

  #push(type: Row["type"], group: number, thread: number, process: number, height: number): void {
    this.rows.push({ type, group, thread, process, y: this.height, height });
    this.height += height;
  }

  toggle(group: number): void {
    this.open[group] = !this.open[group];
    this.arrange();
  }

  /** Opens a thread's group; whether it was not. */
  reveal(thread: number): boolean {
    const { group } = this.run.report.threads[thread];
    if (this.open[group]) return false;
    this.toggle(group);
    return true;
  }

  /** The row at a height; −1 below the last. */
  at(y: number): number {
    let low = 0;
    let high = this.rows.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.rows[middle].y + this.rows[middle].height > y) high = middle;
      else low = middle + 1;
    }
    return low < this.rows.length && y >= 0 ? low : -1;
  }
}

/** The first groups are open, as long as there is room for their threads. */
function firstOpen(threadsOf: number[][], order: number[]): boolean[] {
  let left = OPEN_THREADS;
  const open = threadsOf.map(() => false);
  order.forEach((group, at) => {
    const { length } = threadsOf[group];
    open[group] = length <= left || (at === 0 && length <= 8 * OPEN_THREADS);
    if (open[group]) left -= length;
  });
  return open;
}
