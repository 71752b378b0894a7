// docs/catalog.md explains every field of the catalog's language, and its example is a valid entry.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { DEFAULT_LATE_ROWS, defaultBudget } from "../../catalog/resolve.ts";
import { budgetSchemaOf, modelSchema, sourceFields, tableSchemaOf } from "../../catalog/table.ts";
import { SCALAR_TYPES } from "../../contract/column-types.ts";
import { cassandra } from "../../sources/cassandra/declaration.ts";
import { elasticsearch } from "../../sources/elasticsearch/declaration.ts";
import { DEFAULT_MAX_DELETED_SHARE } from "../../sources/table-fields.ts";

const read = (path: string): string =>
  readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");

/** The names of a schema's fields, at every level. */
function fieldsOf(schema: unknown): string[] {
  if (schema instanceof z.ZodObject) {
    const shape: Readonly<Record<string, unknown>> = schema.shape;
    return Object.entries(shape).flatMap(([name, inner]) => [name, ...fieldsOf(inner)]);
  }
  if (schema instanceof z.ZodUnion) return schema.options.flatMap(fieldsOf);
  if (schema instanceof z.ZodArray) return fieldsOf(schema.element);
  if (schema instanceof z.ZodRecord) return fieldsOf(schema.valueType);
  const isWrapped =
    schema instanceof z.ZodOptional ||
    schema instanceof z.ZodNullable ||
    schema instanceof z.ZodDefault ||
    schema instanceof z.ZodReadonly;
  return isWrapped ? fieldsOf(schema.unwrap()) : [];
}

describe("docs/catalog.md", () => {
  const document = read("docs/catalog.md");
  const systems = [elasticsearch, cassandra];
  const fields = new Set([
    ...Object.keys(sourceFields),
    ...systems.flatMap((system) => [
      ...fieldsOf(budgetSchemaOf(system)),
      ...fieldsOf(tableSchemaOf(system)),
    ]),
    ...fieldsOf(modelSchema),
  ]);

  it.each([...fields])("explains the field %s", (field) => {
    expect(document).toMatch(new RegExp("`[^`]*\\b" + field + "\\b[^`]*`"));
  });

  it.each(SCALAR_TYPES)("explains the type %s", (type) => {
    expect(document).toContain(`\`"${type}"\``);
  });

  const defaults = systems.map(({ name, title }) => {
    const { own, ...common } = defaultBudget(name);
    return { title, values: new Map<string, unknown>(Object.entries({ ...common, ...own })) };
  });
  const names = new Set(defaults.flatMap(({ values }) => [...values.keys()]));

  it.each([...names])("gives the default of the budget's %s", (name) => {
    const [first, ...others] = defaults.flatMap(({ title, values }) => {
      const value = values.get(name);
      if (value === undefined) return [];
      return [{ title, value: value === null ? "none" : JSON.stringify(value) }];
    });
    const different = others.filter(({ value }) => value !== first?.value);
    const cell = [first?.value, ...different.map(({ title, value }) => `${title} ${value}`)].join(
      "; ",
    );
    expect(document).toMatch(new RegExp(`\\| \`${name}\` +\\| ${cell} +\\|`));
  });

  it("gives the other defaults", () => {
    expect(document).toContain(`The default is ${String(DEFAULT_MAX_DELETED_SHARE)}.`);
    const { everyHours, reachHours } = DEFAULT_LATE_ROWS;
    expect(document).toContain(`The default is ${String(everyHours)} and ${String(reachHours)} (`);
    expect(document).toContain(
      `cut into, default ${String(cassandra.fields.splits.parse(undefined))};`,
    );
  });
});
