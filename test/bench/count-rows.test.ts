// Rows are counted right in every form that a reader writes.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { countRows, outputBytes, RowCounter } from "../../bench/measure/count-rows.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "sluice-count-"));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

const lines = { kind: "lines", headerRows: 0, files: /\.json(\.gz)?$/ } as const;

describe("countRows", () => {
  it("adds up files in all folders, compressed or not, and leaves logs out", async () => {
    mkdirSync(join(folder, "a"));
    writeFileSync(join(folder, "a", "1.json"), "{}\n{}\n");
    writeFileSync(join(folder, "2.json.gz"), gzipSync("{}\n{}\n{}\n"));
    writeFileSync(join(folder, "log.txt"), "x\n");
    expect((await countRows(folder, lines)).rows).toBe(5);
    expect(outputBytes(folder, lines)).toBe(6 + gzipSync("{}\n{}\n{}\n").length);
  });

  it("counts what is whole in a file that was cut off", async () => {
    // Stored blocks, so that the beginning can be read without the end.
    const whole = gzipSync("{}\n".repeat(1000), { level: 0 });
    writeFileSync(join(folder, "1.json.gz"), whole.subarray(0, whole.length - 8));
    expect((await countRows(folder, lines)).rows).toBe(1000);
  });

  it("counts rows of CSV, not lines, and leaves the header out", async () => {
    writeFileSync(join(folder, "1.csv"), 'id,note\n1,"two\nlines"\n2,"a \\" quote\n"\n3,plain\n');
    const form = { kind: "csv", headerRows: 1, files: /\.csv$/ } as const;
    expect((await countRows(folder, form)).rows).toBe(3);
  });
});

it("goes on within quotes from one chunk to the next", () => {
  const counter = new RowCounter("csv");
  for (const chunk of ['1,"a', '\nb"', "\n", "2,\\", '"\n'].map((text) => Buffer.from(text)))
    counter.add(chunk);
  expect(counter.rows).toBe(2);
});
