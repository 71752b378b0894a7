// Each format that parts hand each other has an example, which both languages' tests read: test_contract.py has the
// build's side. A field that is added or changed on one side alone fails one of the two.
import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { z } from "zod";
import { buildSummarySchema } from "../../contract/build-summary.ts";
import { decisionSchema } from "../../contract/decision.ts";
import { buildResultSchema, deltaSchema } from "../../contract/delta.ts";
import { deploymentRecordSchema } from "../../contract/deployment-record.ts";
import { driftFileSchema } from "../../contract/drift.ts";
import { extractProblemSchema } from "../../contract/extract-problem.ts";
import { laneResultSchema } from "../../contract/lane-result.ts";
import { loadProblemSchema } from "../../contract/load-problem.ts";
import { manifestSchema } from "../../contract/manifest.ts";
import {
  leaseSchema,
  manifestRecordSchema,
  objectRecordSchema,
  openResourceSchema,
  progressSchema,
  readingNoteSchema,
  sourcePauseSchema,
  splitRecordSchema,
} from "../../contract/records.ts";
import { commitFileSchema, planFileSchema, tablesFileSchema } from "../../contract/run-files.ts";
import { objectLineSchema } from "../../contract/object-line.ts";
import { runRecordSchema } from "../../contract/run.ts";
import { seenLoadsSchema } from "../../contract/seen-loads.ts";
import { laneStateSchema, workListSchema } from "../../contract/state.ts";
import { loadRecordSchema, replaceRecordSchema } from "../../contract/load-records.ts";

const FORMATS: Readonly<Record<string, z.ZodType>> = {
  "build-result": buildResultSchema,
  "build-summary": buildSummarySchema,
  commit: commitFileSchema,
  decision: decisionSchema,
  delta: deltaSchema,
  "deployment-record": deploymentRecordSchema,
  drift: driftFileSchema,
  "extract-problem": extractProblemSchema,
  "lane-results": z.array(laneResultSchema),
  "lane-state": laneStateSchema,
  lease: leaseSchema,
  "load-problem": loadProblemSchema,
  "load-record": loadRecordSchema,
  manifest: manifestSchema,
  "manifest-record": manifestRecordSchema,
  "object-lines": z.array(objectLineSchema),
  "object-record": objectRecordSchema,
  "open-resource": openResourceSchema,
  plan: planFileSchema,
  progress: progressSchema,
  "reading-note": readingNoteSchema,
  "replace-request": replaceRecordSchema,
  "run-record": runRecordSchema,
  "seen-loads": seenLoadsSchema,
  "source-pause": sourcePauseSchema,
  split: z.array(splitRecordSchema),
  tables: tablesFileSchema,
  "work-list": workListSchema,
};

const folder = new URL("../../contract/examples/", import.meta.url);
function example(name: string): unknown {
  // An object's lines are no JSON document, but one each.
  const isLines = name === "object-lines";
  const text = readFileSync(new URL(`${name}.${isLines ? "ndjson" : "json"}`, folder), "utf8");
  return JSON.parse(isLines ? `[${text.trimEnd().replaceAll("\n", ",")}]` : text);
}

const nodeSchema = z.looseObject({
  properties: z.record(z.string(), z.unknown()).optional(),
  additionalProperties: z.unknown().optional(),
  items: z.unknown().optional(),
  prefixItems: z.array(z.unknown()).optional(),
  anyOf: z.array(z.unknown()).optional(),
  oneOf: z.array(z.unknown()).optional(),
  allOf: z.array(z.unknown()).optional(),
});

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Places of the schema at which none of the values has anything. */
function missing(schema: unknown, values: readonly unknown[], place: string): string[] {
  const node = nodeSchema.safeParse(schema).data;
  if (node === undefined) return [];
  const objects = values.filter(isObject);
  const lists = values.filter((value): value is unknown[] => Array.isArray(value));
  return [
    ...Object.entries(node.properties ?? {}).flatMap(([name, inner]) => {
      const found = objects.filter((one) => name in one).map((one) => one[name]);
      const at = `${place}.${name}`;
      return found.length === 0 ? [at] : missing(inner, found, at);
    }),
    ...(node.items === undefined ? [] : missing(node.items, lists.flat(), `${place}[]`)),
    ...(node.anyOf ?? node.oneOf ?? node.allOf ?? []).flatMap((inner) =>
      missing(inner, values, place),
    ),
  ];
}

test("each format has an example, and each example is of a format", () => {
  const files = readdirSync(folder).map((file) => file.replace(/\.(nd)?json$/, ""));
  // The keys have a test of their own.
  expect(files.sort()).toEqual([...Object.keys(FORMATS), "keys"].sort());
});

test.each(Object.entries(FORMATS))("%s: the example parses to itself", (name, schema) => {
  expect(schema.parse(example(name))).toEqual(example(name));
});

test.each(Object.entries(FORMATS))("%s: the example has every field", (name, schema) => {
  // Column types contain themselves; the delta's example has one of each kind.
  const json = z.toJSONSchema(schema, { io: "input", unrepresentable: "any" });
  expect(missing(json, [example(name)], name)).toEqual([]);
});
