// Files that a command writes for people to edit: formatted like the project's others, and never over an existing one.
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { format, resolveConfig } from "prettier";
import { projectHere } from "../lib/project.ts";

/** TypeScript in the project's style. */
export async function formatted(text: string): Promise<string> {
  const style = await resolveConfig(join(projectHere().folder, "package.json"));
  return format(text, { ...style, parser: "typescript" });
}

/** @throws Error if there is such a file */
export function writeNew(file: string, text: string): void {
  mkdirSync(dirname(file), { recursive: true });
  try {
    writeFileSync(file, text, { flag: "wx" });
  } catch (error) {
    if (!(error instanceof Error) || !("code" in error) || error.code !== "EEXIST") throw error;
    throw new Error(
      `${relative(projectHere().folder, file)} is there already and is left as it is. Give another name with --name, or ` +
        "leave --write out and take over what you need.",
      { cause: error },
    );
  }
}
