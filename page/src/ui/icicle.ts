/** What was behind the waits of a group, as an icicle: each row is behind the one above, down to the causes. */

import { h, replace } from "../dom";
import { percent, timeIn, unitOf } from "../format";
import { blameTree, type IcicleNode, twoLevels } from "./blame_tree";
import { about } from "./budget";
import type { Context } from "./context";
import { paint } from "./kinds";
import { whenIdle } from "./slices";
import { tableView } from "./tsv";

interface Cell {
  node: IcicleNode;
  depth: number;
  /** Share of the root at which it begins. */
  at: number;
  parent: Cell | null;
  children: Cell[];
  element: HTMLButtonElement;
}

/** Narrower cells are one with their neighbours. */
const NARROW = 1 / 250;
/** Cells narrower than this have a thin frame. */
const THIN = 1 / 60;
/** Letters that have room in a cell, or it has none; px for each, and beside them. */
const LETTERS = 4;
const LETTER_PX = 7;
const BESIDE_PX = 12;
const DEEPEST = 14;
const ROW_REM = 1.6;

export interface Icicle {
  element: HTMLElement;
  /** Looks anew; what was found last stays until then. */
  update(): void;
  close(): void;
}

export function icicle(context: Context, group: number): Icicle {
  const body = h("div");
  const busy = h("span", { class: "muted" });
  const element = h("div", { class: "behind" }, h("h4", {}, "behind its waits ", busy), body);
  let abort = new AbortController();
  const show = (root: IcicleNode): void => {
    const hadFocus = body.contains(document.activeElement);
    const sums = context.numbers.group(group);
    const finished = sums.waits.reduce((ns, wait) => ns + wait.total_ns, 0);
    replace(body, ...drawn(context, root, finished, about(sums)));
    if (hadFocus) body.querySelector<HTMLElement>("[tabindex='0']")?.focus({ preventScroll: true });
  };
  const update = (): void => {
    abort.abort();
    const { signal } = (abort = new AbortController());
    const progress = (share: number): void => {
      busy.textContent = `looking closer …${share > 0 && share < 1 ? ` ${percent(share, 1)}` : ""}`;
    };
    progress(0);
    // Kinds and causes are known at once; the links between them take a while.
    if (body.childElementCount === 0) show(twoLevels(context.numbers.group(group)));
    const done = (root: IcicleNode): void => {
      busy.textContent = "";
      show(root);
    };
    const failed = (error: unknown): void => {
      if (!signal.aborted) busy.textContent = `cannot be shown: ${String(error)}`;
    };
    // The timeline and the plots come first.
    whenIdle(() => signal.aborted || void blameTree(context, group, signal, progress).then(done, failed));
  };
  return { element, update, close: () => abort.abort() };
}

function drawn(context: Context, root: IcicleNode, finished: number, about: string): HTMLElement[] {
  const none = "Nothing is known of what was behind them, or none was finished.";
  if (root.ns <= 0) return [h("p", { class: "muted" }, none)];
  const says = h("div", { class: "icicle-says", "aria-hidden": "true" });
  const box = h("div", { class: "icicle", role: "group", "aria-label": "what was behind the waits; arrow keys move" });
  const cells: Cell[] = [];
  const top = layOut(root, cells);
  const tell = (cell: Cell): void => void (says.textContent = `${pathOf(cell)}: ${amount(cell, root)}`);
  for (const cell of cells) box.append(cellElement(context, cell, root, tell));
  letter(box, cells, root);
  box.style.height = `${(Math.max(...cells.map((cell) => cell.depth)) + 1) * ROW_REM}rem`;
  box.addEventListener("keydown", (event) => move(event, cells, top));
  cells[0].element.tabIndex = 0;
  says.textContent = `${about}${ofFinished(root.ns, finished)}; each row is behind the one above it`;
  return [box, says, asTable(root)];
}

/** Of waits whose records were lost the kernel has added up the time: nobody knows what was behind them. */
function ofFinished(ns: number, finished: number): string {
  const unit = unitOf(Math.max(ns, finished));
  if (finished <= ns * 1.001) return `${timeIn(unit, ns)} of finished waits`;
  return `${timeIn(unit, ns)} of ${timeIn(unit, finished)} of finished waits, since of the others only the sum is known`;
}

/** Cells of all nodes that are wide enough; the first level is the root's children. */
function layOut(root: IcicleNode, cells: Cell[]): Cell[] {
  const place = (nodes: IcicleNode[], depth: number, from: number, parent: Cell | null): Cell[] => {
    let at = from;
    return visible(nodes, root.ns).map((node) => {
      const element = h("button", { type: "button", tabindex: -1 });
      const cell: Cell = { node, depth, at, parent, children: [], element };
      cells.push(cell);
      if (depth < DEEPEST) cell.children = place(node.children, depth + 1, at, cell);
      at += node.ns / root.ns;
      return cell;
    });
  };
  return place(root.children, 0, 0, null);
}

