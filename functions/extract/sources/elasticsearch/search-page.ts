// Cuts the answer of a search into object lines, byte by byte: no value of a document is parsed on the way.
import { ProtocolError, SourceConfigurationError } from "../../../protocol/errors.ts";
import {
  hasBytes,
  isObject,
  rawText,
  skipValue,
  stringValue,
  visitElements,
  visitMembers,
} from "./json-scanner.ts";
import { KeptMembers } from "./kept-members.ts";
import { hasLineEnds, type LineBuffer, pageLines } from "../line-buffer.ts";

export interface PageRequest {
  readonly op: "upsert" | "key";
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
  readonly lines: Buffer;
  readonly rows: number;
  /** The first hit's first sort value as text; null without hits. */
  readonly firstCursor: string | null;
  /** The last hit's sort values as text, exactly as they came; empty without hits. */
  readonly lastSort: readonly string[];
  /** The point in time's id, which may change from one answer to the next. */
  readonly pitId: string | null;
  readonly timedOut: boolean;
  readonly failedShards: number;
}

/**
 * @throws ProtocolError if the answer is not that of a search, where the version is the cursor's with
 *   `seq_no_primary_term` and a numeric sort
 * @throws SourceConfigurationError if the index keeps no documents
 */
export function cutPage(answer: Buffer, request: PageRequest): Page {
  const writer = new LineWriter(answer, request);
  const rest = { pitId: null as string | null, timedOut: false, failedShards: 0 };
  visitMembers(answer, 0, (at, nameStart, nameEnd) => {
    switch (stringValue(answer, nameStart, nameEnd)) {
      case "hits":
        return visitHits(answer, at, (hitAt) => writer.write(hitAt));
      case "pit_id": {
        const end = skipValue(answer, at);
        rest.pitId = stringValue(answer, at, end);
        return end;
      }
      case "timed_out": {
        const end = skipValue(answer, at);
        rest.timedOut = rawText(answer, at, end) !== "false";
        return end;
      }
      case "_shards":
        return visitMembers(answer, at, (innerAt, innerStart, innerEnd) => {
          const end = skipValue(answer, innerAt);
          if (stringValue(answer, innerStart, innerEnd) === "failed")
            rest.failedShards = Number(rawText(answer, innerAt, end));
          return end;
        });
      default:
        return skipValue(answer, at);
    }
  });
  return { ...writer.finish(), ...rest };
}

function visitHits(answer: Buffer, at: number, onHit: (at: number) => number): number {
  return visitMembers(answer, at, (innerAt, nameStart, nameEnd) =>
    stringValue(answer, nameStart, nameEnd) === "hits"
      ? visitElements(answer, innerAt, onHit)
      : skipValue(answer, innerAt),
  );
}

const closing = Buffer.from("}\n");
const emptyObject = Buffer.from("{}");
const openObject = Buffer.from("{");
const closeObject = Buffer.from("}");
const versionOpening = Buffer.from(',"version":[');
const versionClosing = Buffer.from("]");
const comma = Buffer.from(",");
// The server writes these names plainly, so that bytes can be compared.
const names = {
  id: Buffer.from('"_id"'),
  document: Buffer.from('"_source"'),
  sequenceNumber: Buffer.from('"_seq_no"'),
  primaryTerm: Buffer.from('"_primary_term"'),
  sort: Buffer.from('"sort"'),
};

const ABSENT = -1;

/** Where the parts of the hit being read stand in the answer, and what was written so far. */
class LineWriter {
  readonly #answer: Buffer;
  readonly #request: PageRequest;
  readonly #out: LineBuffer;
  readonly #opening: Buffer;
  readonly #suffix: Buffer;
  readonly #needsOneLine: boolean;
  #rows = 0;
  #firstCursor: string | null = null;
  // One number each, not an object a part: this runs a thousand times a page.
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
  readonly #kept: KeptMembers | null;

  constructor(answer: Buffer, request: PageRequest) {
    this.#answer = answer;
    this.#request = request;
    this.#out = pageLines;
    this.#out.clear();
    this.#opening = Buffer.from(`{"op":"${request.op}","id":`);
    const isObservation = request.op === "upsert" && request.version === "observation";
    const version = isObservation ? `,"version":[${request.observedAt},0,0]` : "";
    this.#suffix = Buffer.from(`${version},"observed_at":${request.observedAt},"doc":`);
    this.#needsOneLine = hasLineEnds(answer);
    this.#kept = request.keep === null ? null : new KeptMembers(answer, request.keep);
  }

