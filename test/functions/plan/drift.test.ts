// Tests what a run reports of drift, given what the run before saw.
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
const reported = ({ reported: news }: DriftFile): string[] =>
  news.map(({ kind, field }) => `${kind} ${field}`);

test("the first look takes what is there as known", () => {
  expect(reported(look("one", base))).toEqual([]);
});

test("the first look reports columns that cannot be filled", () => {
  expect(reported(look("one", { id: is("keyword"), changed_at: is("text") }))).toEqual([
    "unfit changed_at",
  ]);
});

test("a new field is reported by one run, and by that run again when it is tried again", () => {
  const first = look("one", base);
  const more = { ...base, fresh: is("long") };
  const second = look("two", more, first);
  expect(reported(second)).toEqual(["new fresh"]);
  expect(reported(look("two", more, second))).toEqual(["new fresh"]);
  expect(reported(look("three", more, second))).toEqual([]);
});

test("a retry that sees still more reports both", () => {
  const first = look("one", base);
  const second = look("two", { ...base, fresh: is("long") }, first);
  const retried = look("two", { ...base, fresh: is("long"), later: is("long") }, second);
  expect(reported(retried)).toEqual(["new fresh", "new later"]);
});

test("a fault is reported once and remembered until it is fixed; one that comes back is reported again", () => {
  const broken = { ...base, changed_at: is("text") };
  const first = look("one", base);
  const second = look("two", broken, first);
  expect(reported(second)).toEqual(["unfit changed_at"]);
  const third = look("three", broken, second);
  expect(reported(third)).toEqual([]);
  expect(third.faults).toHaveLength(1);
  const fixed = look("four", base, third);
  expect(fixed.faults).toEqual([]);
  expect(reported(look("five", broken, fixed))).toEqual(["unfit changed_at"]);
});

test("runs beside each other may report twice, and everything is reported", () => {
  const first = look("one", base);
  const two = look("two", { ...base, a: is("long") }, first);
  const three = look("three", { ...base, a: is("long"), b: is("long") }, first);
  expect(reported(three)).toEqual(["new a", "new b"]);
  // The earlier look was written last.
  expect(reported(look("four", { ...base, a: is("long"), b: is("long") }, two))).toEqual(["new b"]);
});
