/** Mouse, pen and fingers on the timeline. */

import { intervalAt } from "../model/intervals";
import { OVERVIEW_HEIGHT } from "./overview";
import type { TimelineCanvas } from "./canvas";
import { describeUnder } from "./under";
import type { Tooltip } from "./tooltip";

/** So far a press moves, pixels, before it is a drag. */
const STILL = 4;

/** So long a finger stays where it is, ms, to set the window instead of moving the view. */
const LONG_MS = 450;

type Drag =
  | { type: "press"; x: number; y: number; brush: boolean }
  | { type: "pan"; x: number; y: number }
  | { type: "brush"; at: number }
  | { type: "pinch"; apart: number; middle: number };

export function bindPointer(timeline: TimelineCanvas, tooltip: Tooltip): void {
  const pointing = new Pointing(timeline, tooltip);
  const { canvas, strip } = timeline;
  canvas.addEventListener("wheel", (event) => pointing.wheel(event), { passive: false });
  canvas.addEventListener("pointerdown", (event) => pointing.down(event));
  canvas.addEventListener("pointermove", (event) => pointing.move(event));
  canvas.addEventListener("pointerup", (event) => pointing.up(event));
  canvas.addEventListener("pointercancel", (event) => pointing.cancel(event));
  canvas.addEventListener("pointerleave", (event) => event.pointerType !== "touch" && tooltip.hide());
  canvas.addEventListener("contextmenu", (event) => pointing.isTouched && event.preventDefault());
  canvas.addEventListener("dblclick", (event) => pointing.doubleClick(event));
  bindOverview(timeline, strip);
}

class Pointing {
  #drag: Drag | null = null;
  readonly #fingers = new Map<number, { x: number; y: number }>();
  #longPress: ReturnType<typeof setTimeout> | undefined;
  /** By a finger, last. */
  isTouched = false;

  constructor(
    private readonly timeline: TimelineCanvas,
    private readonly tooltip: Tooltip,
  ) {}

  /** Plain: rows are scrolled. With Ctrl, Alt, ⌘ (a touchpad's pinch is Ctrl): zoom. Sideways, or with Shift: pan. */
  wheel(event: WheelEvent): void {
    const lines = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1;
    const { deltaX, deltaY } = event;
    if (event.ctrlKey || event.metaKey || event.altKey) {
      const steps = Math.max(-120, Math.min(120, deltaY * lines));
      this.timeline.zoom(Math.exp(-steps * 0.004), this.timeline.scene.scale.at(event.offsetX));
    } else if (event.shiftKey || Math.abs(deltaX) > Math.abs(deltaY)) {
      this.timeline.pan((event.shiftKey && deltaX === 0 ? deltaY : deltaX) * lines);
    } else return;
    event.preventDefault();
    this.tooltip.hide();
  }

  down(event: PointerEvent): void {
    if (event.button !== 0) return;
    clearTimeout(this.#longPress);
    this.isTouched = event.pointerType === "touch";
    this.timeline.canvas.setPointerCapture(event.pointerId);
    this.#fingers.set(event.pointerId, { x: event.offsetX, y: event.offsetY });
    this.tooltip.hide();
    if (this.#fingers.size === 2) return this.#beginPinch();
    const { inAxis, inNames } = this.timeline.under(event.offsetX, event.offsetY);
    const brush = !inNames && (event.shiftKey || inAxis || this.timeline.dragSetsWindow);
    this.#drag = { type: "press", x: event.offsetX, y: event.offsetY, brush };
    const stay = (): void => this.#stay(event.offsetX, event.offsetY);
    if (this.isTouched && !inNames) this.#longPress = setTimeout(stay, LONG_MS);
  }

  /** A finger stays where it is: what lies there is said, since it cannot hover; from now on a drag sets the window. */
  #stay(x: number, y: number): void {
    if (this.#drag?.type !== "press") return;
    this.#drag = { type: "brush", at: this.timeline.scene.scale.at(x) };
    this.#describe(x, y);
  }

  #beginPinch(): void {
    const [a, b] = [...this.#fingers.values()];
    if (!a || !b) return;
    this.#drag = { type: "pinch", apart: Math.max(20, Math.abs(a.x - b.x)), middle: (a.x + b.x) / 2 };
  }

  move(event: PointerEvent): void {
    const { offsetX: x, offsetY: y } = event;
    if (this.#fingers.has(event.pointerId)) this.#fingers.set(event.pointerId, { x, y });
    const drag = this.#drag;
    if (!drag) return this.#hover(event);
    if (drag.type === "press" && Math.hypot(x - drag.x, y - drag.y) >= STILL) this.#begin(drag);
    else if (drag.type === "pan") this.#pan(drag, x, y);
    else if (drag.type === "brush") this.#brush(drag, x);
    else if (drag.type === "pinch") this.#pinch(drag);
  }

  #brush(drag: { at: number }, x: number): void {
    const { scale } = this.timeline.scene;
    if (Math.abs(x - scale.x(drag.at)) < STILL) return;
    this.tooltip.hide();
    this.timeline.brush({ from: drag.at, to: scale.at(x) });
  }

  #begin(press: { x: number; y: number; brush: boolean }): void {
    clearTimeout(this.#longPress);
    if (press.brush) this.#drag = { type: "brush", at: this.timeline.scene.scale.at(press.x) };
    else this.#drag = { type: "pan", x: press.x, y: press.y };
    this.timeline.canvas.classList.toggle("dragging", !press.brush);
  }

  #pan(drag: { x: number; y: number }, x: number, y: number): void {
    this.timeline.pan(drag.x - x);
    this.timeline.scroller.scrollTop += drag.y - y;
    [drag.x, drag.y] = [x, y];
  }

  #pinch(drag: { apart: number; middle: number }): void {
    const [a, b] = [...this.#fingers.values()];
    if (!a || !b) return;
    const apart = Math.max(20, Math.abs(a.x - b.x));
    const middle = (a.x + b.x) / 2;
    this.timeline.zoom(apart / drag.apart, this.timeline.scene.scale.at(middle));
    this.timeline.pan(drag.middle - middle);
    [drag.apart, drag.middle] = [apart, middle];
  }

  #hover(event: PointerEvent): void {
    if (event.pointerType === "touch") return;
    const { inAxis, inNames } = this.timeline.under(event.offsetX, event.offsetY);
    const plain = this.timeline.dragSetsWindow ? "crosshair" : "default";
    this.timeline.canvas.style.cursor = inAxis ? "col-resize" : inNames ? "pointer" : plain;
    this.#describe(event.offsetX, event.offsetY);
  }

