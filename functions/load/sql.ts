// Makes every SQL statement of the load, as pure text for Redshift.
import type { Delta } from "../../contract/delta.ts";
import { identifier, literal, literalOrNull, qualified } from "./quote.ts";

/** Where the tables are, where people read, and where the load keeps its own records. */
export const SCHEMAS = { lake: "lake", mart: "mart", own: "sluice" } as const;

/** The role of those who only read. */
const READER_ROLE = "sluice_reader";

const AUDIT = qualified(SCHEMAS.own, "audit");
const STAGE = identifier("sluice_stage");
const DELETED = identifier("_deleted");

/** Text that COPY can bring in; what does not fit is refused by COPY, never cut. */
const JSON_TEXT = "VARCHAR(65535)";

/** How a table is laid out. */
export interface Layout {
  readonly distribution:
    { readonly style: "even" | "all" } | { readonly style: "key"; readonly column: string };
  readonly sortKeys: readonly string[];
}

type DeltaColumn = Delta["columns"][number];

/** What is made once, before the first load of any table. The audit comes last: where it is, the others are as well. */
export function setUpStatements(): string[] {
  return [
    ...Object.values(SCHEMAS).map((schema) => `CREATE SCHEMA IF NOT EXISTS ${identifier(schema)}`),
    `CREATE ROLE ${identifier(READER_ROLE)}`,
    `GRANT USAGE ON SCHEMA ${identifier(SCHEMAS.mart)} TO ROLE ${identifier(READER_ROLE)}`,
    `CREATE TABLE IF NOT EXISTS ${AUDIT} ("table_name" VARCHAR(127) NOT NULL, ` +
      `"snapshot" VARCHAR(32) NOT NULL, "parent" VARCHAR(32), "kind" VARCHAR(16) NOT NULL, ` +
      `"rows" BIGINT NOT NULL, "deletes" BIGINT NOT NULL, "run" VARCHAR(128) NOT NULL, ` +
      `"loaded_at" TIMESTAMP NOT NULL)`,
  ];
}

/**
 * The empty table whose lock a load of `table` holds. Locking the table itself would make its readers wait for the
 * whole COPY, and would not be possible before it exists.
 */
export function lockName(table: string): string {
  return `lock_${table}`;
}

/** Makes the table that is locked. */
export function createLock(table: string): string {
  return `CREATE TABLE IF NOT EXISTS ${qualified(SCHEMAS.own, lockName(table))} ("nothing" INTEGER)`;
}

/**
 * Lists the columns, their types and comments, and the relation's own comment, of all relations that concern the load
 * of a table: schema, relation, column, type, column's comment, relation's comment.
 */
export function relationsQuery(table: string): string {
  return `SELECT n.nspname, c.relname, a.attname, format_type(a.atttypid, a.atttypmod), dc.description, dr.description
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN pg_description dc ON dc.objoid = c.oid AND dc.objsubid = a.attnum AND dc.classoid = c.tableoid
LEFT JOIN pg_description dr ON dr.objoid = c.oid AND dr.objsubid = 0 AND dr.classoid = c.tableoid
WHERE (n.nspname = ${literal(SCHEMAS.own)} AND c.relname IN ('audit', ${literal(lockName(table))}))
OR (n.nspname IN (${literal(SCHEMAS.lake)}, ${literal(SCHEMAS.mart)}) AND c.relname = ${literal(table)})
ORDER BY n.nspname, c.relname, a.attnum`;
}

/** The content id that the table holds: none or one row. */
export function lastAuditQuery(table: string): string {
  return `SELECT "snapshot" FROM ${AUDIT} WHERE "table_name" = ${literal(table)} ORDER BY "loaded_at" DESC LIMIT 1`;
}

/** Adds one column; Redshift takes one a statement. */
export function addColumn(table: string, column: { name: string; redshift: string }): string {
  return `ALTER TABLE ${qualified(SCHEMAS.lake, table)} ADD COLUMN ${columnDefinition(column)}`;
}

