// The mistakes in the fields of what an engineer writes: misspelled, unknown, missing, and values that none may have.
import { z } from "zod";
import type { Mistake } from "../contract/mistake.ts";
import { shown } from "../contract/mistake.ts";
import type { SourceDeclaration } from "../sources/declaration.ts";
import { allDeclarations, declarationOf, isSystem } from "../sources/declarations.ts";
import { mistakesFromIssues, pathText, type Path } from "./issues.ts";
import {
  budgetSchemaOf,
  type Catalog,
  catalogSchema,
  commonBudgetSchema,
  type Model,
  modelSchema,
  type Source,
  sourceFields,
  type Table,
  tableFields,
  tableSchemaOf,
} from "./table.ts";

const text = z.string();

/** What was found of the fields: where a value has not even the right kind, no other check can look at it. */
export interface FieldMistakes {
  readonly mistakes: readonly Mistake[];
  /** False if a field that must be there is missing, or has a value of another kind than it may have. */
  readonly isSound: boolean;
}

/** Mistakes in the fields of a source and of its budget. */
export function mistakesInSourceFields(written: Source, place: string): FieldMistakes {
  // Widened: what is looked at was written by a person, and types do not hold at run time.
  const system: unknown = written.system;
  const isKnown = typeof system === "string" && isSystem(system);
  const budget = isKnown ? budgetSchemaOf(declarationOf(system)) : commonBudgetSchema;
  const schema = z.strictObject({ ...sourceFields, system: text, budget: budget.optional() });
  const { mistakes, isSound } = found(schema, written, place);
  if (isKnown || typeof system !== "string")
    return { isSound, mistakes: mistakes.map((mistake) => ofAnother(mistake, written, place)) };
  const systems = allDeclarations().map(({ name }) => name);
  const unknown = {
    place,
    problem: `the system ${shown(system)} is not known`,
    fix: `write one of ${systems.join(", ")}`,
  };
  return { isSound, mistakes: [unknown, ...mistakes] };
}

/** A budget's field that is unknown here may be one of another system. */
function ofAnother(mistake: Mistake, { system, budget }: Source, place: string): Mistake {
  const written: Readonly<Record<string, unknown>> = { ...budget };
  for (const [field, value] of Object.entries(written)) {
    if (mistake.place !== `${place}, budget.${field}`) continue;
    const owner = allDeclarations().find((one) => one.name !== system && field in one.budget);
    if (owner === undefined || field in declarationOf(system).budget) continue;
    return {
      place: mistake.place,
      problem: `${shown(value)} is for ${owner.name}, and this source is ${system}`,
      fix: "remove it",
    };
  }
  return mistake;
}

/** True for a model, also for one of whose inputs only the script is there. */
export function looksLikeModel(written: Table | Model): boolean {
  return "inputs" in written || "script" in written;
}

/** Mistakes in the fields of a table or a model, at every level but inside column types. */
export function mistakesInEntryFields(written: Table | Model, place: string): FieldMistakes {
  if (looksLikeModel(written)) return found(modelSchema, written, place);
  // Widened: what is looked at was written by a person, and types do not hold at run time.
  const { source, from } = z
    .looseObject({ source: z.unknown().optional(), from: z.unknown().optional() })
    .parse(written);
  const parsed = sourceSchema.safeParse(source);
  if (!parsed.success) return found(tableSchemaOfAny(), written, place);
  const { name, system } = parsed.data;
  if (!isSystem(system)) {
    const unknown = {
      place: `${place}, source`,
      problem: `the system ${shown(system)} of the source ${name} is not known`,
      fix: "correct it in the source",
    };
    return {
      isSound: false,
      mistakes: [unknown, ...found(tableSchemaOfAny(), written, place).mistakes],
    };
  }
  const declaration = declarationOf(system);
  const all = found(tableSchemaOf(declaration), written, place);
  const misplaced = placeOfAnother(declaration, from, name, `${place}, from`);
  return misplaced === undefined
    ? all
    : {
        isSound: all.isSound,
        mistakes: [
          misplaced,
          ...all.mistakes.filter((one) => !one.place.startsWith(`${place}, from`)),
        ],
      };
}

/** A table of whose source no system is known: any system's fields, with any values. */
function tableSchemaOfAny(): z.ZodType {
  const names = allDeclarations().flatMap(({ fields }) => Object.keys(fields));
  const anything = z.unknown().optional();
  return z.strictObject({
    ...tableFields,
    from: anything,
    ...Object.fromEntries(names.map((name) => [name, anything])),
  });
}

const sourceSchema = z.looseObject({ name: text, system: text });

/** The mistake that a table names a place of another system than its source has. */
function placeOfAnother(
  declaration: SourceDeclaration,
  from: unknown,
  source: string,
  place: string,
): Mistake | undefined {
  const isOf = (one: SourceDeclaration): boolean => one.from.safeParse(from).success;
  if (isOf(declaration) || !allDeclarations().some(isOf)) return undefined;
  return {
    place,
    problem: `it reads ${shown(from)} from the source ${source}, which is ${declaration.name}`,
    fix: `name ${declaration.placeWords}, or another source`,
  };
}

/** Misspelled, unknown and missing fields of a catalog itself. */
export function mistakesInCatalogFields(written: Catalog): FieldMistakes {
  return found(catalogSchema, written, "the catalog");
}

function found(schema: z.ZodType, written: unknown, place: string): FieldMistakes {
  const parsed = schema.safeParse(written);
  if (parsed.success) return { mistakes: [], isSound: true };
  const { issues } = parsed.error;
  return {
    mistakes: mistakesFromIssues(schema, written, issues, (path) => placeOf(path, written, place)),
    isSound: issues.every(({ code }) => code === "unrecognized_keys" || code === "custom"),
  };
}

const LISTS: Readonly<Record<string, string>> = { columns: "column", checks: "check" };

/** `table leads, column email.descripton` for the path columns[3].descripton. */
function placeOf(path: Path, written: unknown, place: string): string {
  const [list, index, ...rest] = path;
  if (path.length === 0) return place;
  const kind = LISTS[String(list)];
  if (kind === undefined || typeof index !== "number") return `${place}, ${pathText(path)}`;
  const one = nameAt(written, String(list), index);
  const inside = rest.length === 0 ? "" : `.${pathText(rest)}`;
  return `${place}, ${kind} ${one ?? `number ${index + 1}`}${inside}`;
}

const listed = z.looseObject({ name: text });

function nameAt(written: unknown, list: string, index: number): string | undefined {
  const values = z.record(text, z.unknown()).safeParse(written).data?.[list];
  return Array.isArray(values) ? listed.safeParse(values[index]).data?.name : undefined;
}
