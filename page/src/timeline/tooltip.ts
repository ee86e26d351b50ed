/** What lies under the pointer, in a box beside it, until something is scrolled. */

import { h, replace } from "../dom";
import { paint } from "../ui/kinds";
import type { Description } from "./describe";

export class Tooltip {
  readonly element = h("div", { class: "tl-tip", "aria-hidden": "true", hidden: true });

  constructor() {
    addEventListener("scroll", () => this.hide(), { capture: true, passive: true });
  }

  /** Beside a point of the viewport, inside of it. */
  show(what: Description, x: number, y: number): void {
    const swatch = paint(h("span", { class: "swatch" }), what.colour);
    const lines = what.lines.flatMap(([key, value]) => [h("dt", {}, key), h("dd", {}, value)]);
    replace(this.element, h("p", {}, swatch, what.title), h("dl", {}, ...lines));
    this.element.hidden = false;
    const box = this.element.getBoundingClientRect();
    const { clientWidth: width, clientHeight: height } = document.documentElement;
    const left = x + 14 + box.width > width ? x - 14 - box.width : x + 14;
    const top = y + 16 + box.height > height ? y - 12 - box.height : y + 16;
    this.element.style.left = `${within(left, width - box.width)}px`;
    this.element.style.top = `${within(top, height - box.height)}px`;
  }

  hide(): void {
    this.element.hidden = true;
  }
}

function within(at: number, most: number): number {
  return Math.max(4, Math.min(at, most - 4));
}
