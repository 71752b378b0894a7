// Tests what a run tells of drift, given what the run before saw.
import { expect, test } from "vitest";
import type { SourceType } from "../../../contract/source-fields.ts";
import type { SourceShape } from "../../../sources/discover/shape.ts";
import { type DriftFile, driftFileSchema } from "../../../contract/drift.ts";
import { compareWithLast } from "../../../functions/plan/drift.ts";
import { leads } from "./definitions.ts";

const is = (...types: string[]): SourceType => ({ types });
const base = { id: is("keyword"), changed_at: is("date"), unused: is("text") };
const shaped = (fields: SourceShape["fields"]): SourceShape => ({ fields, hidesFields: false });

function look(run: string, fields: SourceShape["fields"], last?: DriftFile): DriftFile {
  const file = compareWithLast({ table: leads, shape: shaped(fields) }, last, run, 0);
  return driftFileSchema.parse(JSON.parse(JSON.stringify(file)));
}
const told = ({ reported: news }: DriftFile): string[] =>
  news.map(({ kind, field }) => `${kind} ${field}`);

test("the first look takes what is there as known", () => {
  expect(told(look("one", base))).toEqual([]);
});

test("the first look tells of columns that cannot be filled", () => {
  expect(told(look("one", { id: is("keyword"), changed_at: is("text") }))).toEqual([
    "unfit changed_at",
  ]);
});

test("a new field is told by one run, and by that run again when it is tried again", () => {
  const first = look("one", base);
  const more = { ...base, fresh: is("long") };
  const second = look("two", more, first);
  expect(told(second)).toEqual(["new fresh"]);
  expect(told(look("two", more, second))).toEqual(["new fresh"]);
  expect(told(look("three", more, second))).toEqual([]);
});

test("a retry that sees still more tells both", () => {
  const first = look("one", base);
  const second = look("two", { ...base, fresh: is("long") }, first);
  const retried = look("two", { ...base, fresh: is("long"), later: is("long") }, second);
  expect(told(retried)).toEqual(["new fresh", "new later"]);
});

test("a fault is told once and remembered until it is mended; one that comes back is news", () => {
  const broken = { ...base, changed_at: is("text") };
  const first = look("one", base);
  const second = look("two", broken, first);
  expect(told(second)).toEqual(["unfit changed_at"]);
  const third = look("three", broken, second);
  expect(told(third)).toEqual([]);
  expect(third.faults).toHaveLength(1);
  const mended = look("four", base, third);
  expect(mended.faults).toEqual([]);
  expect(told(look("five", broken, mended))).toEqual(["unfit changed_at"]);
});

test("runs beside each other may tell twice, and nothing goes untold", () => {
  const first = look("one", base);
  const two = look("two", { ...base, a: is("long") }, first);
  const three = look("three", { ...base, a: is("long"), b: is("long") }, first);
  expect(told(three)).toEqual(["new a", "new b"]);
  // The earlier look was written last.
  expect(told(look("four", { ...base, a: is("long"), b: is("long") }, two))).toEqual(["new b"]);
});