/** Widens a VARCHAR; Redshift refuses that inside a transaction and while a view uses the column. */
export function widenColumn(table: string, column: { name: string; redshift: string }): string {
  return `ALTER TABLE ${qualified(SCHEMAS.lake, table)} ALTER COLUMN ${identifier(column.name)} TYPE ${column.redshift}`;
}

/** Drops the view that people read; `createView` makes it again. */
export function dropView(table: string): string {
  return `DROP VIEW IF EXISTS ${qualified(SCHEMAS.mart, table)}`;
}

/** Makes the view that people read, and lets them. Redshift does not replace a view by one with other columns: drop it first. */
export function createView(table: string, columns: readonly string[]): [string, string] {
  const view = qualified(SCHEMAS.mart, table);
  return [
    `CREATE VIEW ${view} AS SELECT ${columns.map(identifier).join(", ")} FROM ${qualified(SCHEMAS.lake, table)}`,
    `GRANT SELECT ON ${view} TO ROLE ${identifier(READER_ROLE)}`,
  ];
}

/** Describes the view. */
export function commentOnView(table: string, description: string): string {
  return `COMMENT ON VIEW ${qualified(SCHEMAS.mart, table)} IS ${literal(description)}`;
}

/** Describes a column of the view. */
export function commentOnColumn(table: string, column: string, description: string): string {
  return `COMMENT ON COLUMN ${qualified(SCHEMAS.mart, table)}.${identifier(column)} IS ${literal(description)}`;
}

/** What a transaction that applies a delta is made from. */
export interface Apply {
  readonly delta: Delta;
  /** The content id that the audit must still name last, or null if it must name none. */
  readonly expected: string | null;
  /** True if the target must be made, in place of the one that may be there. */
  readonly makeTarget: boolean;
  /** True if what the target holds goes, for the delta holds all there is. */
  readonly emptyTarget: boolean;
  readonly layout: Layout;
  readonly viewColumns: readonly string[];
  /** Where the COPY manifest is: `s3://…`. */
  readonly manifestUrl: string;
  readonly copyRole: string;
}

/**
 * The statements of the one transaction that applies a delta and records it in the audit.
 *
 * A statement named `check_…` fails by dividing by zero when what it checks does not hold, for Redshift has no other
 * way to end a batch.
 */
export function applyStatements(apply: Apply): string[] {
  const { delta } = apply;
  const hasFiles = delta.files.length > 0;
  // A snapshot is taken at the first query: only what comes after the lock sees all that was committed under it.
  return [
    `LOCK ${qualified(SCHEMAS.own, lockName(delta.table))}`,
    checkPosition(delta.table, apply.expected),
    ...(hasFiles ? stage(apply) : []),
    ...(apply.makeTarget ? makeTarget(apply) : []),
    ...(apply.emptyTarget && !apply.makeTarget
      ? [`DELETE FROM ${qualified(SCHEMAS.lake, delta.table)}`]
      : []),
    ...(!apply.emptyTarget && hasFiles ? [deleteByKey(delta)] : []),
    ...(hasFiles ? [insert(delta)] : []),
    record(delta),
  ];
}

function checkPosition(table: string, expected: string | null): string {
  const rows = `(${lastAuditQuery(table)}) AS "last"`;
  const holds = expected === null ? "COUNT(*) = 0" : `MAX("snapshot") = ${literal(expected)}`;
  return `SELECT 1 / (CASE WHEN ${holds} THEN 1 ELSE 0 END) AS "check_audit_position" FROM ${rows}`;
}

function stage({ delta, manifestUrl, copyRole }: Apply): string[] {
  const columns = delta.columns.map(
    (column) => `${identifier(column.name)} ${isSuper(column) ? JSON_TEXT : column.redshift}`,
  );
  const held = delta.kind === "merge" ? [...columns, `${DELETED} BOOLEAN`] : columns;
  const deletes = delta.kind === "merge" ? `COUNT(CASE WHEN ${DELETED} THEN 1 END)` : "0";
  return [
    `CREATE TEMP TABLE ${STAGE} (${held.join(", ")})`,
    `COPY ${STAGE} FROM ${literal(manifestUrl)} IAM_ROLE ${literal(copyRole)} FORMAT AS PARQUET MANIFEST`,
    `SELECT 1 / (CASE WHEN COUNT(*) = ${delta.rows + delta.deletes} AND ${deletes} = ${delta.deletes} ` +
      `THEN 1 ELSE 0 END) AS "check_staged_rows" FROM ${STAGE}`,
  ];
}

