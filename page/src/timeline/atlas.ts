/** Many small pictures of one size on few canvases. Those that were not looked at for longest make room for others. */

/** How wide and high a canvas of them is at most, pixels. */
const SIDE = 2048;
/** Canvases at most: 16 MiB each. */
const MOST = 5;

export interface Slot {
  canvas: HTMLCanvasElement;
  x: number;
  y: number;
}

export class Atlas {
  readonly #slots = new Map<string, Slot>();
  readonly #free: Slot[] = [];
  #canvases = 0;

  constructor(
    readonly width: number,
    readonly height: number,
  ) {}

  get(key: string): Slot | undefined {
    const slot = this.#slots.get(key);
    if (slot) {
      // To the end of the map: used last.
      this.#slots.delete(key);
      this.#slots.set(key, slot);
    }
    return slot;
  }

  put(key: string, picture: ImageData): void {
    const slot = this.#free.pop() ?? this.#grown() ?? this.#oldest();
    if (!slot) return;
    slot.canvas.getContext("2d")!.putImageData(picture, slot.x, slot.y);
    this.#slots.set(key, slot);
  }

  #grown(): Slot | undefined {
    if (this.#canvases === MOST) return undefined;
    this.#canvases++;
    const canvas = document.createElement("canvas");
    const [across, down] = [Math.floor(SIDE / this.width), Math.floor(SIDE / this.height)];
    canvas.width = across * this.width;
    canvas.height = down * this.height;
    for (let n = across * down - 1; n >= 0; n--) {
      this.#free.push({ canvas, x: (n % across) * this.width, y: Math.floor(n / across) * this.height });
    }
    return this.#free.pop();
  }

  #oldest(): Slot | undefined {
    for (const [key, slot] of this.#slots) {
      this.#slots.delete(key);
      return slot;
    }
    return undefined;
  }
}
