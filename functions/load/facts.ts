// Reads what the warehouse holds for one table.
import { lastAuditQuery, lockName, relationsQuery, SCHEMAS } from "./sql.ts";

/** A column of a relation; `type` is as the warehouse prints it. */
export interface WarehouseColumn {
  readonly name: string;
  readonly type: string;
  readonly comment: string;
}

export interface Relation {
  readonly columns: readonly WarehouseColumn[];
  readonly comment: string;
}

/** What the warehouse holds for one table. */
export interface Facts {
  /** True if schemas, role and audit exist. */
  readonly isSetUp: boolean;
  readonly hasLock: boolean;
  readonly target: Relation | null;
  readonly view: Relation | null;
  /** The content id that the audit names last, or null. */
  readonly audited: string | null;
}

/** Runs a query and returns its rows; a NULL is null. */
export type Query = (sql: string) => Promise<readonly (readonly (string | null)[])[]>;

/** Reads the facts of one table. Nothing is remembered between calls: the warehouse itself is the only record. */
export async function readFacts(table: string, query: Query): Promise<Facts> {
  const relations = groupRelations(await query(relationsQuery(table)));
  const isSetUp = relations.has(`${SCHEMAS.own}.audit`);
  const [last] = isSetUp ? await query(lastAuditQuery(table)) : [];
  return {
    isSetUp,
    hasLock: relations.has(`${SCHEMAS.own}.${lockName(table)}`),
    target: relations.get(`${SCHEMAS.lake}.${table}`) ?? null,
    view: relations.get(`${SCHEMAS.mart}.${table}`) ?? null,
    audited: last?.[0] ?? null,
  };
}

function groupRelations(rows: readonly (readonly (string | null)[])[]): Map<string, Relation> {
  const relations = new Map<string, { columns: WarehouseColumn[]; comment: string }>();
  for (const [schema, relation, name, type, comment, relationComment] of rows) {
    const key = `${schema ?? ""}.${relation ?? ""}`;
    const found = relations.get(key) ?? { columns: [], comment: relationComment ?? "" };
    found.columns.push({ name: name ?? "", type: type ?? "", comment: comment ?? "" });
    relations.set(key, found);
  }
  return relations;
}
