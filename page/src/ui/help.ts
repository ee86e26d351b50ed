/** The keys, and the words. */

import { h } from "../dom";
import { type Dialog, dialog } from "./dialog";
import type { KeySwitch } from "./keys";
import { glossary } from "./words";

/** A section that the page has, and its key. */
export interface Place {
  key: string;
  title: string;
}

type Part = [string, [string[], string][]];

const keysOf = (places: readonly Place[]): Part[] => [
  [
    "Everywhere",
    [
      [["/"], "find a thread, a program, an object, a listener, a kind of waits"],
      [["?"], "this list"],
      [[`1 … ${places.length + 1}`], "go to a section: their order is that of the contents"],
      [["g s"], `go to the summary; ${goTo(places)}, g r report as text`],
      [["w"], "set the window in numbers; W: the whole run again"],
      [["t"], "light, dark, or as the system has it"],
      [["Tab", "Enter"], "everything that can be clicked"],
      [["Escape"], "close what is open"],
    ],
  ],
  [
    "In the timeline",
    [
      [["←", "→"], "along the time"],
      [["↑", "↓"], "to the row above and below; Page Up and Page Down by twelve"],
      [["+", "−"], "zoom in and out; 0 shows the whole run"],
      [["Enter"], "select what the thread does there: the chain of a wait unfolds; fold and unfold a group"],
      [["n", "p"], "the next and the previous interval of the thread"],
      [["Backspace"], "the view before"],
      [["c"], "along the chain, to who ended the wait, hop by hop"],
      [["[", "]"], "begin and end the window here"],
      [["Escape"], "select nothing; then the window is the whole run again"],
    ],
  ],
  [
    "In what was behind a group's waits",
    [
      [["↑", "↓"], "to what is in front of it and behind it"],
      [["←", "→"], "to what is beside it"],
      [["Enter"], "show one of them in the timeline"],
    ],
  ],
];

function goTo(places: readonly Place[]): string {
  return places.map(({ key, title }) => `g ${key} ${title.toLowerCase()}`).join(", ");
}

export function help(keys: KeySwitch, places: readonly Place[]): Dialog {
  const parts = keysOf(places).map(([title, keys]) => part(title, keys));
  return dialog("Keys and words", "help", keySwitch(keys), ...parts, glossary());
}

/** Those of the timeline count only while it has the focus, so they stay. */
function keySwitch(keys: KeySwitch): HTMLElement {
  const box = h("input", { type: "checkbox", checked: keys.isOn });
  box.addEventListener("change", () => (keys.isOn = box.checked));
  return h("p", {}, h("label", {}, box, " single characters are keys everywhere (until the page is closed)"));
}

function part(title: string, keys: [string[], string][]): HTMLElement {
  const rows = keys.map(([names, does]) => {
    const shown = names.flatMap((name, at) => (at > 0 ? [" ", h("kbd", {}, name)] : [h("kbd", {}, name)]));
    return h("tr", {}, h("th", { scope: "row" }, ...shown), h("td", {}, does));
  });
  return h("div", {}, h("h3", {}, title), h("table", { class: "keys" }, h("tbody", {}, ...rows)));
}
