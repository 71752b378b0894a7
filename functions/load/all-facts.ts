// Reads what the warehouse holds of all tables, by one request.
import {
  factsOf,
  groupRelations,
  isSetUp,
  type Facts,
  type Relations,
  type Rows,
} from "./facts.ts";
import { qualified } from "./quote.ts";
import { SCHEMAS } from "./sql.ts";

/**
 * Lists the columns of all relations of Sluice's schemas, with what is compared of them: schema, relation, column, type,
 * and for views the column's comment and, with the first column, the view's. Redshift runs it on its leader node.
 */
export function allRelationsQuery(): string {
  return `SELECT n.nspname, c.relname, a.attname, format_type(a.atttypid, a.atttypmod),
CASE WHEN n.nspname = '${SCHEMAS.mart}' THEN dc.description END,
CASE WHEN n.nspname = '${SCHEMAS.mart}' AND a.attnum = 1 THEN dr.description END
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN pg_description dc ON dc.objoid = c.oid AND dc.objsubid = a.attnum AND dc.classoid = c.tableoid
LEFT JOIN pg_description dr ON dr.objoid = c.oid AND dr.objsubid = 0 AND dr.classoid = c.tableoid
WHERE n.nspname IN ('${SCHEMAS.lake}', '${SCHEMAS.mart}', '${SCHEMAS.own}')
ORDER BY n.nspname, c.relname, a.attnum`;
}

/** The content id that each table holds by the audit: table, snapshot. */
export function allAuditsQuery(): string {
  return (
    `SELECT "table_name", "snapshot" FROM (SELECT "table_name", "snapshot", ` +
    `ROW_NUMBER() OVER (PARTITION BY "table_name" ORDER BY "loaded_at" DESC) AS "place" ` +
    `FROM ${qualified(SCHEMAS.own, "audit")}) AS "audits" WHERE "place" = 1`
  );
}

/** The results of both queries, so that each table's facts can be looked up. */
export class AllFacts {
  readonly #relations: Relations;
  readonly #audits: ReadonlyMap<string, string | null>;

  /** @param audits none if there is no audit yet, so that nothing was ever loaded */
  constructor(relations: Rows, audits: Rows) {
    this.#relations = groupRelations(relations);
    this.#audits = new Map(audits.map(([table, snapshot]) => [table ?? "", snapshot ?? null]));
  }

  /** True if schemas, role and audit exist. */
  get isSetUp(): boolean {
    return isSetUp(this.#relations);
  }

  of(table: string): Facts {
    return factsOf(table, this.#relations, this.#audits.get(table) ?? null);
  }
}