function makeTarget({ delta, layout, viewColumns }: Apply): string[] {
  return [
    dropView(delta.table),
    `DROP TABLE IF EXISTS ${qualified(SCHEMAS.lake, delta.table)}`,
    createTable(delta.table, delta.columns, layout),
    ...createView(delta.table, viewColumns),
  ];
}

function createTable(table: string, columns: readonly DeltaColumn[], layout: Layout): string {
  const names = new Set(columns.map(({ name }) => name));
  const sortKeys = layout.sortKeys.filter((name) => names.has(name));
  return (
    `CREATE TABLE ${qualified(SCHEMAS.lake, table)} (${columns.map(columnDefinition).join(", ")})` +
    distribution(layout, names) +
    (sortKeys.length > 0 ? ` COMPOUND SORTKEY (${sortKeys.map(identifier).join(", ")})` : "")
  );
}

function distribution({ distribution: wanted }: Layout, names: ReadonlySet<string>): string {
  if (wanted.style === "all") return " DISTSTYLE ALL";
  return wanted.style === "key" && names.has(wanted.column)
    ? ` DISTSTYLE KEY DISTKEY (${identifier(wanted.column)})`
    : " DISTSTYLE EVEN";
}

function columnDefinition(column: { name: string; redshift: string }): string {
  return `${identifier(column.name)} ${column.redshift}`;
}

function deleteByKey(delta: Delta): string {
  const target = qualified(SCHEMAS.lake, delta.table);
  const types = new Map(delta.columns.map(({ name, redshift }) => [name, redshift]));
  const same = delta.key.flatMap((name) => {
    const [held, brought] = [target, STAGE].map((of) => `${of}.${identifier(name)}`);
    // Redshift compares texts without their trailing blanks; those are other keys nevertheless.
    return isText(types.get(name) ?? "")
      ? [`${held} = ${brought}`, `OCTET_LENGTH(${held}) = OCTET_LENGTH(${brought})`]
      : [`${held} = ${brought}`];
  });
  return `DELETE FROM ${target} USING ${STAGE} WHERE ${same.join(" AND ")}`;
}

function isText(redshift: string): boolean {
  return /^(VAR)?CHAR\b/i.test(redshift);
}

function insert(delta: Delta): string {
  const columns = delta.columns.map(({ name }) => identifier(name)).join(", ");
  const values = delta.columns.map((column) =>
    isSuper(column) ? `JSON_PARSE(${identifier(column.name)})` : identifier(column.name),
  );
  const live = delta.kind === "merge" ? ` WHERE ${DELETED} IS NOT TRUE` : "";
  return `INSERT INTO ${qualified(SCHEMAS.lake, delta.table)} (${columns}) SELECT ${values.join(", ")} FROM ${STAGE}${live}`;
}

/** Nested values and json are JSON text in the Parquet. COPY would make a SUPER of it that is one string. */
function isSuper(column: DeltaColumn): boolean {
  return column.redshift.toUpperCase() === "SUPER";
}

function record(delta: Delta): string {
  const values = [
    literal(delta.table),
    literal(delta.snapshot),
    literalOrNull(delta.parent),
    literal(delta.kind),
    String(delta.rows),
    String(delta.deletes),
    literal(delta.run),
    // Strictly later than the row before, whatever the clocks say: the last row is what the table holds.
    `GREATEST(SYSDATE, DATEADD(microsecond, 1, MAX("loaded_at")))`,
  ];
  return (
    `INSERT INTO ${AUDIT} ("table_name", "snapshot", "parent", "kind", "rows", "deletes", "run", "loaded_at") ` +
    `SELECT ${values.join(", ")} FROM ${AUDIT} WHERE "table_name" = ${literal(delta.table)}`
  );
}
