/** Parts of waits that are to be looked at, in pages that are used again: a tree has millions of them at once. */

/** Pieces of a page. */
const EACH = 512;

interface Page {
  wait: Uint32Array;
  /** Behind which wait it is: when that was known. */
  at: Uint32Array;
  from: Float64Array;
  to: Float64Array;
}

/** Pages that nobody needs for now. */
export class Pages {
  readonly #free: Page[] = [];

  take(): Page {
    const made = () => ({ wait: new Uint32Array(EACH), at: new Uint32Array(EACH), from: ns(), to: ns() });
    return this.#free.pop() ?? made();
  }

  give(page: Page): void {
    this.#free.push(page);
  }
}

function ns(): Float64Array {
  return new Float64Array(EACH);
}

/** A queue of pieces; what was taken last is in the fields. */
export class Pieces {
  wait = 0;
  at = 0;
  from = 0.5;
  to = 0.5;
  readonly #pages: Page[] = [];
  /** In the first page, and in the last. */
  #begin = 0;
  #end = EACH;

  constructor(private readonly pages: Pages) {}

  get isEmpty(): boolean {
    return this.#pages.length === 0;
  }

  push(wait: number, from: number, to: number, at: number): void {
    if (this.#end === EACH) {
      this.#pages.push(this.pages.take());
      this.#end = 0;
    }
    const page = this.#pages[this.#pages.length - 1];
    const place = this.#end++;
    page.wait[place] = wait;
    page.at[place] = at;
    page.from[place] = from;
    page.to[place] = to;
  }

  /** Takes the first; there must be one. */
  take(): void {
    const page = this.#pages[0];
    const place = this.#begin++;
    this.wait = page.wait[place];
    this.at = page.at[place];
    this.from = page.from[place];
    this.to = page.to[place];
    const isLast = this.#pages.length === 1;
    if (this.#begin < (isLast ? this.#end : EACH)) return;
    this.pages.give(page);
    this.#pages.shift();
    this.#begin = 0;
    if (isLast) this.#end = EACH;
  }
}
