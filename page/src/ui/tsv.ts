/** A table of text and numbers that can be read, paged and copied. */

import { h, replace } from "../dom";
import { exact, instant, time } from "../format";
import { scrollable } from "./scrollable";
import { meaning } from "./words";

export interface Column {
  name: string;
  /** Right-aligned. */
  number?: boolean;
  /** Of what is copied. */
  unit?: string;
}
/** A cell: text, or an element and what is copied of it. */
export type Cell = string | { show: Node; copy: string };
export interface Table {
  caption: string;
  columns: Column[];
  count: number;
  row(index: number): Cell[];
}

/** A length of time: in a unit that reads well, and to the nanosecond where it is looked at and copied. */
export function nsCell(ns: number, atLeast = false): Cell {
  const sign = atLeast ? "≥ " : "";
  return { show: h("span", { title: sign + exact(ns) }, sign + time(ns)), copy: sign + Math.round(ns) };
}

/** An instant, likewise. */
export function instantCell(ns: number): Cell {
  return { show: h("span", { title: exact(ns) }, instant(ns)), copy: String(Math.round(ns)) };
}

/** A column of such. */
export function nsColumn(name: string): Column {
  return { name, number: true, unit: "ns" };
}

/** Rows of a page. */
const PAGE = 100;

/** The table, a hundred rows at a time, with a button that copies all of it. */
export function tableView(table: Table): HTMLElement {
  const body = h("tbody");
  const th = (c: Column): HTMLElement =>
    h("th", { scope: "col", class: c.number ? "n" : null, title: meaning(c.name) }, c.name);
  const head = h("tr", {}, ...table.columns.map(th));
  const says = h("span", { class: "muted" });
  let at = 0;
  const page = (to: number): void => {
    at = Math.max(0, Math.min(to, Math.floor(Math.max(0, table.count - 1) / PAGE) * PAGE));
    const end = Math.min(at + PAGE, table.count);
    replace(body, ...rows(table, at, end));
    says.textContent = table.count === 0 ? "none" : `${at + 1}–${end} of ${table.count.toLocaleString("en")}`;
    before.disabled = at === 0;
    behind.disabled = end >= table.count;
  };
  const before = h("button", { type: "button", onclick: () => page(at - PAGE) }, "previous");
  const behind = h("button", { type: "button", onclick: () => page(at + PAGE) }, "next");
  const pages = table.count > PAGE ? [before, behind] : [];
  const tools = h("div", { class: "table-tools no-print" }, ...pages, says, copyButton(table));
  page(0);
  const caption = h("caption", {}, table.caption);
  const rowsTable = h("table", {}, caption, h("thead", {}, head), body);
  return h("div", {}, tools, scrollable(table.caption, "", rowsTable));
}

function rows(table: Table, from: number, to: number): HTMLElement[] {
  const list = [];
  for (let i = from; i < to; i++) {
    const cells = table.row(i).map((cell, c) => {
      const element = h("td", { class: table.columns[c].number ? "n" : null });
      element.append(typeof cell === "string" ? cell : cell.show);
      return element;
    });
    list.push(h("tr", {}, ...cells));
  }
  return list;
}

/** All rows as tab-separated values. */
export function tsv(table: Table): string {
  const line = (cells: string[]): string => cells.map((cell) => cell.replace(/[\t\r\n]/g, " ")).join("\t");
  const lines = [line(table.columns.map(({ name, unit }) => (unit ? `${name} (${unit})` : name)))];
  for (let i = 0; i < table.count; i++) lines.push(line(table.row(i).map((c) => (typeof c === "string" ? c : c.copy))));
  return `${lines.join("\n")}\n`;
}

/** `copy as TSV`; where a browser refuses, the text is shown, selected. */
export function copyButton(table: Table): HTMLElement {
  const says = h("span", { role: "status", class: "muted" });
  const shown = h("span");
  const copy = async (): Promise<void> => {
    const text = tsv(table);
    try {
      await navigator.clipboard.writeText(text);
      says.textContent = `${table.count.toLocaleString("en")} rows copied`;
    } catch {
      const area = h("textarea", { "aria-label": "tab-separated values", rows: 4, cols: 60, readonly: true });
      area.value = text;
      replace(shown, area);
      area.select();
      says.textContent = "copy this text";
    }
  };
  return h("span", {}, h("button", { type: "button", onclick: () => void copy() }, "copy as TSV"), " ", says, shown);
}

/** A details element whose content is made when it is opened, and anew when `refresh` is called while it is. */
export function lazyDetails(summary: string, make: () => Node): HTMLDetailsElement & { refresh(): void } {
  const content = h("div");
  const details = h("details", {}, h("summary", {}, summary), content);
  const refresh = (): void => {
    if (details.open) replace(content, make());
  };
  details.addEventListener("toggle", refresh);
  return Object.assign(details, { refresh });
}
