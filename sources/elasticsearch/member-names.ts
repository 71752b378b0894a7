// Recognises the names of members by their bytes, so that no text is made of them.
import { startsWith, stringEnd, stringValue, valueAfterName } from "./json-scanner.ts";

const MOST_KNOWN = 4096;
/** How many names after the expected one are compared before it is looked up: members that are left out are few. */
const MOST_STEPS = 4;

/**
 * Knows names again that it has seen: objects of one kind mostly have the same members in the same order, so the name
 * that came after the last one before is compared first, in one pass over the bytes.
 */
export class MemberNames {
  readonly #keep: ReadonlySet<string>;
  /** As they were sent, from the first quote to where a value began: with the colon and white space about it. */
  readonly #spellings: Buffer[] = [];
  readonly #isKept: boolean[] = [];
  readonly #numbers = new Map<string, number>();

  /** @param keep the names, without quotes and escapes, of members that are kept */
  constructor(keep: ReadonlySet<string>) {
    this.#keep = keep;
  }

  /**
   * Reads the name that begins at `at`, and returns its number, which is good until the next one is read.
   * @param expected the number of the name that is tried first
   * @throws ProtocolError if no colon follows the name
   */
  read(bytes: Buffer, at: number, expected: number): number {
    const spelling = this.#spellings[expected];
    return spelling !== undefined && startsWith(bytes, at, spelling)
      ? expected
      : this.#readOther(bytes, at, expected);
  }

  /** Bytes from a name's beginning to its member's value, but for further white space. */
  lengthOf(number: number): number {
    return this.#spellings[number]?.length ?? 0;
  }

  isKept(number: number): boolean {
    return this.#isKept[number] === true;
  }

  #readOther(bytes: Buffer, at: number, expected: number): number {
    for (let number = expected + 1; number <= expected + MOST_STEPS; number += 1) {
      const spelling = this.#spellings[number];
      if (spelling !== undefined && startsWith(bytes, at, spelling)) return number;
    }
    const nameEnd = stringEnd(bytes, at);
    const value = valueAfterName(bytes, nameEnd);
    const spelled = bytes.toString("latin1", at, value);
    const known = this.#numbers.get(spelled);
    if (known !== undefined) return known;
    // Once so many are known, the last one makes room.
    const number = Math.min(this.#spellings.length, MOST_KNOWN - 1);
    const before = this.#spellings[number];
    if (before !== undefined) this.#numbers.delete(before.toString("latin1"));
    this.#numbers.set(spelled, number);
    this.#spellings[number] = Buffer.from(bytes.subarray(at, value));
    this.#isKept[number] = this.#keep.has(stringValue(bytes, at, nameEnd));
    return number;
  }
}
