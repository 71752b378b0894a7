// What a person or a machine sees: lines, one changing line on a terminal, tables, or JSON.

const PLAIN_PROGRESS_MILLIS = 5000;

/** Writes to the terminal. With `json`, everything for people goes to standard error and the result to standard output. */
export class Output {
  readonly json: boolean;
  readonly #stream: NodeJS.WriteStream;
  #transient = false;
  #muted = false;
  #lastPlainProgress = 0;

  constructor(options: { json: boolean }) {
    this.json = options.json;
    this.#stream = options.json ? process.stderr : process.stdout;
  }

  /** Prints nothing from now on: the process was interrupted. */
  mute(): void {
    this.#clear();
    this.#muted = true;
  }

  /** A line that stays. */
  line(text = ""): void {
    if (this.#muted) return;
    this.#clear();
    this.#stream.write(`${text}\n`);
  }

  /** What is going on now: on a terminal one line that changes, elsewhere a plain line every few seconds. */
  progress(text: string): void {
    if (this.#muted) return;
    if (this.#stream.isTTY) {
      const width = Math.max(20, this.#stream.columns || 80) - 1;
      const cut = text.length > width ? `${text.slice(0, width - 1)}…` : text;
      this.#stream.write(`\r\x1b[2K${cut}`);
      this.#transient = true;
      return;
    }
    const now = Date.now();
    if (now - this.#lastPlainProgress < PLAIN_PROGRESS_MILLIS) return;
    this.#lastPlainProgress = now;
    this.#stream.write(`${text}\n`);
  }

  /** The command's result for machines; for people nothing. */
  result(value: unknown): void {
    if (this.#muted) return;
    this.#clear();
    if (this.json) process.stdout.write(`${JSON.stringify(value)}\n`);
  }

  #clear(): void {
    if (!this.#transient) return;
    this.#stream.write("\r\x1b[2K");
    this.#transient = false;
  }
}

/** Rows under their headings, columns as wide as they need; numbers to the right. */
export function formatTable(
  headings: readonly string[],
  rows: readonly (readonly string[])[],
): string {
  const isNumber = (text: string): boolean => /^-?[\d,]+(\.\d+)?$/.test(text);
  const width = headings.map((heading, index) =>
    Math.max(heading.length, ...rows.map((row) => (row[index] ?? "").length)),
  );
  const format = (row: readonly string[]): string =>
    row
      .map((cell, index) =>
        isNumber(cell) ? cell.padStart(width[index] ?? 0) : cell.padEnd(width[index] ?? 0),
      )
      .join("  ")
      .trimEnd();
  return [format(headings), width.map((n) => "─".repeat(n)).join("  "), ...rows.map(format)].join(
    "\n",
  );
}

export const formatCount = (count: number): string => count.toLocaleString("en-US");

export function formatBytes(bytes: number): string {
  if (bytes < 1024) return `${String(bytes)} B`;
  const units = ["KiB", "MiB", "GiB", "TiB"];
  let value = bytes;
  let unit = "B";
  for (const next of units) {
    if (value < 1024) break;
    value /= 1024;
    unit = next;
  }
  return `${value.toFixed(1)} ${unit}`;
}

export const formatSeconds = (millis: number): string => `${(millis / 1000).toFixed(1)} s`;
