// What each message of a warehouse is taken for. Redshift's are as its documentation and its users give them.
import { describe, expect, it } from "vitest";
import { classifyFailure, FAILURE_KINDS, isTransient } from "../../../functions/load/failures.ts";

const MESSAGES: readonly (readonly [cause: string, wholeHelps: boolean, message: string])[] = [
  [
    "conflict",
    false,
    "ERROR: 1023 DETAIL: Serializable isolation violation on table - 1256109, transactions forming the cycle are: 1, 2 (pid:8238)",
  ],
  ["conflict", false, "ERROR: 1018 DETAIL: Relation does not exist"],
  ["conflict", false, "ERROR: could not serialize access due to concurrent update"],
  ["conflict", false, "ERROR: deadlock detected"],
  ["conflict", false, "ERROR: could not complete because of conflict with concurrent transaction"],
  ["conflict", false, "ERROR: tuple concurrently updated"],
  ["conflict", false, "check_audit_position: ERROR: division by zero"],
  ["damaged-delta", true, "check_staged_rows: ERROR: Divide by zero error"],
  ["access", false, "ERROR: permission denied for relation companies"],
  ["access", false, "ERROR: permission denied for table companies"],
  ["access", false, "ERROR: permission denied for schema lake"],
  ["access", false, "ERROR: must be owner of relation conflicts"],
  ["access", false, "ERROR: must be owner of table companies"],
  [
    "access",
    false,
    "ERROR: Not authorized to get credentials of role arn:aws:iam::123456789012:role/copy",
  ],
  [
    "access",
    false,
    "Problem reading manifest file - S3ServiceException:Access Denied,Status 403,Error AccessDenied",
  ],
  ["access", false, "COPY with MANIFEST parameter requires full path of an S3 object."],
  [
    "dependency",
    false,
    "ERROR: cannot drop table lake.companies because other objects depend on it\n  Detail: view v depends on table lake.companies",
  ],
  ["dependency", false, "ERROR: cannot alter type of a column used by a view or rule"],
  ["length", false, "ERROR: value too long for type character varying(1023)"],
  [
    "length",
    false,
    "ERROR: Value too long for character type Detail: error: Value too long for character type code: 8001",
  ],
  [
    "length",
    false,
    "Spectrum Scan Error: String length exceeds DDL length: the length of the data column name is longer than the length defined in the table.",
  ],
  ["value", false, 'ERROR: invalid input syntax for type integer: "1023 DETAIL"'],
  ["value", false, "ERROR: integer out of range"],
  ["value", false, "ERROR: Numeric data overflow (addition)"],
  ["value", false, "Invalid digit, Value 'x', Pos 0, Type: Integer"],
  ["limit", false, "ERROR: tables can have at most 1600 columns"],
  ["limit", false, "ERROR: target lists can have at most 1600 entries"],
  ["limit", false, "ERROR: row is too big: size 9000, maximum size 8160"],
  ["statement", false, 'ERROR: syntax error at or near "FROM"'],
  [
    "damaged-delta",
    true,
    "Spectrum Scan Error code: 15007 context: File 'https://s3.us-east-1.amazonaws.com/b/f.parquet' has an incompatible Parquet schema for column",
  ],
  [
    "damaged-delta",
    true,
    "Spectrum Scan Error: Unmatched number of columns between table and file. Table columns: 3, Data columns: 2",
  ],
  [
    "damaged-delta",
    true,
    "Spectrum Scan Error: s3://bucket/timeout/x is not a valid Parquet File.",
  ],
  [
    "damaged-delta",
    true,
    "Problem reading manifest file s3://b/deltas/c/1.copy.json - the mandatory file s3://b/x does not exist",
  ],
  [
    "damaged-delta",
    true,
    "Spectrum Scan Error: s3://b/x has 11 bytes, the manifest s3://b/m says content_length 900",
  ],
  ["damaged-delta", true, "S3ServiceException:The specified key does not exist.,Status 404"],
  [
    "damaged-delta",
    true,
    "Error: HTTP response error code: 416 Message: InvalidRange The requested range is not satisfiable",
  ],
  [
    "column-change",
    true,
    'ERROR: cannot alter column "name" of relation "companies", target column size should be different',
  ],
  ["column-change", true, "ERROR: ALTER COLUMN SET/DROP DEFAULT is not supported"],
  ["space", false, "ERROR: Disk Full Detail: error: Disk Full code: 1016"],
  ["space", false, 'could not extend file "base/1/2": No space left on device'],
  ["space", false, "ERROR: out of memory"],
  [
    "space",
    false,
    "ERROR: Transaction 40895 is aborted due to exceeding the disk space quota in schema(s): (Schema: lake, Quota: 30, Current Disk Usage: 36).",
  ],
  ["interrupted", false, "ERROR: Query (150) cancelled on user's request"],
  ["interrupted", false, "ERROR: canceling statement due to statement timeout"],
  ["interrupted", false, "Query was cancelled."],
  ["interrupted", false, "ERROR: Query (150) cancelled by system requested abort"],
  ["interrupted", false, "FATAL: terminating connection due to administrator command"],
  ["interrupted", false, "server closed the connection unexpectedly"],
  ["unknown", true, "ERROR: Assert Detail: error: Assert code: 1000"],
  ["unknown", true, 'ERROR: column "conflict" does not exist'],
  ["unknown", true, 'ERROR: relation "disk full timeout" does not exist'],
];

describe("a failure", () => {
  it.each(MESSAGES)("is %s (a whole copy helps: %s): %s", (cause, wholeHelps, message) => {
    const kind = classifyFailure(message);
    expect([kind.cause, kind.wholeHelps]).toEqual([cause, wholeHelps]);
    expect(isTransient(kind)).toBe(cause === "conflict");
    expect(kind.advice).toMatch(/^[A-Z].*\.$/);
  });

  it("has a message for each rule, and for each word of it", () => {
    const known = MESSAGES.map(([, , message]) => message);
    for (const { cause, pattern } of FAILURE_KINDS) {
      // Choices at the top of the expression are words of their own; those in brackets are parts of one.
      for (const word of pattern.source.split(/\|(?![^(]*\))/)) {
        const single = new RegExp(word, pattern.flags);
        expect(
          known.some((message) => single.test(message)),
          `${cause}: ${word}`,
        ).toBe(true);
      }
    }
  });
});
