// The text of whatever was thrown.

/** An error's message, or what was thrown in its place as text. */
export function errorMessage(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
