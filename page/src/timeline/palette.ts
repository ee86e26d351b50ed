/** The page's colours for the canvas: as text, and as pixels. */

import type { Levels, Shade } from "../model/levels";
import { property } from "../ui/kinds";

/** Red, green, blue and alpha as they lie in an `ImageData`. */
export type Pixel = number;

/** How much of a colour is left in a shade of it. */
const STRENGTH: Record<Shade, number> = { full: 1, timeout: 0.45, faint: 0.22 };

const root = (): CSSStyleDeclaration => getComputedStyle(document.documentElement);

export class Palette {
  readonly bg: string;
  readonly panel: string;
  readonly line: string;
  readonly text: string;
  readonly muted: string;
  readonly accent: string;
  readonly alarm: string;
  readonly path: string;
  readonly gil: string;
  readonly sans: string;
  /** By code of `Levels`; of `edges` those in full. */
  readonly colours: string[];
  readonly edges: string[];
  readonly pixels: Uint32Array;
  /** Text that can be read on a colour. */
  readonly inks: string[];
  readonly bgPixel: Pixel;
  #hatch: CanvasPattern | null = null;

  constructor({ codes, shades }: Levels) {
    const style = root();
    const of = (name: string) => style.getPropertyValue(name).trim() || "#888888";
    const context = document.createElement("canvas").getContext("2d")!;
    const plain = (name: string) => normal(context, of(name));
    [this.bg, this.panel] = [plain("--bg"), plain("--panel")];
    [this.line, this.path] = [plain("--line"), plain("--path")];
    [this.text, this.muted] = [plain("--text"), plain("--muted")];
    [this.accent, this.alarm] = [plain("--accent"), plain("--alarm")];
    this.gil = plain("--kind-gil");
    this.sans = of("--sans");
    this.edges = codes.map((code) => plain(property(code)));
    this.colours = this.edges.map((colour, code) => mixed(colour, this.bg, STRENGTH[shades[code]]));
    this.pixels = Uint32Array.from(this.colours, pixel);
    this.inks = this.colours.map(ink);
    this.bgPixel = pixel(this.bg);
  }

  /** What is not known, drawn so that it is never taken for nothing. */
  hatch(context: CanvasRenderingContext2D): CanvasPattern | string {
    if (this.#hatch) return this.#hatch;
    const tile = document.createElement("canvas");
    tile.width = tile.height = 6;
    const to = tile.getContext("2d")!;
    to.strokeStyle = this.colours[2];
    to.lineWidth = 1.6;
    to.beginPath();
    for (const x of [-6, 0, 6]) {
      to.moveTo(x - 1, 7);
      to.lineTo(x + 7, -1);
    }
    to.stroke();
    this.#hatch = context.createPattern(tile, "repeat");
    return this.#hatch ?? this.colours[2];
  }
}

/** As `#rrggbb`: what a canvas makes of a colour. */
function normal(context: CanvasRenderingContext2D, colour: string): string {
  context.fillStyle = "#888888";
  context.fillStyle = colour;
  const made = String(context.fillStyle);
  return /^#[0-9a-f]{6}$/.test(made) ? made : "#888888";
}

function parts(colour: string): [number, number, number] {
  const n = Number.parseInt(colour.slice(1), 16);
  return [n >> 16, (n >> 8) & 255, n & 255];
}

/** So much of one colour, the rest of another. */
function mixed(colour: string, other: string, share: number): string {
  const [a, b] = [parts(colour), parts(other)];
  const mix = a.map((part, at) => Math.round(part * share + b[at]! * (1 - share)));
  return `#${mix.map((part) => part.toString(16).padStart(2, "0")).join("")}`;
}

function pixel(colour: string): Pixel {
  const [red, green, blue] = parts(colour);
  return ((255 << 24) | (blue << 16) | (green << 8) | red) >>> 0;
}

function ink(colour: string): string {
  const [red, green, blue] = parts(colour).map((part) => (part / 255) ** 2.2);
  const light = 0.2126 * red! + 0.7152 * green! + 0.0722 * blue!;
  return light > 0.2 ? "#000000" : "#ffffff";
}
