// Counts the rows that a reader has written, whatever the form of its files.
import { createReadStream, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { createGunzip } from "node:zlib";

/** `lines`: one row per line. `csv`: a row may hold line ends within quotes, and a backslash escapes the next byte. */
export interface OutputForm {
  readonly kind: "lines" | "csv";
  /** Lines at the beginning of each file that are not rows. */
  readonly headerRows: number;
  /** Which files hold rows; others (logs, states) do not count. */
  readonly files: RegExp;
}

export interface Written {
  readonly rows: number;
  readonly bytes: number;
}

/** The files of a reader's folder that hold rows. */
export function outputFiles(folder: string, form: OutputForm): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => form.files.test(name))
    .map((name) => join(folder, name));
}

/** Bytes that are in the files by now. */
export function outputBytes(folder: string, form: OutputForm): number {
  return outputFiles(folder, form).reduce(
    (sum, file) => sum + (statSync(file, { throwIfNoEntry: false })?.size ?? 0),
    0,
  );
}

/** Counts all rows; of a file that was cut off those that are whole. */
export async function countRows(folder: string, form: OutputForm): Promise<Written> {
  let rows = 0;
  for (const file of outputFiles(folder, form)) rows += await rowsInFile(file, form);
  return { rows, bytes: outputBytes(folder, form) };
}

async function rowsInFile(file: string, form: OutputForm): Promise<number> {
  const counter = new RowCounter(form.kind);
  const raw = createReadStream(file, { highWaterMark: 1 << 20 });
  const stream = file.endsWith(".gz") ? raw.pipe(createGunzip({ chunkSize: 1 << 20 })) : raw;
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) counter.add(chunk);
  } catch (error) {
    // A reader that was stopped in the middle has not ended its file.
    if (!(error instanceof Error && "code" in error && error.code === "Z_BUF_ERROR")) throw error;
  }
  return Math.max(0, counter.rows - form.headerRows);
}

const LINE_FEED = 0x0a;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** Counts line ends, in CSV those outside of quotes. */
export class RowCounter {
  rows = 0;
  readonly #kind: OutputForm["kind"];
  #isQuoted = false;
  #isEscaped = false;

  constructor(kind: OutputForm["kind"]) {
    this.#kind = kind;
  }

  add(chunk: Buffer): void {
    if (this.#kind === "csv") {
      this.#addQuoted(chunk);
      return;
    }
    for (let at = chunk.indexOf(LINE_FEED); at >= 0; at = chunk.indexOf(LINE_FEED, at + 1))
      this.rows += 1;
  }

  #addQuoted(chunk: Buffer): void {
    for (const byte of chunk) {
      if (this.#isEscaped) this.#isEscaped = false;
      else if (byte === BACKSLASH) this.#isEscaped = true;
      else if (byte === QUOTE) this.#isQuoted = !this.#isQuoted;
      else if (byte === LINE_FEED && !this.#isQuoted) this.rows += 1;
    }
  }
}
