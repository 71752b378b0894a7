// Reads the command line, and says what is wrong with it in one sentence.
import { parseArgs, type ParseArgsConfig } from "node:util";
import { errorMessage } from "../contract/error-message.ts";

/** The command line is wrong; exit code 2. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** Like node's parseArgs, but mistakes are {@link UsageError}s. */
export function readArguments<T extends ParseArgsConfig>(
  config: T,
): ReturnType<typeof parseArgs<T>> {
  try {
    return parseArgs(config);
  } catch (error) {
    throw new UsageError(errorMessage(error));
  }
}
