// Errors whose class is their retry policy; Step Functions matches on the name.

/** The lease was taken over or fenced: whoever holds this must stop writing. Never retried. */
export class FencedError extends Error {
  override readonly name = "FencedError";
}

/** The source slows, rejects requests or cannot be reached for now. Retried with back-off. */
export class SourceUnavailableError extends Error {
  override readonly name = "SourceUnavailableError";
}

/** The source rejects these credentials, or its certificate is not one that the secret trusts. Not retried. */
export class SourceAuthenticationError extends Error {
  override readonly name = "SourceAuthenticationError";
}

/** The catalog asks for what the source does not have (an index, a field, a column). Not retried. */
export class SourceConfigurationError extends Error {
  override readonly name = "SourceConfigurationError";
}

/** A state, record or file does not have the form that this version understands. Not retried. */
export class ProtocolError extends Error {
  override readonly name = "ProtocolError";
}
