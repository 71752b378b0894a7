// Finds the members of a document that are kept, and leaves the others away.
import { CLOSE_OBJECT } from "../json-bytes.ts";
import { firstMember, nextMember, skipSpace, skipValue } from "./json-scanner.ts";
import { MemberNames } from "./member-names.ts";

const ABSENT = -1;

/** Where the members that are kept stand in a document: neighbours are one run, which is copied as it is. */
export class KeptMembers {
  readonly #response: Buffer;
  readonly #names: MemberNames;
  readonly #bounds: number[] = [];
  runs = 0;

  constructor(response: Buffer, keep: ReadonlySet<string>) {
    this.#response = response;
    this.#names = new MemberNames(keep);
  }

  /** Finds them in the object at `at`, and returns where the object ends. */
  find(at: number): number {
    const response = this.#response;
    const names = this.#names;
    const bounds = this.#bounds;
    let runs = 0;
    /** The run that the next kept member continues; none at the beginning and after one that is left away. */
    let openRun = ABSENT;
    let expected = 0;
    let nameStart = firstMember(response, at);
    while (response[nameStart] !== CLOSE_OBJECT) {
      const name = names.read(response, nameStart, expected);
      const end = skipValue(response, skipSpace(response, nameStart + names.lengthOf(name)));
      expected = name + 1;
      if (!names.isKept(name)) openRun = ABSENT;
      else {
        if (openRun === ABSENT) {
          openRun = runs;
          bounds[2 * openRun] = nameStart;
          runs += 1;
        }
        bounds[2 * openRun + 1] = end;
      }
      nameStart = nextMember(response, end);
    }
    this.runs = runs;
    return nameStart + 1;
  }

  start(run: number): number {
    return this.#bounds[2 * run] ?? 0;
  }

  end(run: number): number {
    return this.#bounds[2 * run + 1] ?? 0;
  }
}
