// Where everything stands, by the example that both languages' tests read: test_contract.py has the build's side.
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { z } from "zod";
import { keys } from "../../contract/keys.ts";
import { itemKeys } from "../../contract/ledger-keys.ts";

const exampleSchema = z.strictObject({
  bucket: z.record(z.string(), z.strictObject({ of: z.array(z.unknown()), key: z.string() })),
  ledger: z.record(
    z.string(),
    z.strictObject({
      of: z.array(z.unknown()),
      key: z.strictObject({ pk: z.string(), sk: z.string() }),
    }),
  ),
});
const example = exampleSchema.parse(
  JSON.parse(
    readFileSync(new URL("../../contract/examples/keys.json", import.meta.url), "utf8"),
  ) as unknown,
);

/** What the build alone writes and nothing else looks for by its key. */
const OF_THE_BUILD = ["deltaFolder", "quarantine"];

test("each kind of object and item has an example, and each example is of a kind", () => {
  expect(Object.keys(example.bucket).sort()).toEqual(
    [...Object.keys(keys), ...OF_THE_BUILD].sort(),
  );
  expect(Object.keys(example.ledger).sort()).toEqual(Object.keys(itemKeys).sort());
});

const called = (key: unknown, of: readonly unknown[]): unknown =>
  typeof key === "function" ? Reflect.apply(key, undefined, of) : key;

test.each(Object.entries(keys))("an object is where its example says: %s", (name, key) => {
  expect(called(key, example.bucket[name]?.of ?? [])).toBe(example.bucket[name]?.key);
});

test.each(Object.entries(itemKeys))("an item is where its example says: %s", (name, key) => {
  expect(called(key, example.ledger[name]?.of ?? [])).toEqual(example.ledger[name]?.key);
});
