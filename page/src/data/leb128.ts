/** Columns of unsigned LEB128. */

/** Reads one number after the other from a column. */
export class Column {
  #bytes: Uint8Array;
  #at: number;
  #end: number;

  constructor(bytes: Uint8Array, from: number, length: number) {
    this.#bytes = bytes;
    this.#at = from;
    this.#end = from + length;
  }

  /** The next number; throws behind the last one, and where it is too large to be exact. */
  next(): number {
    if (this.#at >= this.#end) throw new RangeError("a column ends too soon");
    const byte = this.#bytes[this.#at++];
    return byte < 0x80 ? byte : this.#long(byte & 0x7f);
  }

  #long(low: number): number {
    let value = low;
    let scale = 128;
    for (;;) {
      if (this.#at >= this.#end) throw new RangeError("a column ends too soon");
      const byte = this.#bytes[this.#at++];
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) break;
      scale *= 128;
      if (scale > 2 ** 56) throw new RangeError("a number is too long");
    }
    if (value > Number.MAX_SAFE_INTEGER) throw new RangeError("a number is too large");
    return value;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#end;
  }
}

/** 0, 1, 2, 3, 4 … → 0, −1, 1, −2, 2 … */
export function unzigzag(n: number): number {
  return n % 2 === 0 ? n / 2 : -(n + 1) / 2;
}
