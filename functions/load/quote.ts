// The one place where names and values become SQL text.

/** Redshift's limit of a name, in bytes. */
const MAX_NAME_BYTES = 127;

/**
 * A name as an SQL identifier.
 *
 * @throws RangeError if Redshift can't hold the name
 */
export function identifier(name: string): string {
  if (name === "" || name.includes("\0") || Buffer.byteLength(name) > MAX_NAME_BYTES) {
    throw new RangeError(
      `${JSON.stringify(name)} can't be a name in Redshift: 1 to ${MAX_NAME_BYTES} bytes, without NUL`,
    );
  }
  return `"${name.replaceAll('"', '""')}"`;
}

/** A relation in a schema. */
export function qualified(schema: string, name: string): string {
  return `${identifier(schema)}.${identifier(name)}`;
}

/**
 * A text as an SQL literal. Redshift reads a backslash in it as an escape, so that is doubled too.
 *
 * @throws RangeError if it contains NUL
 */
export function literal(text: string): string {
  if (text.includes("\0")) {
    throw new RangeError(`${JSON.stringify(text)} contains NUL, which SQL text can't hold`);
  }
  return `'${text.replaceAll("\\", "\\\\").replaceAll("'", "''")}'`;
}

/** A text as an SQL literal, or NULL. */
export function literalOrNull(text: string | null): string {
  return text === null ? "NULL" : literal(text);
}
