// Cuts the response of a search into object lines, byte by byte: no value of a document is parsed on the way.
import { ProtocolError, SourceConfigurationError } from "../../contract/errors.ts";
import {
  lineObservedAt,
  lineOpening,
  lineVersion,
  type ObjectLine,
} from "../../contract/object-line.ts";
import { CLOSE_OBJECT } from "../json-bytes.ts";
import {
  firstElement,
  firstMember,
  isObject,
  nextMember,
  rawText,
  skipSpace,
  skipValue,
  startsWith,
  stringEnd,
  stringValue,
  valueAfterName,
  visitElements,
  visitMembers,
} from "./json-scanner.ts";
import { KeptMembers } from "./kept-members.ts";
import { hasLineEnds, LineBuffer } from "../line-buffer.ts";

export interface PageRequest {
  readonly op: ObjectLine["op"];
  /**
   * An upsert's version: `cursor` is the first sort value with `_seq_no` and `_primary_term`, `observation` is
   * `observedAt` alone, for rows that have no cursor.
   */
  readonly version: "cursor" | "observation";
  /** The lines' `observed_at`, milliseconds. */
  readonly observedAt: number;
  /** False if the search asked for no document (`_source` false); it is `{}` then. */
  readonly hasDocument: boolean;
  /** Names of the document's members that are kept, or null to keep the document as it came. */
  readonly keep: ReadonlySet<string> | null;
}

export interface Page {
  /** In the buffer that they were written into. */
  readonly lines: Buffer;
  readonly rows: number;
  /** The first hit's first sort value as text; null without hits. */
  readonly firstCursor: string | null;
  /** The last hit's sort values as text, exactly as they came; empty without hits. */
  readonly lastSort: readonly string[];
  /** The point in time's id, which may change from one response to the next. */
  readonly pitId: string | null;
  readonly timedOut: boolean;
  readonly failedShards: number;
}

/**
 * @param lines into which the lines are written; what it held before is lost
 * @throws ProtocolError if the response is not that of a search, where the version is the cursor's with
 *   `seq_no_primary_term` and a numeric sort
 * @throws SourceConfigurationError if the index keeps no documents
 */
export function cutPage(
  response: Buffer,
  request: PageRequest,
  lines: LineBuffer = new LineBuffer(),
): Page {
  const writer = new LineWriter(response, request, lines);
  const rest = { pitId: null as string | null, timedOut: false, failedShards: 0 };
  visitMembers(response, 0, (at, nameStart, nameEnd) => {
    switch (stringValue(response, nameStart, nameEnd)) {
      case "hits":
        return visitHits(response, at, (hitAt) => writer.write(hitAt));
      case "pit_id": {
        const end = skipValue(response, at);
        rest.pitId = stringValue(response, at, end);
        return end;
      }
      case "timed_out": {
        const end = skipValue(response, at);
        rest.timedOut = rawText(response, at, end) !== "false";
        return end;
      }
      case "_shards":
        return visitMembers(response, at, (innerAt, innerStart, innerEnd) => {
          const end = skipValue(response, innerAt);
          if (stringValue(response, innerStart, innerEnd) === "failed")
            rest.failedShards = Number(rawText(response, innerAt, end));
          return end;
        });
      default:
        return skipValue(response, at);
    }
  });
  return { ...writer.finish(), ...rest };
}

function visitHits(response: Buffer, at: number, onHit: (at: number) => number): number {
  return visitMembers(response, at, (innerAt, nameStart, nameEnd) =>
    stringValue(response, nameStart, nameEnd) === "hits"
      ? visitElements(response, innerAt, onHit)
      : skipValue(response, innerAt),
  );
}

const closing = Buffer.from("}\n");
const emptyObject = Buffer.from("{}");
const openObject = Buffer.from("{");
const closeObject = Buffer.from("}");
const versionOpening = Buffer.from(',"version":[');
const versionClosing = Buffer.from("]");
const comma = Buffer.from(",");

/** The members of a hit that lines are made of. */
const parts = {
  id: 1,
  document: 2,
  sequenceNumber: 3,
  primaryTerm: 4,
  sort: 5,
} as const;
const partsByName = new Map<string, number>([
  ["_id", parts.id],
  ["_source", parts.document],
  ["_seq_no", parts.sequenceNumber],
  ["_primary_term", parts.primaryTerm],
  ["sort", parts.sort],
]);