  /** Writes the line of the hit at `at`, and returns where the hit ends. */
  write(at: number): number {
    this.#idStart = ABSENT;
    this.#documentStart = ABSENT;
    this.#sequenceNumberStart = ABSENT;
    this.#primaryTermStart = ABSENT;
    this.#sortStart = ABSENT;
    const end = visitMembers(this.#answer, at, this.#onMember);
    this.#readCursor();
    this.#writeLine();
    if (this.#rows === 0 && this.#cursorStart !== ABSENT)
      this.#firstCursor = rawText(this.#answer, this.#cursorStart, this.#cursorEnd);
    this.#rows += 1;
    return end;
  }

  finish(): Pick<Page, "lines" | "rows" | "firstCursor" | "lastSort"> {
    const lastSort: string[] = [];
    if (this.#sortStart !== ABSENT)
      visitElements(this.#answer, this.#sortStart, (start) => {
        const end = skipValue(this.#answer, start);
        lastSort.push(rawText(this.#answer, start, end));
        return end;
      });
    const [rows, firstCursor] = [this.#rows, this.#firstCursor];
    return { lines: this.#out.copy(), rows, firstCursor, lastSort };
  }

  readonly #onMember = (at: number, nameStart: number, nameEnd: number): number => {
    const answer = this.#answer;
    if (hasBytes(answer, nameStart, nameEnd, names.document)) {
      this.#documentStart = at;
      this.#documentEnd =
        this.#kept !== null && isObject(answer, at) ? this.#kept.find(at) : skipValue(answer, at);
      return this.#documentEnd;
    }
    const end = skipValue(answer, at);
    if (hasBytes(answer, nameStart, nameEnd, names.id)) {
      this.#idStart = at;
      this.#idEnd = end;
    } else if (hasBytes(answer, nameStart, nameEnd, names.sequenceNumber)) {
      this.#sequenceNumberStart = at;
      this.#sequenceNumberEnd = end;
    } else if (hasBytes(answer, nameStart, nameEnd, names.primaryTerm)) {
      this.#primaryTermStart = at;
      this.#primaryTermEnd = end;
    } else if (hasBytes(answer, nameStart, nameEnd, names.sort)) this.#sortStart = at;
    return end;
  };

  #readCursor(): void {
    this.#cursorStart = ABSENT;
    if (this.#sortStart === ABSENT) return;
    visitElements(this.#answer, this.#sortStart, (start) => {
      const end = skipValue(this.#answer, start);
      if (this.#cursorStart === ABSENT) {
        this.#cursorStart = start;
        this.#cursorEnd = end;
      }
      return end;
    });
  }

  #writeLine(): void {
    const out = this.#out;
    out.appendAll(this.#opening);
    this.#expectPart(this.#idStart, "_id");
    out.append(this.#answer, this.#idStart, this.#idEnd);
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
        `Document ${rawText(this.#answer, this.#idStart, this.#idEnd)} came without its "_source": the index does not ` +
          'keep it, so its rows cannot be read. Enable "_source" in the mapping and index the documents again.',
      );
    else if (this.#kept !== null && isObject(this.#answer, this.#documentStart))
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
    if (this.#needsOneLine) this.#out.appendOnOneLine(this.#answer, start, end);
    else this.#out.append(this.#answer, start, end);
  }

  #appendInteger(start: number, end: number, name: string): void {
    this.#expectPart(start, name);
    for (let index = start; index < end; index += 1) {
      const byte = this.#answer[index] ?? 0;
      const isDigit = byte >= 0x30 && byte <= 0x39;
      if (isDigit || (byte === 0x2d && index === start)) continue;
      throw new ProtocolError(
        `A hit's "${name}" should be an integer, but is ${rawText(this.#answer, start, end)}.`,
      );
    }
    this.#out.append(this.#answer, start, end);
  }

  #expectPart(start: number, name: string): void {
    if (start === ABSENT) throw new ProtocolError(`A hit came without its "${name}".`);
  }
}
