// The last lines of the parts that failed in a run on this machine, so that a terminal shows most of what people need.
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";

const MOST_LINES = 12;
const LONGEST_LINE = 240;

/**
 * The ends of the logs of the given steps, each under its path.
 *
 * @param logFolder the running stack's folder of logs, one file a part
 * @param steps steps of a run, such as `extract` or `build`
 */
export function logTails(logFolder: string, steps: readonly string[]): string[] {
  if (!existsSync(logFolder)) return [];
  const lines: string[] = [];
  for (const step of new Set(steps)) {
    const path = newestLog(logFolder, step);
    if (path === undefined) continue;
    const text = readFileSync(path, "utf8").trimEnd().split("\n");
    lines.push(
      "",
      `The end of ${path}:`,
      ...text.slice(-MOST_LINES).map((line) => `  ${shortened(line)}`),
    );
  }
  return lines;
}

function newestLog(logFolder: string, step: string): string | undefined {
  const isOfStep = (name: string): boolean =>
    step === "build"
      ? name.startsWith("glue-")
      : /^lambda-.*\.log$/.test(name) && name.endsWith(`-${step}.log`);
  const found = readdirSync(logFolder)
    .filter(isOfStep)
    .map((name) => join(logFolder, name))
    .map((path) => ({ path, changed: statSync(path).mtimeMs }));
  return found.sort((a, b) => b.changed - a.changed)[0]?.path;
}

function shortened(line: string): string {
  return line.length > LONGEST_LINE ? `${line.slice(0, LONGEST_LINE)} …` : line;
}
