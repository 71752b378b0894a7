// Finds the members of a document that are kept, and leaves the others away.
import { hasBytes, skipValue, stringValue, visitMembers } from "./json-scanner.ts";

const ABSENT = -1;

/** Where the members that are kept stand in a document: neighbours are one run, which is copied as it is. */
export class KeptMembers {
  readonly #answer: Buffer;
  readonly #names: KnownNames;
  readonly #bounds: number[] = [];
  /** The run that the next kept member continues; none at the beginning and after one that is left away. */
  #openRun = ABSENT;
  runs = 0;

  constructor(answer: Buffer, keep: ReadonlySet<string>) {
    this.#answer = answer;
    this.#names = new KnownNames(keep);
  }

  /** Finds them in the object at `at`, and returns where the object ends. */
  find(at: number): number {
    this.runs = 0;
    this.#openRun = ABSENT;
    this.#names.restart();
    return visitMembers(this.#answer, at, this.#onMember);
  }

  start(run: number): number {
    return this.#bounds[2 * run] ?? 0;
  }

  end(run: number): number {
    return this.#bounds[2 * run + 1] ?? 0;
  }

  readonly #onMember = (at: number, nameStart: number, nameEnd: number): number => {
    const end = skipValue(this.#answer, at);
    if (!this.#names.isKept(this.#answer, nameStart, nameEnd)) {
      this.#openRun = ABSENT;
      return end;
    }
    if (this.#openRun === ABSENT) {
      this.#openRun = this.runs;
      this.#bounds[2 * this.runs] = nameStart;
      this.runs += 1;
    }
    this.#bounds[2 * this.#openRun + 1] = end;
    return end;
  };
}

const mostKnownNames = 256;

/**
 * Which names are kept, told from their bytes: documents of one index mostly have the same members in the same order,
 * so the name after the last one is tried first.
 */
class KnownNames {
  readonly #keep: ReadonlySet<string>;
  readonly #names: Buffer[] = [];
  readonly #isKept: boolean[] = [];
  #next = 0;

  constructor(keep: ReadonlySet<string>) {
    this.#keep = keep;
  }

  /** A document begins. */
  restart(): void {
    this.#next = 0;
  }

  isKept(answer: Buffer, start: number, end: number): boolean {
    const known = this.#find(answer, start, end);
    if (known !== ABSENT) {
      this.#next = known + 1;
      return this.#isKept[known] === true;
    }
    const isKept = this.#keep.has(stringValue(answer, start, end));
    if (this.#names.length < mostKnownNames) {
      this.#names.push(Buffer.from(answer.subarray(start, end)));
      this.#isKept.push(isKept);
    }
    return isKept;
  }

  #find(answer: Buffer, start: number, end: number): number {
    const count = this.#names.length;
    for (let step = 0; step < count; step += 1) {
      const index = (this.#next + step) % count;
      const name = this.#names[index];
      if (name !== undefined && hasBytes(answer, start, end, name)) return index;
    }
    return ABSENT;
  }
}