/** Largest first; narrow ones are one. */
function visible(nodes: readonly IcicleNode[], whole: number): IcicleNode[] {
  const sorted = [...nodes].sort((a, b) => b.ns - a.ns);
  const narrow = sorted.filter((node) => node.ns < whole * NARROW);
  const wide = sorted.filter((node) => node.ns >= whole * NARROW);
  const ns = narrow.reduce((sum, node) => sum + node.ns, 0);
  if (ns < whole * NARROW) return wide;
  const example = narrow[0].example;
  return [...wide, { label: `other (${narrow.length})`, colour: "--unknown", ns, example, children: [] }];
}

function cellElement(context: Context, cell: Cell, root: IcicleNode, tell: (cell: Cell) => void): HTMLElement {
  const { node, depth, at, element } = cell;
  const share = node.ns / root.ns;
  paint(element, "", node.colour);
  element.className = share < THIN ? "cell thin" : "cell";
  const says = `${pathOf(cell)}: ${amount(cell, root)}`;
  element.setAttribute("aria-label", says);
  element.title = says;
  element.style.left = `${at * 100}%`;
  element.style.width = `${share * 100}%`;
  element.style.top = `${depth * ROW_REM}rem`;
  element.addEventListener("pointerenter", () => tell(cell));
  element.addEventListener("focus", () => tell(cell));
  element.addEventListener("click", () => {
    if (node.example !== null) context.showInterval(node.example);
  });
  return element;
}

/** Names where there is room for some letters of them: `c…` says nothing. */
function letter(box: HTMLElement, cells: readonly Cell[], root: IcicleNode): void {
  const write = (): void => {
    const width = box.clientWidth;
    for (const { element, node } of cells) {
      const room = ((node.ns / root.ns) * width - BESIDE_PX) / LETTER_PX;
      element.textContent = room >= Math.min(LETTERS, node.label.length) ? node.label : "";
    }
  };
  new ResizeObserver(write).observe(box);
}

/** `child-exit ← git pull ← network`. */
function pathOf(cell: Cell): string {
  return cell.parent ? `${pathOf(cell.parent)} ← ${cell.node.label}` : cell.node.label;
}

function amount(cell: Cell, root: IcicleNode): string {
  return `${timeIn(unitOf(root.ns), cell.node.ns)}, ${percent(cell.node.ns, root.ns)} of its waits`;
}

/** Up: in front of it; down: behind it; left and right: beside it. */
function move(event: KeyboardEvent, cells: Cell[], top: Cell[]): void {
  const cell = cells.find((one) => one.element === event.target);
  if (!cell) return;
  const beside = cell.parent?.children ?? top;
  const at = beside.indexOf(cell);
  const to: Record<string, Cell | null | undefined> = {
    ArrowUp: cell.parent,
    ArrowDown: cell.children[0],
    ArrowLeft: beside[at - 1],
    ArrowRight: beside[at + 1],
    Home: cells[0],
  };
  if (!Object.hasOwn(to, event.key)) return;
  event.preventDefault();
  event.stopPropagation();
  const next = to[event.key];
  if (!next) return;
  cell.element.tabIndex = -1;
  next.element.tabIndex = 0;
  next.element.focus();
}

function asTable(root: IcicleNode): HTMLElement {
  const rows: [string, number, number][] = [];
  const walk = (node: IcicleNode, depth: number): void => {
    for (const child of [...node.children].sort((a, b) => b.ns - a.ns)) {
      rows.push([child.label, depth, child.ns]);
      if (depth < DEEPEST) walk(child, depth + 1);
    }
  };
  const unit = unitOf(root.ns);
  const table = (): HTMLElement => {
    walk(root, 0);
    const columns = [
      { name: "behind" },
      { name: "what" },
      { name: "time", number: true },
      { name: "of its waits", number: true },
    ];
    return tableView({
      caption: "what was behind its waits",
      columns,
      count: rows.length,
      row: (i) => {
        const [label, depth, ns] = rows[i];
        return ["← ".repeat(depth), label, timeIn(unit, ns), percent(ns, root.ns)];
      },
    });
  };
  const details = h("details", { class: "no-print" }, h("summary", {}, "as a table"));
  details.addEventListener("toggle", () => details.childElementCount === 1 && details.append(table()), { once: true });
  return details;
}
