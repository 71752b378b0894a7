// Reads a project's JSON files.
import { existsSync, readFileSync } from "node:fs";
import { errorMessage } from "../contract/error-message.ts";

/**
 * @returns what the file holds; undefined if there is no file
 * @throws Error naming the file if it is not JSON
 */
export function readJsonFile(file: string): unknown {
  if (!existsSync(file)) return undefined;
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch (error) {
    throw new Error(`${file} is not JSON: ${errorMessage(error)}`, { cause: error });
  }
}
