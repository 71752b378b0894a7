// What the Data Catalog says at run time: an entry with every default filled in, parsed and checked.
import { z } from "zod";
import { columnTypeSchema } from "../contract/column-types.ts";
import { jsonObjectSchema } from "../contract/json.ts";
import { declarationOf, isSystem } from "../sources/declarations.ts";
import { cursorSchema, deletesSchema } from "../sources/table-fields.ts";
import {
  checkSchema,
  columnSchema,
  commonBudgetSchema,
  partitionSchema,
  publishSchema,
  sourceFields,
} from "./table.ts";

export const columnDefinitionSchema = columnSchema.extend({
  type: columnTypeSchema,
  path: z.array(z.string()).min(1).readonly(),
});

export const budgetSchema = commonBudgetSchema.extend({
  /** What budgets of the source's system have besides that; the system's declaration knows its form. */
  own: jsonObjectSchema,
});

export const sourceSchema = z
  .strictObject({
    ...sourceFields,
    system: z.string(),
    /** Name of the secret with address and credentials. */
    secret: z.string(),
    budget: budgetSchema,
  })
  .superRefine(({ system, budget }, context) => {
    if (!isSystem(system)) {
      context.addIssue({ code: "custom", path: ["system"], message: `${system} is not known` });
      return;
    }
    const { error } = z.strictObject(declarationOf(system).budget).safeParse(budget.own);
    copyIssues(error, ["budget", "own"], context);
  });

export const cursorDefinitionSchema = cursorSchema.extend({
  /** The cursor's exact field path in the source, dotted. */
  field: z.string(),
  /** When and how far back rows are read again to find what came later than the overlap; null: never. */
  lateRows: z
    .strictObject({ everyHours: z.number().nonnegative(), reachHours: z.number().positive() })
    .nullable(),
});

export const publishDefinitionSchema = publishSchema.nullable();

const entryShape = {
  name: z.string(),
  owner: z.string(),
  description: z.string(),
  key: z.array(z.string()).min(1),
  columns: z.array(columnDefinitionSchema).min(1),
  partitioning: z.array(partitionSchema),
  checks: z.array(checkSchema),
  publish: publishDefinitionSchema,
  fingerprint: z.string(),
};

/** A table as the Data Catalog has it. */
export const tableDefinitionSchema = z
  .strictObject({
    kind: z.literal("table"),
    ...entryShape,
    source: sourceSchema,
    /** Where it is read from; the declaration of the source's system knows its form. */
    from: jsonObjectSchema,
    cursor: cursorDefinitionSchema.nullable(),
    deletes: deletesSchema,
  })
  .superRefine(({ source, from }, context) => {
    if (!isSystem(source.system)) return;
    copyIssues(declarationOf(source.system).place.safeParse(from).error, ["from"], context);
  });

function copyIssues(
  error: z.ZodError | undefined,
  path: readonly string[],
  context: z.RefinementCtx,
): void {
  for (const issue of error?.issues ?? [])
    context.addIssue({ code: "custom", message: issue.message, path: [...path, ...issue.path] });
}

/** A model as the Data Catalog has it. */
export const modelDefinitionSchema = z.strictObject({
  kind: z.literal("model"),
  ...entryShape,
  language: z.enum(["sql", "python"]),
  script: z.string(),
  inputs: z.array(z.string()).min(1),
});

export type ColumnDefinition = z.output<typeof columnDefinitionSchema>;
export type SourceDefinition = z.output<typeof sourceSchema>;
export type ExtractionHoursDefinition = NonNullable<LoadBudgetDefinition["hours"]>;
export type LoadBudgetDefinition = z.output<typeof budgetSchema>;
export type TableDefinition = z.output<typeof tableDefinitionSchema>;
export type ModelDefinition = z.output<typeof modelDefinitionSchema>;
export type Definition = TableDefinition | ModelDefinition;