const ABSENT = -1;

/** Where the parts of the hit being read stand in the response, and what was written so far. */
class LineWriter {
  readonly #response: Buffer;
  readonly #request: PageRequest;
  readonly #out: LineBuffer;
  readonly #opening: Buffer;
  readonly #suffix: Buffer;
  readonly #needsOneLine: boolean;
  #rows = 0;
  #firstCursor: string | null = null;
  // One number each, not one object per part: this runs a thousand times per page.
  #idStart = ABSENT;
  #idEnd = ABSENT;
  #documentStart = ABSENT;
  #documentEnd = ABSENT;
  #sequenceNumberStart = ABSENT;
  #sequenceNumberEnd = ABSENT;
  #primaryTermStart = ABSENT;
  #primaryTermEnd = ABSENT;
  #sortStart = ABSENT;
  #cursorStart = ABSENT;
  #cursorEnd = ABSENT;
  /** The parts of the hit before, in the order they came, and the bytes before each. */
  readonly #order: number[] = [];
  readonly #betweens: Buffer[] = [];
  readonly #kept: KeptMembers | null;

  constructor(response: Buffer, request: PageRequest, lines: LineBuffer) {
    this.#response = response;
    this.#request = request;
    this.#out = lines;
    this.#out.clear();
    this.#opening = Buffer.from(lineOpening(request.op));
    const isObservation = request.op === "upsert" && request.version === "observation";
    const version = isObservation ? lineVersion(request.observedAt, 0, 0) : "";
    this.#suffix = Buffer.from(`${version}${lineObservedAt(request.observedAt)}`);
    this.#needsOneLine = hasLineEnds(response);
    this.#kept = request.keep === null ? null : new KeptMembers(response, request.keep);
  }

