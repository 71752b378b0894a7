// Tests which fields are asked for, and that no type whose digits the server would change is filtered by it.
import { expect, test } from "vitest";
import type { ColumnType } from "../../../contract/column-types.ts";
import { selectFields } from "../../../sources/elasticsearch/fields.ts";

const column = (name: string, type: ColumnType, path: readonly string[] = [name]) => ({
  ...{ name, type, path },
  ...{ description: "", nullable: true, personal: false },
});

test("declared paths are asked for, the id never", () => {
  const columns = [column("id", "string", ["_id"]), column("city", "string", ["address", "city"])];
  expect(selectFields(columns)).toEqual({ source: '{"includes":["address.city"]}', keep: null });
  expect(selectFields([column("id", "string", ["_id"])])).toEqual({ source: "false", keep: null });
});

test.each<ColumnType>([
  "json",
  { decimal: [10, 2] },
  { list: { struct: [{ name: "a", type: { map: { decimal: [3, 1] } } }] } },
])("a whole document is asked for where a column is %j", (type) => {
  const { source, keep } = selectFields([column("a", "long"), column("p", type, ["x", "y", "z"])]);
  expect(source).toBe("true");
  expect([...(keep ?? [])]).toEqual(["a", "x", "x.y", "x.y.z"]);
});
