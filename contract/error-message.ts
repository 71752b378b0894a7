// Whatever was thrown, as a text and as an error.

/** An error's message, or what was thrown in its place as text. */
export function errorMessage(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** What was thrown as an error, for its stack. */
export function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}
