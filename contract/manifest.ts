// The manifest: what one commit adds to a table.
import { z } from "zod";
import { objectRecordSchema, passKindSchema } from "./records.ts";

const completedPassSchema = z.strictObject({
  pass: z.string(),
  kind: passKindSchema,
  number: z.int().positive(),
  startedAt: z.int(),
  sinceManifest: z.int().nonnegative(),
  findsDeletes: z.boolean(),
  /** Keys of all objects of the pass, whichever manifests they came in. */
  objects: z.array(z.string()),
});

export const manifestSchema = z.strictObject({
  format: z.literal(1),
  table: z.string(),
  number: z.int().positive(),
  run: z.string(),
  createdAt: z.string(),
  objects: z.array(objectRecordSchema),
  /** Upsert lines in the objects. */
  rows: z.int().nonnegative(),
  /** Key lines in the objects. */
  keys: z.int().nonnegative(),
  window: z.strictObject({ from: z.string().nullable(), to: z.string() }).nullable(),
  completed: z.array(completedPassSchema),
});
export type Manifest = z.infer<typeof manifestSchema>;
