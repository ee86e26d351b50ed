/** Text on the canvas: measured once, cut in its middle to a width. */

const fitted = new Map<string, string>();
const widths = new Map<string, number>();

/** A long session meets more texts than are worth keeping. */
const MOST = 20_000;

/** How wide a text is in the present font, CSS pixels. */
export function widthOf(context: CanvasRenderingContext2D, text: string): number {
  const key = `${context.font} ${text}`;
  let width = widths.get(key);
  if (width === undefined) {
    if (widths.size > MOST) widths.clear();
    widths.set(key, (width = context.measureText(text).width));
  }
  return width;
}

/** As much of both ends of a text as fits. */
export function fitText(context: CanvasRenderingContext2D, text: string, width: number): string {
  const key = `${Math.floor(width)} ${context.font} ${text}`;
  let fits = fitted.get(key);
  if (fits === undefined) {
    if (fitted.size > MOST) fitted.clear();
    fitted.set(key, (fits = fit(context, text, width)));
  }
  return fits;
}

function fit(context: CanvasRenderingContext2D, text: string, width: number): string {
  if (context.measureText(text).width <= width) return text;
  const all = [...text];
  for (let keep = all.length - 1; keep > 2; keep--) {
    const head = Math.ceil(keep / 2);
    const shorter = `${all.slice(0, head).join("")}…${all.slice(all.length - (keep - head)).join("")}`;
    if (context.measureText(shorter).width <= width) return shorter;
  }
  return "…";
}

/** As much of a text's beginning as fits, with all of what is behind it. */
export function fitHead(context: CanvasRenderingContext2D, head: string, tail: string, width: number): string {
  const key = `${Math.floor(width)} ${context.font} ${head}\u0000${tail}`;
  let fits = fitted.get(key);
  if (fits === undefined) {
    if (fitted.size > MOST) fitted.clear();
    const all = [...head];
    let keep = all.length;
    const text = (): string => `${all.slice(0, keep).join("")}${keep < all.length ? "…" : ""}${tail}`;
    while (keep > 1 && context.measureText(text()).width > width) keep--;
    fitted.set(key, (fits = text()));
  }
  return fits;
}
