/** A stack of pieces of threads' pasts, as numbers: there are millions of them, and none lives for long. */

/** Numbers of a piece. */
const EACH = 4;

/** What was popped last is in the fields. */
export class Pasts {
  thread = 0;
  from = 0.5;
  to = 0.5;
  /** As far as it was known with the wait that was known as that. */
  before = 0;
  #numbers = new Float64Array(EACH << 8);
  #length = 0;

  push(thread: number, from: number, to: number, before: number): void {
    if (this.#length === this.#numbers.length) this.#grow();
    const at = this.#length;
    this.#numbers[at] = thread;
    this.#numbers[at + 1] = from;
    this.#numbers[at + 2] = to;
    this.#numbers[at + 3] = before;
    this.#length += EACH;
  }

  /** Whether there was one. */
  pop(): boolean {
    if (this.#length === 0) return false;
    const at = (this.#length -= EACH);
    this.thread = this.#numbers[at];
    this.from = this.#numbers[at + 1];
    this.to = this.#numbers[at + 2];
    this.before = this.#numbers[at + 3];
    return true;
  }

  #grow(): void {
    const numbers = new Float64Array(this.#numbers.length * 2);
    numbers.set(this.#numbers);
    this.#numbers = numbers;
  }
}
