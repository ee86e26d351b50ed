/** A dialog that keeps the focus while it is open and gives it back. */

import { h } from "../dom";

export interface Dialog {
  element: HTMLDialogElement;
  open(): void;
  /** The focus goes back to where it was, unless what follows puts it elsewhere. */
  close(): void;
}

export function dialog(title: string, kind: string, ...content: Node[]): Dialog {
  const id = `${kind}-title`;
  const shut = h("button", { type: "button" }, "close");
  const head = h("header", {}, h("h2", { id }, title), shut);
  const element = h("dialog", { class: kind, "aria-labelledby": id }, head, ...content);
  let before: Element | null = null;
  const close = (): void => element.close();
  shut.addEventListener("click", close);
  // A click beside it.
  element.addEventListener("click", (event) => event.target === element && isOutside(element, event) && close());
  element.addEventListener("close", () => {
    const now = document.activeElement;
    const isLost = now === document.body || element.contains(now);
    if (isLost && before instanceof HTMLElement) before.focus({ preventScroll: true });
  });
  const open = (): void => {
    if (element.open) return;
    before = document.activeElement;
    element.showModal();
  };
  return { element, open, close };
}

function isOutside(element: Element, { clientX, clientY }: MouseEvent): boolean {
  const { left, right, top, bottom } = element.getBoundingClientRect();
  return clientX < left || clientX > right || clientY < top || clientY > bottom;
}
