/** A finger on a plot: along the time it sets the window, up and down it scrolls the page (see `touch-action`). */

import type uPlot from "uplot";

/** Lets a finger select; what it selected goes the way of a mouse's. */
export function bindTouch(u: uPlot): void {
  const { over } = u;
  let begin: number | null = null;
  const place = (event: PointerEvent): number => {
    const { left, width } = over.getBoundingClientRect();
    return Math.min(width, Math.max(0, event.clientX - left));
  };
  const select = (event: PointerEvent, isDone: boolean): void => {
    if (begin === null || !event.isPrimary) return;
    const [left, right] = [Math.min(begin, place(event)), Math.max(begin, place(event))];
    u.setSelect({ left, width: right - left, top: 0, height: over.clientHeight }, isDone);
    if (isDone) begin = null;
  };
  over.addEventListener("pointerdown", (event) => {
    if (event.pointerType === "touch" && event.isPrimary) begin = place(event);
  });
  over.addEventListener("pointermove", (event) => select(event, false));
  over.addEventListener("pointerup", (event) => select(event, true));
  over.addEventListener("pointercancel", () => {
    begin = null;
    u.setSelect({ left: 0, width: 0, top: 0, height: 0 });
  });
}
