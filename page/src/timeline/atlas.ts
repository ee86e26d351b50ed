/** Many small pictures of one size on few canvases. Those that were not looked at for longest make room for others. */

/** Pictures on one canvas. A browser copies a canvas that it has drawn from before it changes it: so they are small. */
const EACH = 16;
/** Bytes of all of them. */
const MOST = 40 << 20;

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
    const bytes = this.width * this.height * EACH * 4;
    if ((this.#canvases + 1) * bytes > MOST) return undefined;
    this.#canvases++;
    const canvas = document.createElement("canvas");
    canvas.width = this.width;
    canvas.height = EACH * this.height;
    for (let n = EACH - 1; n >= 0; n--) this.#free.push({ canvas, x: 0, y: n * this.height });
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
