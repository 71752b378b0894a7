// Memory into which one response after the other is received, so that many large responses leave no garbage behind.

const SMALLEST_BYTES = 64 * 1024;

/** Holds one response at a time: the next one overwrites it. */
export class ReceiveBuffer {
  #bytes = Buffer.allocUnsafeSlow(SMALLEST_BYTES);
  #length = 0;

  /** Forgets the response before; its bytes must not be used any more. */
  clear(): void {
    this.#length = 0;
  }

  append(chunk: Uint8Array): void {
    const needed = this.#length + chunk.length;
    if (needed > this.#bytes.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(needed, this.#bytes.length * 2));
      this.#bytes.copy(larger, 0, 0, this.#length);
      this.#bytes = larger;
    }
    this.#bytes.set(chunk, this.#length);
    this.#length = needed;
  }

  /** The response, until `clear` is called. */
  get received(): Buffer {
    return this.#bytes.subarray(0, this.#length);
  }
}
