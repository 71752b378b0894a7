// Reads what the warehouse holds for one table.
import { lastAuditQuery, lockName, relationsQuery, SCHEMAS } from "./sql.ts";

/** A column of a relation; `type` is as the warehouse prints it. */
interface WarehouseColumn {
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

/** Rows of a result; a NULL is null. */
export type Rows = readonly (readonly (string | null)[])[];

/** Relations by `<schema>.<name>`. */
export type Relations = ReadonlyMap<string, Relation>;

/** Runs a query and returns its rows. */
type Query = (sql: string) => Promise<Rows>;

/** Reads the facts of one table. Nothing is remembered between calls: the warehouse itself is the only record. */
export async function readFacts(table: string, query: Query): Promise<Facts> {
  const relations = groupRelations(await query(relationsQuery(table)));
  const [last] = isSetUp(relations) ? await query(lastAuditQuery(table)) : [];
  return factsOf(table, relations, last?.[0] ?? null);
}

/** True if schemas, role and audit exist. */
export function isSetUp(relations: Relations): boolean {
  return relations.has(`${SCHEMAS.own}.audit`);
}

/** The facts of one table among the relations that there are. */
export function factsOf(table: string, relations: Relations, audited: string | null): Facts {
  return {
    isSetUp: isSetUp(relations),
    hasLock: relations.has(`${SCHEMAS.own}.${lockName(table)}`),
    target: relations.get(`${SCHEMAS.lake}.${table}`) ?? null,
    view: relations.get(`${SCHEMAS.mart}.${table}`) ?? null,
    audited,
  };
}

/** @param rows schema, relation, column, type, the column's comment and the relation's, a row a column */
export function groupRelations(rows: Rows): Relations {
  const relations = new Map<string, { columns: WarehouseColumn[]; comment: string }>();
  for (const [schema, relation, name, type, comment, relationComment] of rows) {
    const key = `${schema ?? ""}.${relation ?? ""}`;
    const found = relations.get(key) ?? { columns: [], comment: relationComment ?? "" };
    found.columns.push({ name: name ?? "", type: type ?? "", comment: comment ?? "" });
    relations.set(key, found);
  }
  return relations;
}
