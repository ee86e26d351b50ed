/** Lists of causes and times, one behind the other in two arrays that grow. */

/** A growing list of shares; a list in it is an offset and a size. */
export class ShareList {
  cause = new Uint32Array(1 << 12);
  ns = new Float64Array(1 << 12);
  /** Place 0 is no list's. */
  length = 1;

  push(cause: number, ns: number): void {
    if (this.length === this.cause.length) this.#grow();
    this.cause[this.length] = cause;
    this.ns[this.length++] = ns;
  }

  #grow(): void {
    const cause = new Uint32Array(this.cause.length * 2);
    const ns = new Float64Array(this.ns.length * 2);
    cause.set(this.cause);
    ns.set(this.ns);
    [this.cause, this.ns] = [cause, ns];
  }
}

/** Sums by cause, of which most are zero. */
export class Scratch {
  #sums: Float64Array;
  #found = new Uint32Array(64);
  #count = 0;

  constructor(causes: number) {
    this.#sums = new Float64Array(causes);
  }

  add(cause: number, ns: number): void {
    if (ns <= 0) return;
    if (cause >= this.#sums.length) this.#grow(cause);
    if (this.#sums[cause] === 0) this.#find(cause);
    this.#sums[cause] += ns;
  }

  #find(cause: number): void {
    if (this.#count === this.#found.length) {
      const found = new Uint32Array(this.#count * 2);
      found.set(this.#found);
      this.#found = found;
    }
    this.#found[this.#count++] = cause;
  }

  #grow(cause: number): void {
    const sums = new Float64Array(Math.max(cause + 1, this.#sums.length * 2));
    sums.set(this.#sums);
    this.#sums = sums;
  }

  /** Calls `each`, which adds nothing to it, with every sum, and begins anew. */
  drain(each: (cause: number, ns: number) => void): void {
    for (let at = 0; at < this.#count; at++) {
      const cause = this.#found[at];
      const ns = this.#sums[cause];
      this.#sums[cause] = 0;
      each(cause, ns);
    }
    this.#count = 0;
  }
}
