/** What lies under the pointer, in a box beside it. */

import { h, replace } from "../dom";
import { paint } from "../ui/kinds";
import type { Description } from "./describe";

export class Tooltip {
  readonly element = h("div", { class: "tl-tip", "aria-hidden": "true", hidden: true });

  /** At a point of the element that it lies in, `width` wide. */
  show(what: Description, x: number, y: number, width: number, height: number): void {
    const swatch = paint(h("span", { class: "swatch" }), what.colour);
    const lines = what.lines.flatMap(([key, value]) => [h("dt", {}, key), h("dd", {}, value)]);
    replace(this.element, h("p", {}, swatch, what.title), h("dl", {}, ...lines));
    this.element.hidden = false;
    const box = this.element.getBoundingClientRect();
    const left = x + 14 + box.width > width ? Math.max(4, x - 14 - box.width) : x + 14;
    const top = y + 16 + box.height > height ? Math.max(4, y - 12 - box.height) : y + 16;
    this.element.style.left = `${left}px`;
    this.element.style.top = `${top}px`;
  }

  hide(): void {
    this.element.hidden = true;
  }
}
