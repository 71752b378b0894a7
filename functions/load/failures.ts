// What a failure of the warehouse means: whether to try at once, whether a whole copy can help, and what people can do.

/** One kind of failure. */
export interface FailureKind {
  readonly cause: string;
  /** How Redshift says it, quoted names and values left out; null for what no message says. */
  readonly pattern: RegExp | null;
  /** Whether the table's whole copy could be loaded where a part of it, or a change of columns, could not. */
  readonly wholeHelps: boolean;
  /**
   * True if it is the rows of one delta: once they or their definition were corrected, only a whole copy leads past it.
   */
  readonly isOfRows?: boolean;
  /** What people can do about it. */
  readonly advice: string;
}

/**
 * The kinds in the order in which they are looked for; the first one that fits counts.
 *
 * The Data API returns an error's text without a SQLSTATE, so texts are all there is. Redshift's leader node speaks as
 * PostgreSQL 8 does, its compute nodes and Spectrum by codes of their own. Where the words come from:
 * - `conflict`: Redshift's guide, "Troubleshooting serializable isolation errors" (ERROR: 1023 and 1018), its "conflict
 *   with concurrent transaction", and PostgreSQL's messages of SQLSTATE 40001 and 40P01. `check_audit_position` is the
 *   load's own: another load was there first.
 * - `damaged-delta`: the load's own `check_staged_rows`; COPY's and Spectrum's errors for manifests and files (codes
 *   15001 to 15007, HTTP 404 and 416).
 * - `access`: PostgreSQL's messages of SQLSTATE 42501, which Redshift has too ("permission denied for relation", "must
 *   be owner of relation"); COPY's "Not authorized to get credentials of role" and "S3ServiceException:Access Denied",
 *   which it also reports as "requires full path of an S3 object".
 * - `dependency`: PostgreSQL's messages of SQLSTATE 2BP01 and 0A000, which Redshift's DROP TABLE and ALTER TABLE give.
 * - `length`: "Value too long for character type" (code 8001), PostgreSQL's message of SQLSTATE 22001, and Spectrum's
 *   "length of the data column … is longer than the length defined in the table".
 * - `value`: PostgreSQL's messages of SQLSTATE 22003, 22007, 22008 and 22P02; Redshift's "Numeric data overflow" and
 *   "Invalid digit".
 * - `limit`: PostgreSQL's messages of SQLSTATE 54xxx.
 * - `statement`: PostgreSQL's message of SQLSTATE 42601.
 * - `column-change`: ALTER TABLE's errors when it can't widen a VARCHAR, in Redshift's guide under "ALTER COLUMN TYPE".
 * - `space`: "Disk Full" (code 1016), PostgreSQL's messages of SQLSTATE 53100 and 53200, and CREATE SCHEMA's QUOTA: a
 *   transaction "is aborted due to exceeding the disk space quota in schema(s)".
 * - `interrupted`: PostgreSQL's messages of SQLSTATE 57014, 57P01 and 08006; Redshift's "cancelled on user's request"
 *   and "system requested abort"; the Data API's for a statement that was cancelled.
 */
export const FAILURE_KINDS = [
  {
    cause: "conflict",
    pattern:
      /\b1018 DETAIL|serializable isolation|could not serialize|deadlock detected|concurrent transaction|concurrently updated|^check_audit_position\b/i,
    wholeHelps: false,
    advice:
      "Something else changes the table at the same time: end it, or keep it out of the run's time.",
  },
  {
    cause: "damaged-delta",
    pattern: /^check_staged_rows\b/i,
    wholeHelps: true,
    advice:
      "The delta's files do not hold what it says: see whether something else writes below deltas/.",
  },
  {
    cause: "access",
    pattern:
      /permission denied|must be owner|not authorized|access denied|requires full path of an S3 object/i,
    wholeHelps: false,
    advice: "Give the warehouse's user, or the COPY role, the permission that it lacks.",
  },
  {
    cause: "dependency",
    pattern: /other objects depend on|used by a view/i,
    wholeHelps: false,
    advice:
      "Something was made on top of the table in schema lake: drop it, or make it on schema mart WITH NO SCHEMA BINDING.",
  },
  {
    cause: "length",
    pattern: /too long for (character )?type|length exceeds DDL|longer than the length defined/i,
    wholeHelps: false,
    isOfRows: true,
    advice:
      "A text is longer than its column in the warehouse (65,535 bytes at most): leave the column out, or shorten it in a model.",
  },
  {
    cause: "value",
    pattern: /out of range|overflow|invalid digit|invalid input syntax/i,
    wholeHelps: false,
    isOfRows: true,
    advice: "A value does not fit its column's type: correct the type in the catalog.",
  },
  {
    cause: "limit",
    pattern: /at most \d+ (columns|entries)|row is too big/i,
    wholeHelps: false,
    isOfRows: true,
    advice:
      "A limit of the warehouse is reached: the table has too many columns, or too large a row.",
  },
  {
    cause: "statement",
    pattern: /syntax error at/i,
    wholeHelps: false,
    advice:
      "The warehouse does not understand a statement of the load: report it with the statement.",
  },
  {
    cause: "damaged-delta",
    pattern:
      /incompatible parquet schema|unmatched number of columns|not a valid parquet|reading manifest|content_length|mandatory file|specified key does not exist|requested range is not satisfiable/i,
    wholeHelps: true,
    advice:
      "The delta's files are missing or damaged: see whether something else writes below deltas/.",
  },
  {
    cause: "column-change",
    pattern: /cannot alter|column size should be different|alter column .*not supported/i,
    wholeHelps: true,
    advice:
      "The warehouse does not change the column in place: the whole copy makes the table anew.",
  },
  {
    cause: "space",
    pattern: /disk full|no space left|out of memory|exceeding the disk space quota/i,
    wholeHelps: false,
    advice: "Free space in the warehouse, or raise its capacity or the schema's quota.",
  },
  {
    cause: "interrupted",
    pattern:
      /cancelled|canceling statement|requested abort|statement timeout|terminating connection|closed the connection/i,
    wholeHelps: false,
    advice:
      "The statement was ended from outside: see who cancels, and the workgroup's time limits.",
  },
] as const satisfies readonly FailureKind[];

/** What no rule knows: a whole copy is tried at most once for it. */
const UNKNOWN_FAILURE: FailureKind = {
  cause: "unknown",
  pattern: null,
  wholeHelps: true,
  advice: "Look the message up, and at the statement in the log of Load.",
};

/** What kind of failure a message of the warehouse means. */
export function classifyFailure(message: string): FailureKind {
  // What stands in quotes is a name or a value, which may be any words; and a file's place holds the table's name.
  const words = message
    .replaceAll(/"(?:[^"]|"")*"/g, '""')
    .replaceAll(/'[^']*'/g, "''")
    .replaceAll(/s3:\/\/\S+/g, "s3:");
  return FAILURE_KINDS.find(({ pattern }) => pattern.test(words)) ?? UNKNOWN_FAILURE;
}

/** True if another whole copy would bring other files, so that it can help even where one has failed. */
export function isOfFiles({ cause }: FailureKind): boolean {
  return cause === "damaged-delta";
}

/** True if trying again soon is right. */
export function isTransient({ cause }: FailureKind): boolean {
  return cause === "conflict";
}