  /** Writes the line of the hit at `at`, and returns where the hit ends. */
  write(at: number): number {
    this.#forgetParts();
    const end = this.#readHit(at);
    this.#readCursor();
    this.#writeLine();
    if (this.#rows === 0 && this.#cursorStart !== ABSENT)
      this.#firstCursor = rawText(this.#response, this.#cursorStart, this.#cursorEnd);
    this.#rows += 1;
    return end;
  }

  finish(): Pick<Page, "lines" | "rows" | "firstCursor" | "lastSort"> {
    const lastSort: string[] = [];
    if (this.#sortStart !== ABSENT)
      visitElements(this.#response, this.#sortStart, (start) => {
        const end = skipValue(this.#response, start);
        lastSort.push(rawText(this.#response, start, end));
        return end;
      });
    const [rows, firstCursor] = [this.#rows, this.#firstCursor];
    return { lines: this.#out.collected, rows, firstCursor, lastSort };
  }

  /** Finds the parts of the hit at `at`, and returns where it ends. */
  #readHit(at: number): number {
    const end = this.#readAlike(at);
    return end === ABSENT ? this.#readOther(at) : end;
  }

  /**
   * Reads a hit that is as the one before it up to the parts' values, as nearly all are; ABSENT if it is not. Where the
   * bytes between the parts are the same, so are the members that they are made of.
   */
  #readAlike(at: number): number {
    const response = this.#response;
    const order = this.#order;
    if (order.length === 0) return ABSENT;
    let index = at;
    for (let place = 0; place < order.length; place += 1) {
      const before = this.#betweens[place];
      if (before === undefined || !startsWith(response, index, before)) return ABSENT;
      index = this.#readPart(order[place], skipSpace(response, index + before.length));
    }
    return response[index] === CLOSE_OBJECT ? index + 1 : ABSENT;
  }

  #readOther(at: number): number {
    const response = this.#response;
    this.#forgetParts();
    this.#order.length = 0;
    this.#betweens.length = 0;
    let partEnd = at;
    let nameStart = firstMember(response, at);
    while (response[nameStart] !== CLOSE_OBJECT) {
      const nameEnd = stringEnd(response, nameStart);
      const start = valueAfterName(response, nameEnd);
      const part = partsByName.get(stringValue(response, nameStart, nameEnd));
      const end = this.#readPart(part, start);
      if (part !== undefined) {
        this.#order.push(part);
        this.#betweens.push(response.subarray(partEnd, start));
        partEnd = end;
      }
      nameStart = nextMember(response, end);
    }
    return nameStart + 1;
  }

  #forgetParts(): void {
    this.#idStart = ABSENT;
    this.#documentStart = ABSENT;
    this.#sequenceNumberStart = ABSENT;
    this.#primaryTermStart = ABSENT;
    this.#sortStart = ABSENT;
  }

  #readPart(part: number | undefined, start: number): number {
    const response = this.#response;
    if (part === parts.document) {
      this.#documentStart = start;
      this.#documentEnd =
        this.#kept !== null && isObject(response, start)
          ? this.#kept.find(start)
          : skipValue(response, start);
      return this.#documentEnd;
    }
    const end = skipValue(response, start);
    if (part === parts.id) {
      this.#idStart = start;
      this.#idEnd = end;
    } else if (part === parts.sequenceNumber) {
      this.#sequenceNumberStart = start;
      this.#sequenceNumberEnd = end;
    } else if (part === parts.primaryTerm) {
      this.#primaryTermStart = start;
      this.#primaryTermEnd = end;
    } else if (part === parts.sort) this.#sortStart = start;
    return end;
  }

  #readCursor(): void {
    this.#cursorStart = ABSENT;
    if (this.#sortStart === ABSENT) return;
    const start = firstElement(this.#response, this.#sortStart);
    if (start === null) return;
    this.#cursorStart = start;
    this.#cursorEnd = skipValue(this.#response, start);
  }

  #writeLine(): void {
    const out = this.#out;
    out.appendAll(this.#opening);
    this.#expectPart(this.#idStart, "_id");
    out.append(this.#response, this.#idStart, this.#idEnd);
    if (this.#request.op === "upsert" && this.#request.version === "cursor") {
      out.appendAll(versionOpening);
      this.#appendInteger(this.#cursorStart, this.#cursorEnd, "sort");
      out.appendAll(comma);
      this.#appendInteger(this.#sequenceNumberStart, this.#sequenceNumberEnd, "_seq_no");
      out.appendAll(comma);
      this.#appendInteger(this.#primaryTermStart, this.#primaryTermEnd, "_primary_term");
      out.appendAll(versionClosing);
    }
    out.appendAll(this.#suffix);
    this.#appendDocument();
    out.appendAll(closing);
  }

  #appendDocument(): void {
    const { hasDocument } = this.#request;
    if (!hasDocument) this.#out.appendAll(emptyObject);
    else if (this.#documentStart === ABSENT)
      throw new SourceConfigurationError(
        `Document ${rawText(this.#response, this.#idStart, this.#idEnd)} came without its "_source": the index does not ` +
          'keep it, so its rows cannot be read. Enable "_source" in the mapping and index the documents again.',
      );
    else if (this.#kept !== null && isObject(this.#response, this.#documentStart))
      this.#appendKept(this.#kept);
    else this.#appendValue(this.#documentStart, this.#documentEnd);
  }

  #appendKept(kept: KeptMembers): void {
    this.#out.appendAll(openObject);
    for (let run = 0; run < kept.runs; run += 1) {
      if (run > 0) this.#out.appendAll(comma);
      this.#appendValue(kept.start(run), kept.end(run));
    }
    this.#out.appendAll(closeObject);
  }

  #appendValue(start: number, end: number): void {
    if (this.#needsOneLine) this.#out.appendOnOneLine(this.#response, start, end);
    else this.#out.append(this.#response, start, end);
  }

  #appendInteger(start: number, end: number, name: string): void {
    this.#expectPart(start, name);
    for (let index = start; index < end; index += 1) {
      const byte = this.#response[index] ?? 0;
      const isDigit = byte >= 0x30 && byte <= 0x39;
      if (isDigit || (byte === 0x2d && index === start)) continue;
      throw new ProtocolError(
        `A hit's "${name}" should be an integer, but is ${rawText(this.#response, start, end)}.`,
      );
    }
    this.#out.append(this.#response, start, end);
  }

  #expectPart(start: number, name: string): void {
    if (start === ABSENT) throw new ProtocolError(`A hit came without its "${name}".`);
  }
}
