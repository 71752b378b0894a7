// Tests that a file that was forgotten in the index is named, with the line to add.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { catalog } from "../shop/index.ts";
import { checkIndex } from "../../catalog/index-check.ts";

const NOTHING = { sources: [], tables: [], models: [] };

function folderWith(...files: string[]): string {
  const folder = mkdtempSync(join(tmpdir(), "sluice-index-"));
  onTestFinished(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  for (const kind of ["tables", "models"]) mkdirSync(join(folder, kind));
  for (const file of files) writeFileSync(join(folder, file), "");
  return folder;
}

test("an index that has all its files is let through", () => {
  expect(() => {
    checkIndex(fileURLToPath(new URL("../shop", import.meta.url)), catalog);
  }).not.toThrow();
});

test("each forgotten file is named with the line to add", () => {
  const folder = folderWith(
    "tables/web_orders.ts",
    "models/daily_sums.ts",
    "models/daily_sums.sql",
  );
  const check = (): void => {
    checkIndex(folder, NOTHING);
  };
  const name = basename(folder);
  expect(check).toThrow(
    `${name}/tables/web_orders.ts: no table called web_orders is in the index. Fix: in ${name}/index.ts add`,
  );
  expect(check).toThrow('import { webOrders } from "./tables/web_orders.ts";');
  expect(check).toThrow(`${name}/models/daily_sums.ts: no model called daily_sums`);
  expect(check).toThrow(`${name}/models/daily_sums.sql: no model in the index has this script`);
});

test("a catalog without these folders is let through", () => {
  const folder = folderWith();
  rmSync(join(folder, "tables"), { recursive: true });
  expect(() => {
    checkIndex(folder, NOTHING);
  }).not.toThrow();
});
