// Reads what the warehouse holds of all tables, by one request.
import type { Facts, Relation, WarehouseColumn } from "./facts.ts";
import { qualified } from "./quote.ts";
import { lockName, SCHEMAS } from "./sql.ts";

type Rows = readonly (readonly (string | null)[])[];

/**
 * Lists the columns of all relations of Sluice's schemas, with what is compared of them: schema, relation, column, type,
 * and for views the column's comment and, with the first column, the view's. Redshift answers it on its leader node.
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

/** The answers to both queries, so that each table's facts can be looked up. */
export class AllFacts {
  readonly #relations = new Map<string, { columns: WarehouseColumn[]; comment: string }>();
  readonly #audits: ReadonlyMap<string, string | null>;

  /** @param audits none if there is no audit yet, so that nothing was ever loaded */
  constructor(relations: Rows, audits: Rows) {
    for (const [schema, relation, name, type, comment, relationComment] of relations) {
      const key = `${schema ?? ""}.${relation ?? ""}`;
      const found = this.#relations.get(key) ?? { columns: [], comment: relationComment ?? "" };
      found.columns.push({ name: name ?? "", type: type ?? "", comment: comment ?? "" });
      this.#relations.set(key, found);
    }
    this.#audits = new Map(audits.map(([table, snapshot]) => [table ?? "", snapshot ?? null]));
  }

  /** True if schemas, role and audit exist. */
  get isSetUp(): boolean {
    return this.#relations.has(`${SCHEMAS.own}.audit`);
  }

  of(table: string): Facts {
    return {
      isSetUp: this.isSetUp,
      hasLock: this.#relations.has(`${SCHEMAS.own}.${lockName(table)}`),
      target: this.#relation(SCHEMAS.lake, table),
      view: this.#relation(SCHEMAS.mart, table),
      audited: this.#audits.get(table) ?? null,
    };
  }

  #relation(schema: string, table: string): Relation | null {
    return this.#relations.get(`${schema}.${table}`) ?? null;
  }
}
