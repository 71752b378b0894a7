// What a terminal shows of the logs of the parts that failed.
import { mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { logTails } from "../../cli/log-tails.ts";

const folder = mkdtempSync(join(tmpdir(), "sluice-log-tails-"));

function write(name: string, text: string, changedSeconds: number): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  utimesSync(path, changedSeconds, changedSeconds);
  return path;
}

afterAll(() => {
  rmSync(folder, { recursive: true });
});

describe("the ends of logs", () => {
  it("shows the last lines of the newest log of each failed step, once, with its path", () => {
    write("glue-sluice-build-one.log", "old\n", 1);
    const build = write(
      "glue-sluice-build-two.log",
      Array.from({ length: 30 }, (_, line) => `line ${String(line)}\n`).join(""),
      2,
    );
    const extract = write("lambda-sluice-extract.log", "x".repeat(1000), 1);
    write("lambda-sluice-load.log", "not asked for\n", 3);
    const lines = logTails(folder, ["build", "extract", "build"]);
    expect(lines.filter((line) => line.startsWith("The end of"))).toEqual([
      `The end of ${build}:`,
      `The end of ${extract}:`,
    ]);
    expect(lines).toContain("  line 29");
    expect(lines).not.toContain("  line 17");
    expect(lines).toContain("  line 18");
    expect(lines.at(-1)).toBe(`  ${"x".repeat(240)} …`);
  });

  it("shows nothing for a step that left no log, or a folder that is gone", () => {
    expect(logTails(folder, ["commit"])).toEqual([]);
    expect(logTails(join(folder, "gone"), ["build"])).toEqual([]);
  });
});