  #describe(x: number, y: number): void {
    const { scene, canvas } = this.timeline;
    const description = describeUnder(scene, this.timeline.under(x, y));
    const { left, top } = canvas.getBoundingClientRect();
    if (description) this.tooltip.show(description, left + x, top + y);
    else this.tooltip.hide();
  }

  up(event: PointerEvent): void {
    clearTimeout(this.#longPress);
    this.#fingers.delete(event.pointerId);
    const drag = this.#drag;
    this.#drag = null;
    this.timeline.canvas.classList.remove("dragging");
    if (drag?.type === "press") this.#click(drag.x, drag.y);
  }

  cancel(event: PointerEvent): void {
    clearTimeout(this.#longPress);
    this.#fingers.delete(event.pointerId);
    this.#drag = null;
    this.timeline.canvas.classList.remove("dragging");
  }

  #click(x: number, y: number): void {
    const { timeline } = this;
    const { row: index, at, inNames } = timeline.under(x, y);
    const row = timeline.scene.layout.rows[index];
    if (!row) return;
    if (row.type === "group") {
      if (inNames) timeline.toggle(row.group);
    } else if (row.type === "thread") {
      const interval = inNames ? null : intervalAt(timeline.scene.trace, row.thread, at);
      if (interval === null) timeline.state.select({ thread: row.thread, interval: null });
      else timeline.state.selectInterval(interval, false);
    }
    if (timeline.scene.cursor) timeline.scene.cursor = { row: index, at };
    timeline.ask();
  }

  /** On an interval: shows it. On the axis: the whole run. */
  doubleClick(event: MouseEvent): void {
    const { timeline } = this;
    const { row: index, at, inAxis, inNames } = timeline.under(event.offsetX, event.offsetY);
    const row = timeline.scene.layout.rows[index];
    if (inAxis) return timeline.state.setWindow(null);
    if (inNames || row?.type !== "thread") return;
    const { trace } = timeline.scene;
    const i = intervalAt(trace, row.thread, at);
    if (i === null) return;
    const around = (trace.to[i] - trace.from[i]) / 4 + 100;
    timeline.state.setView({ from: trace.from[i] - around, to: trace.to[i] + around });
  }
}

/** A press moves the view there, a drag sets the window. */
function bindOverview(timeline: TimelineCanvas, strip: HTMLCanvasElement): void {
  const { state } = timeline;
  let from: { x: number; at: number; isBrush: boolean } | null = null;
  const at = (x: number): number => {
    const { left, width } = timeline.scene.scale;
    return state.whole.from + ((x - left) / width) * (state.whole.to - state.whole.from);
  };
  strip.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || event.offsetY > OVERVIEW_HEIGHT) return;
    strip.setPointerCapture(event.pointerId);
    from = { x: event.offsetX, at: at(event.offsetX), isBrush: false };
  });
  strip.addEventListener("pointermove", (event) => {
    if (!from) return;
    from.isBrush ||= Math.abs(event.offsetX - from.x) >= STILL;
    if (from.isBrush) timeline.brush({ from: from.at, to: at(event.offsetX) });
  });
  strip.addEventListener("pointerup", (event) => {
    if (from && !from.isBrush) {
      const { from: first, to: last } = state.view;
      const half = (last - first) / 2;
      state.setView({ from: at(event.offsetX) - half, to: at(event.offsetX) + half });
    }
    from = null;
  });
  strip.addEventListener("pointercancel", () => (from = null));
  strip.addEventListener("dblclick", () => state.setWindow(null));
}
