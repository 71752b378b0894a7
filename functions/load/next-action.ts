// Decides the next small thing to do for a table, from what the warehouse holds and what the deltas bring.
import { createHash } from "node:crypto";
import type { Definition } from "../../catalog/definition.ts";
import type { Delta } from "../../contract/delta.ts";
import { isWhole, type DeltaDecision, type Gap } from "./decide-deltas.ts";
import type { Facts, Relation } from "./facts.ts";
import {
  addColumn,
  applyStatements,
  commentOnColumn,
  commentOnView,
  createLock,
  createView,
  dropView,
  widenColumn,
  type Layout,
} from "./sql.ts";
import { compareTypes, isSameType } from "./warehouse-types.ts";

type StepKind = "lock" | "evolve" | "view" | "apply" | "comment";

/** Statements to run: one alone commits by itself, several are one transaction. */
export interface Step {
  readonly kind: StepKind;
  /** Names this very work: the same id again means that it did not help the first time. */
  readonly id: string;
  readonly statements: readonly string[];
  /** The delta that is applied, whose COPY manifest must be in place first. */
  readonly delta?: Delta;
}

type Action =
  | { readonly do: "run"; readonly step: Step }
  | ({ readonly do: "request-replace" } & Gap)
  | { readonly do: "done" };

/** What a table's load needs to know besides the warehouse and the deltas. */
export interface Target {
  readonly definition: Pick<Definition, "name" | "description" | "columns">;
  readonly layout: Layout;
  readonly copyRole: string;
  /** Where a delta's COPY manifest is: `s3://…`. */
  readonly manifestUrl: (delta: Delta) => string;
}

/** Redshift's limit. */
const MAX_BATCH_STATEMENTS = 40;

/** The next thing to do. The order matters: a table is ready for a delta's columns before the delta is applied. */
export function nextAction(
  target: Target,
  facts: Facts,
  decision: Exclude<DeltaDecision, { do: "read" }>,
): Action {
  const { name } = target.definition;
  if (decision.do === "request-replace") return decision;
  if (!facts.hasLock) return run("lock", [createLock(name)]);
  return decision.do === "apply"
    ? nextOfDelta(target, facts, decision.deltas[0])
    : nextOfView(target, facts);
}

function nextOfDelta(target: Target, facts: Facts, delta: Delta): Action {
  if (facts.target === null) return apply(target, facts, delta, true);
  const changes = columnChanges(facts.target, delta);
  if (changes.incompatible !== undefined) {
    return isWhole(delta)
      ? apply(target, facts, delta, true)
      : { do: "request-replace", cause: "incompatible-columns", reason: changes.incompatible };
  }
  // Redshift refuses to widen some columns for good; a delta that holds the whole table does not need it to.
  if (changes.widened.length > 0 && isWhole(delta)) return apply(target, facts, delta, true);
  const evolution = evolve(target.definition.name, facts, changes);
  if (evolution !== undefined) return evolution;
  // Widening dropped it; readers should not wait for the delta.
  if (facts.view === null && facts.audited !== null) return view(target, facts, facts.target);
  return apply(target, facts, delta, false);
}

interface ColumnChanges {
  readonly added: readonly Delta["columns"][number][];
  readonly widened: readonly Delta["columns"][number][];
  /** Why the table can't take the delta's values, if so. */
  readonly incompatible?: string;
}

function columnChanges(relation: Relation, delta: Delta): ColumnChanges {
  const types = new Map(relation.columns.map(({ name, type }) => [name, type]));
  const added: Delta["columns"][number][] = [];
  const widened: Delta["columns"][number][] = [];
  for (const column of delta.columns) {
    const type = types.get(column.name);
    if (type === undefined) {
      // Rows that are there have no value of it, so none of them would be found by the key.
      if (delta.key.includes(column.name) && !isWhole(delta)) {
        return { added, widened, incompatible: `new key column ${column.name}` };
      }
      added.push(column);
      continue;
    }
    const change = compareTypes(type, column.redshift);
    if (change === "incompatible") {
      return { added, widened, incompatible: `${column.name} is ${type}, not ${column.redshift}` };
    }
    if (change === "widen") widened.push(column);
  }
  return { added, widened };
}

function evolve(
  table: string,
  facts: Facts,
  { added, widened }: ColumnChanges,
): Action | undefined {
  const [firstAdded] = added;
  if (firstAdded !== undefined) return run("evolve", [addColumn(table, firstAdded)]);
  const [firstWidened] = widened;
  if (firstWidened === undefined) return undefined;
  return facts.view === null
    ? run("evolve", [widenColumn(table, firstWidened)])
    : run("evolve", [dropView(table)]);
}

function apply(target: Target, facts: Facts, delta: Delta, makeTarget: boolean): Action {
  const statements = applyStatements({
    delta,
    expected: facts.audited,
    makeTarget,
    emptyTarget: isWhole(delta),
    layout: target.layout,
    viewColumns: viewColumns(target, delta.columns),
    manifestUrl: target.manifestUrl(delta),
    copyRole: target.copyRole,
  });
  return run("apply", statements, delta);
}

/** The catalog's columns, in its order, as far as the table has them. */
function viewColumns(target: Target, held: readonly { readonly name: string }[]): string[] {
  const names = new Set(held.map(({ name }) => name));
  const declared = target.definition.columns.map(({ name }) => name);
  const shown = declared.filter((name) => names.has(name));
  // A view needs a column; a catalog without any of the table's is about to be built again.
  return shown.length > 0 ? shown : held.map(({ name }) => name);
}

function nextOfView(target: Target, facts: Facts): Action {
  if (facts.target === null) return { do: "done" };
  if (facts.view === null || !showsTheSame(target, facts.view, facts.target)) {
    return view(target, facts, facts.target);
  }
  const comments = missingComments(target, facts.view);
  return comments.length > 0 ? run("comment", comments) : { do: "done" };
}

function showsTheSame(target: Target, shown: Relation, held: Relation): boolean {
  const wanted = viewColumns(target, held.columns);
  const types = new Map(held.columns.map(({ name, type }) => [name, type]));
  return (
    wanted.length === shown.columns.length &&
    shown.columns.every(
      ({ name, type }, index) => name === wanted[index] && isSameType(type, types.get(name) ?? ""),
    )
  );
}

function view(target: Target, facts: Facts, held: Relation): Action {
  const { name } = target.definition;
  const drop = facts.view === null ? [] : [dropView(name)];
  return run("view", [...drop, ...createView(name, viewColumns(target, held.columns))]);
}

function missingComments({ definition }: Target, shown: Relation): string[] {
  const comments = new Map(shown.columns.map(({ name, comment }) => [name, comment]));
  const ofColumns = definition.columns
    .filter(({ name, description }) => (comments.get(name) ?? description) !== description)
    .map(({ name, description }) => commentOnColumn(definition.name, name, description));
  const ofView =
    shown.comment === definition.description
      ? []
      : [commentOnView(definition.name, definition.description)];
  return [...ofView, ...ofColumns].slice(0, MAX_BATCH_STATEMENTS);
}

function run(kind: StepKind, statements: readonly string[], delta?: Delta): Action {
  const hash = createHash("sha256").update(JSON.stringify(statements)).digest("hex");
  const id = hash.slice(0, 8);
  return { do: "run", step: { kind, id, statements, ...(delta === undefined ? {} : { delta }) } };
}
