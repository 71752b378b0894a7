// Reads the end of a log file, for error messages.
import { closeSync, fstatSync, openSync, readSync } from "node:fs";

const TAIL_BYTES = 16 * 1024;

/**
 * The last `count` lines of a log, ignoring what was in the file before byte `fromByte`. A file
 * that cannot be read gives no lines: this serves error messages, which must not fail themselves.
 */
export function lastLines(file: string, count: number, fromByte = 0): string[] {
  try {
    const descriptor = openSync(file, "r");
    try {
      const { size } = fstatSync(descriptor);
      const start = Math.max(fromByte, size - TAIL_BYTES);
      const buffer = Buffer.alloc(Math.max(0, size - start));
      readSync(descriptor, buffer, 0, buffer.length, start);
      const lines = buffer.toString("utf8").split("\n");
      return lines.filter((line) => line.trim() !== "").slice(-count);
    } finally {
      closeSync(descriptor);
    }
  } catch {
    return [];
  }
}

/** The lines as an indented block that names their log, for the end of an error message. */
export function quoteLog(file: string, lines: readonly string[]): string {
  if (lines.length === 0) return `It logged nothing (${file}).`;
  return `Its last lines:\n${lines.map((line) => `    ${line}`).join("\n")}\nThe whole log: ${file}`;
}
