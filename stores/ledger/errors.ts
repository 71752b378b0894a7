// Errors of conditional writes that somebody else forestalled; re-reading the ledger and going on is always right.

/**
 * Another attempt of the same invocation recorded on this split first, or took the lane over. Retried, in case that it was
 * not the newer one: the next attempt starts from what is recorded.
 */
export class StaleSplitError extends Error {
  override readonly name = "StaleSplitError";
}

/** The table's progress moved since it was read. Retried: the next attempt reads it again. */
export class StaleProgressError extends Error {
  override readonly name = "StaleProgressError";
}
