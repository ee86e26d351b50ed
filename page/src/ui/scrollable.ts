/** A table that may be wider than the page: it can be scrolled, and says where it goes on. */

import { h } from "../dom";

export function scrollable(label: string, kind: string, table: HTMLElement): HTMLElement {
  const box = h("div", { class: "scroll", tabindex: 0, role: "group", "aria-label": label }, table);
  const hint = h("p", { class: "cut muted no-print", "aria-hidden": "true", hidden: true }, "more to the right →");
  const show = (): void => void (hint.hidden = box.scrollLeft + box.clientWidth >= box.scrollWidth - 2);
  box.addEventListener("scroll", show, { passive: true });
  const observer = new ResizeObserver(show);
  observer.observe(box);
  observer.observe(table);
  return h("div", { class: kind }, box, hint);
}
