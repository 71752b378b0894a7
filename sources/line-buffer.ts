// A buffer that grows, into which object lines are copied.

const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
const SPACE = 0x20;
// Below this a loop is faster than the call into native code.
const SHORT_BYTES = 48;

/**
 * Collects bytes; each `append` copies. A reader has one for all its pages: a new one of some megabytes for each would
 * keep the collector of garbage busy.
 */
export class LineBuffer {
  #bytes: Buffer;
  #length = 0;

  constructor(expectedBytes = 64 * 1024) {
    this.#bytes = Buffer.allocUnsafe(Math.max(64, expectedBytes));
  }

  appendAll(source: Buffer): void {
    this.append(source, 0, source.length);
  }

  append(source: Buffer, start: number, end: number): void {
    const length = end - start;
    this.#reserve(length);
    if (length > SHORT_BYTES) {
      this.#length += source.copy(this.#bytes, this.#length, start, end);
      return;
    }
    const target = this.#bytes;
    let at = this.#length;
    for (let index = start; index < end; index += 1) {
      target[at] = source[index] ?? 0;
      at += 1;
    }
    this.#length = at;
  }

  appendByte(byte: number): void {
    this.#reserve(1);
    this.#bytes[this.#length] = byte;
    this.#length += 1;
  }

  /** Appends text whose characters are all of ASCII. */
  appendAscii(text: string): void {
    this.#reserve(text.length);
    const target = this.#bytes;
    let at = this.#length;
    for (let index = 0; index < text.length; index += 1) {
      target[at] = text.charCodeAt(index);
      at += 1;
    }
    this.#length = at;
  }

  appendText(text: string): void {
    this.#reserve(Buffer.byteLength(text));
    this.#length += this.#bytes.write(text, this.#length);
  }

  /** Appends a whole number of just so many decimal digits, zeros before it. */
  appendDigits(value: number, digits: number): void {
    this.#reserve(digits);
    let rest = value;
    for (let at = this.#length + digits - 1; at >= this.#length; at -= 1) {
      this.#bytes[at] = 0x30 + (rest % 10);
      rest = (rest / 10) | 0;
    }
    this.#length += digits;
  }

  /**
   * Appends a JSON value so that it stays on one line. Line ends can only be white space in it, since a JSON string
   * holds none unescaped.
   */
  appendOnOneLine(source: Buffer, start: number, end: number): void {
    const from = this.#length;
    this.append(source, start, end);
    for (let index = from; index < this.#length; index += 1) {
      const byte = this.#bytes[index];
      if (byte === LINE_FEED || byte === CARRIAGE_RETURN) this.#bytes[index] = SPACE;
    }
  }

  /** What was collected, until `clear` is called. */
  get collected(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }

  /** Begins again, in the same memory. */
  clear(): void {
    this.#length = 0;
  }

  #reserve(bytes: number): void {
    const needed = this.#length + bytes;
    if (needed <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe(Math.max(needed, this.#bytes.length * 2));
    this.#bytes.copy(larger, 0, 0, this.#length);
    this.#bytes = larger;
  }
}

/** True if the bytes hold a line end, which a server that writes compact JSON never sends. */
export function hasLineEnds(bytes: Buffer): boolean {
  return bytes.includes(LINE_FEED) || bytes.includes(CARRIAGE_RETURN);
}
