// The load against a real database that takes Redshift's statements: what a target holds after whatever happened.
import { randomUUID } from "node:crypto";
import type { Context } from "aws-lambda";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import type { handler } from "../../../functions/load/handler.ts";
import { load, type LoadParts } from "../../../functions/load/load.ts";
import {
  loadInputSchema,
  type LoadInput,
  type LoadResult,
} from "../../../functions/load/result.ts";
import { applyStatements } from "../../../functions/load/sql.ts";
import {
  definition,
  LocalWarehouse,
  type Build,
  type Column,
  type Value,
} from "./local-warehouse.ts";

const BASIC: readonly Column[] = [
  { name: "id", type: "long" },
  { name: "name", type: "string" },
  { name: "employees", type: "int" },
];

// The warehouse's schemas are the same for all test files, so the tables are not.
const prefix = `t${randomUUID().slice(0, 8)}`;

let local: LocalWarehouse;
let tables = 0;

beforeAll(async () => {
  local = await LocalWarehouse.start();
  await local.queryAs(
    "sluice",
    `CREATE OR REPLACE FUNCTION public.refuse(text) RETURNS INTEGER LANGUAGE plpgsql
       AS $$ BEGIN RAISE EXCEPTION USING MESSAGE = $1; END $$;
     SELECT 1`,
  );
});

/** A statement that the database refuses in these words. */
function refusing(message: string): string {
  return `SELECT public.refuse('${message.replaceAll("'", "''")}')`;
}

afterAll(async () => {
  await local.stop();
});

/** Tests share a warehouse, so each has a table of its own. */
function newTable(): string {
  tables += 1;
  return `${prefix}_${tables}`;
}

/** Snapshot ids are beyond 2^53, and differ in the last digit. */
function id(number: number): string {
  return String(9_007_199_254_740_992n + BigInt(number));
}

/** What people read, in the order of the key. */
async function mart(table: string, columns = "*"): Promise<(string | null)[][]> {
  return local.query(`SELECT ${columns} FROM mart."${table}" ORDER BY 1`);
}

async function audit(table: string): Promise<(string | null)[][]> {
  return local.query(
    `SELECT kind, snapshot, parent, rows, deletes FROM sluice.audit WHERE table_name = '${table}' ORDER BY loaded_at`,
  );
}

async function columnTypes(table: string): Promise<string> {
  const rows = await local.query(
    `SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = 'lake."${table}"'::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum`,
  );
  return rows.map(([name, type]) => `${name ?? ""} ${type ?? ""}`).join(", ");
}

async function firstLoad(
  table: string,
  rows: readonly (readonly Value[])[] = [
    [1, "Ada", 10],
    [2, "Grace", 20],
  ],
): Promise<void> {
  await local.build({
    table,
    snapshot: id(1),
    parent: null,
    kind: "replace",
    columns: BASIC,
    rows,
  });
  expect(await local.load(definition(table, BASIC))).toMatchObject({ status: "done" });
}

describe("a first load", () => {
  it("sets the warehouse up, also when several tables come first at once", async () => {
    const names = [newTable(), newTable(), newTable(), newTable()];
    const rows = [[1, "Ada", 10]];
    for (const table of names) {
      await local.build({
        table,
        snapshot: id(1),
        parent: null,
        kind: "replace",
        columns: BASIC,
        rows,
      });
    }
    const results = await Promise.all(names.map((table) => local.load(definition(table, BASIC))));
    expect(results.map(({ status }) => status)).toEqual(names.map(() => "done"));
    for (const table of names) expect(await mart(table)).toEqual([["1", "Ada", "10"]]);
  });

  it("brings every type as it was, NULL apart from the empty text, nested values as SUPER", async () => {
    const table = newTable();
    const columns: Column[] = [
      { name: "id", type: "long" },
      { name: "name", type: "string" },
      { name: "score", type: "double" },
      { name: "price", type: { decimal: [12, 2] } },
      { name: "seen_at", type: "timestamp" },
      { name: "day", type: "date" },
      { name: "active", type: "boolean" },
      { name: "tags", type: { list: "string" } },
      { name: "address", type: { struct: [{ name: "city", type: "string" }] } },
      { name: "raw", type: "json" },
      { name: "picture", type: "binary" },
    ];
    const rows: Value[][] = [
      [
        1,
        "",
        1.5,
        "12345678.90",
        "2026-07-01T10:00:00.123456",
        "2026-07-01",
        true,
        '["a","b\\"c"]',
        '{"city":"Ghent"}',
        "null",
        "00ff",
      ],
      [2, null, null, null, null, null, null, null, null, null, null],
      [
        3,
        'it\'s \\ "quoted",\n',
        0,
        "0.00",
        "1969-12-31T23:59:59",
        "1969-12-31",
        false,
        "[]",
        "{}",
        "7",
        "",
      ],
    ];
    await local.build({ table, snapshot: id(1), parent: null, kind: "replace", columns, rows });
    expect(await local.load(definition(table, columns))).toMatchObject({ status: "done" });
    expect(await mart(table)).toEqual([
      [
        "1",
        "",
        "1.5",
        "12345678.90",
        "2026-07-01 10:00:00.123456",
        "2026-07-01",
        "true",
        '["a", "b\\"c"]',
        '{"city": "Ghent"}',
        "null",
        "00ff",
      ],
      ["2", null, null, null, null, null, null, null, null, null, null],
      [
        "3",
        'it\'s \\ "quoted",\n',
        "0",
        "0.00",
        "1969-12-31 23:59:59",
        "1969-12-31",
        "false",
        "[]",
        "{}",
        "7",
        "",
      ],
    ]);
    expect(await columnTypes(table)).toContain("tags super, address super, raw super");
  });

  it("describes what people read", async () => {
    const table = newTable();
    const described = BASIC.map((column) => ({
      ...column,
      description: `It's ${column.name} \\ of a company`,
    }));
    await local.build({ table, snapshot: id(1), parent: null, kind: "replace", columns: BASIC });
    await local.load(definition(table, described));
    const comments = await local.query(
      `SELECT d.description FROM pg_description d WHERE d.objoid = 'mart."${table}"'::regclass ORDER BY d.objsubid`,
    );
    expect(comments.flat()).toEqual([
      `What we know about ${table}`,
      ...described.map(({ description }) => description),
    ]);
  });

  it("can be of a parentless merge, and of a wide table with a layout", async () => {
    const table = newTable();
    const columns: Column[] = [
      ...BASIC,
      ...Array.from({ length: 100 }, (_, n): Column => ({ name: `c${n}`, type: "string" })),
    ];
    const row = [1, "Ada", 10, ...Array.from({ length: 100 }, (_, n) => `value ${n}`)];
    await local.build({
      table,
      snapshot: id(1),
      parent: null,
      columns,
      rows: [row],
      deletes: [[7]],
    });
    const declared = definition(table, columns, {
      distribution: { style: "key", column: "id" },
      sortKeys: ["employees", "name"],
    });
    expect(await local.load(declared)).toMatchObject({ status: "done" });
    expect(await mart(table)).toEqual([row.map(String)]);
  });
});

describe("a merge", () => {
  it("updates, inserts and deletes by key", async () => {
    const table = newTable();
    await firstLoad(table);
    await local.build({
      table,
      snapshot: id(2),
      parent: id(1),
      columns: BASIC,
      rows: [
        [2, "Grace H.", null],
        [3, "", 30],
      ],
      deletes: [[1], [99]],
    });
    expect(await local.load(definition(table, BASIC))).toEqual({
      table,
      polls: 0,
      status: "done",
      detail: `at ${id(2)}`,
    });
    expect(await mart(table)).toEqual([
      ["2", "Grace H.", null],
      ["3", "", "30"],
    ]);
    expect(await audit(table)).toEqual([
      ["replace", id(1), null, "2", "0"],
      ["merge", id(2), id(1), "2", "2"],
    ]);
  });

  it("compares all columns of the key", async () => {
    const table = newTable();
    const columns: Column[] = [
      { name: "tenant", type: "string" },
      { name: "id", type: "int" },
      { name: "name", type: "string" },
    ];
    const shared = { table, columns, key: ["tenant", "id"] };
    await local.build({
      ...shared,
      snapshot: id(1),
      parent: null,
      rows: [
        ["a", 1, "a1"],
        ["a", 2, "a2"],
        ["b", 1, "b1"],
      ],
    });
    await local.load(definition(table, columns));
    const [rows, deletes] = [[["a", 2, "new"]], [["b", 1]]];
    await local.build({ ...shared, snapshot: id(2), parent: id(1), rows, deletes });
    await local.load(definition(table, columns));
    expect(await local.query(`SELECT * FROM mart.${table} ORDER BY tenant, id`)).toEqual([
      ["a", "1", "a1"],
      ["a", "2", "new"],
    ]);
  });

  it("leaves the neighbour whose key differs by trailing blanks alone", async () => {
    const table = newTable();
    const columns: Column[] = [
      { name: "code", type: "string" },
      { name: "name", type: "string" },
    ];
    const shared = { table, columns, key: ["code"] };
    const rows = [
      ["a", "without"],
      ["a ", "with"],
      ["b", "other"],
    ];
    await local.build({ ...shared, snapshot: id(1), parent: null, rows });
    await local.load(definition(table, columns));
    // Compares as Redshift does: blanks do not count.
    await local.queryAs(
      "sluice",
      `CREATE COLLATION IF NOT EXISTS blank_insensitive (provider = icu, locale = 'und-u-ka-shifted', deterministic = false);
       DROP VIEW mart.${table};
       ALTER TABLE lake.${table} ALTER COLUMN code TYPE varchar(65535) COLLATE blank_insensitive;
       SELECT 1`,
    );
    const alike = `SELECT COUNT(*) FROM lake.${table} WHERE code = 'a'`;
    expect(await local.query(alike)).toEqual([["2"]]);
    const deletes = [["a "], ["b"]];
    await local.build({ ...shared, snapshot: id(2), parent: id(1), deletes });
    expect(await local.load(definition(table, columns))).toMatchObject({ status: "done" });
    expect(await mart(table)).toEqual([["a", "without"]]);
  });

  it("of which several are due is applied one after the other", async () => {
    const table = newTable();
    await firstLoad(table);
    for (const [snapshot, employees] of [
      [2, 11],
      [3, 12],
      [4, 13],
    ] as const) {
      const rows = [[1, "Ada", employees]];
      await local.build({
        table,
        snapshot: id(snapshot),
        parent: id(snapshot - 1),
        columns: BASIC,
        rows,
      });
    }
    await local.load(definition(table, BASIC));
    expect(await mart(table, "id, employees")).toEqual([
      ["1", "13"],
      ["2", "20"],
    ]);
    expect((await audit(table)).map(([, snapshot]) => snapshot)).toEqual([1, 2, 3, 4].map(id));
  });

  it("without any row moves the audit alone", async () => {
    const table = newTable();
    await firstLoad(table);
    await local.build({ table, snapshot: id(2), parent: id(1), columns: BASIC });
    expect(await local.load(definition(table, BASIC))).toMatchObject({ status: "done" });
    expect(await audit(table)).toHaveLength(2);
    expect(await mart(table)).toHaveLength(2);
  });
});

describe("doing it again", () => {
  it("is a success that changes nothing", async () => {
    const table = newTable();
    await firstLoad(table);
    const before = await local.query(`SELECT xmin, * FROM lake.${table} ORDER BY id`);
    expect(await local.load(definition(table, BASIC))).toMatchObject({ status: "done" });
    expect(await local.query(`SELECT xmin, * FROM lake.${table} ORDER BY id`)).toEqual(before);
    expect(await audit(table)).toHaveLength(1);
  });

  it("at the same time applies a delta once", async () => {
    const table = newTable();
    await firstLoad(table);
    const rows = [[3, "Edsger", 30]];
    await local.build({ table, snapshot: id(2), parent: id(1), columns: BASIC, rows });
    const results = await Promise.all(
      // Of other runs, so that not even the Data API sees that they are the same.
      ["run-1", "run-2", "run-3"].map((run) =>
        callUntilDone({ run, table, polls: 0 }, local.parts(definition(table, BASIC))),
      ),
    );
    expect(results.map(({ status }) => status)).toEqual(["done", "done", "done"]);
    expect(await audit(table)).toHaveLength(2);
    expect(await mart(table, "id")).toEqual([["1"], ["2"], ["3"]]);
  });

  it("after a crash goes on with the statement that the first call started", async () => {
    const table = newTable();
    await firstLoad(table);
    const rows = [[3, "Edsger", 30]];
    await local.build({ table, snapshot: id(2), parent: id(1), columns: BASIC, rows });
    const parts = local.parts(definition(table, BASIC));
    const input: LoadInput = { run: "run-1", table, polls: 0 };
    const blocker = await holdLock(table);
    const first = await load(input, Date.now() + 20_000, parts);
    expect(first).toMatchObject({ status: "wait", polls: 1, waitSeconds: 1 });
    // The response was lost: the state machine calls again with the same input.
    const repeated = await load(input, Date.now() + 20_000, parts);
    expect(repeated).toEqual(first);
    // And once more with the response: it says how far the statement is, at once.
    const asked = await load(next(first), Date.now() + 20_000, parts);
    expect(asked).toEqual({ ...first, polls: 2, waitSeconds: 2 });
    await local.warehouse.cancel(blocker);
    expect(await callUntilDone(next(asked), parts)).toMatchObject({ status: "done" });
    expect(await audit(table)).toHaveLength(2);
    expect(await mart(table, "id")).toEqual([["1"], ["2"], ["3"]]);
  });

  it("finds the work done when the first call's statement ended meanwhile", async () => {
    const table = newTable();
    await firstLoad(table);
    await local.build({ table, snapshot: id(2), parent: id(1), columns: BASIC, deletes: [[1]] });
    const parts = local.parts(definition(table, BASIC));
    const blocker = await holdLock(table);
    const lost = await load({ run: "run-1", table, polls: 0 }, Date.now() + 20_000, parts);
    await local.warehouse.cancel(blocker);
    await expect
      .poll(async () => (await local.warehouse.check(next(lost).statement ?? "")).status)
      .toBe("finished");
    const repeated = await callUntilDone({ run: "run-1", table, polls: 0 }, parts);
    expect(repeated).toMatchObject({ status: "done" });
    expect(await audit(table)).toHaveLength(2);
  });

  it("starts anew from what is there when the Data API knows the statement no more", async () => {
    const table = newTable();
    await firstLoad(table);
    const input: LoadInput = {
      run: "run-1",
      table,
      polls: 4,
      statement: "d9b6c0c9-0747-4bf4-b142-e8883122f766",
      step: "01234567",
    };
    const result = await callUntilDone(input, local.parts(definition(table, BASIC)));
    expect(result).toMatchObject({ status: "done" });
  });

  it("gives up after many polls, and cancels the statement", async () => {
    const table = newTable();
    await firstLoad(table);
    const statement = await holdLock(table);
    const input: LoadInput = { run: "run-1", table, polls: 900, statement, step: "01234567" };
    const result = await load(input, Date.now() + 20_000, local.parts(definition(table, BASIC)));
    expect(result).toMatchObject({ status: "failed" });
    expect(await local.warehouse.check(statement)).toMatchObject({ status: "failed" });
  });
});

describe("the transaction refuses", () => {
  it.each([
    ["another position", id(7)],
    ["an empty audit", null],
  ])("a target that is not where it was decided, when that was %s", async (_, expected) => {
    const table = newTable();
    await firstLoad(table);
    const delta = await local.writeDelta({
      table,
      snapshot: id(2),
      parent: id(7),
      columns: BASIC,
      deletes: [[1], [2]],
    });
    const parts = local.parts(definition(table, BASIC));
    await parts.writeCopyManifest(delta);
    const statements = applyStatements({
      delta,
      expected,
      makeTarget: false,
      emptyTarget: false,
      layout: { distribution: { style: "even" }, sortKeys: [] },
      viewColumns: ["id"],
      manifestUrl: parts.manifestUrl(delta),
      copyRole: parts.copyRole,
    });
    const statement = await local.warehouse.start(statements);
    const outcome = await local.warehouse.waitFor(statement, Date.now() + 20_000);
    expect(outcome).toMatchObject({
      status: "failed",
      error: expect.stringMatching(/^check_audit_position: .*division by zero/) as string,
    });
    expect(await mart(table)).toHaveLength(2);
    expect(await audit(table)).toHaveLength(1);
  });

  it.each([
    ["rows", { rows: 2 }],
    ["deletes", { rows: 0, deletes: 2 }],
  ])("files with another number of %s than the delta says", async (_, claims) => {
    const table = newTable();
    await firstLoad(table);
    await local.build({
      table,
      snapshot: id(2),
      parent: id(1),
      columns: BASIC,
      rows: [[3, "Edsger", 30]],
      deletes: [[1]],
      claims,
    });
    const result = await local.load(definition(table, BASIC));
    expect(result).toMatchObject({
      status: "failed",
      error: expect.stringContaining("check_staged_rows") as string,
    });
    expect(Buffer.byteLength(JSON.stringify(result))).toBeLessThan(200);
    expect(await mart(table)).toHaveLength(2);
    expect(await audit(table)).toHaveLength(1);
    expect(await local.replaceRequest(table)).toMatchObject({ state: "asked", times: 1 });
  });

  it("a file that changed since the delta was written", async () => {
    const table = newTable();
    await firstLoad(table);
    const build = { table, snapshot: id(2), parent: id(1), columns: BASIC, rows: [[3, "E", 30]] };
    const delta = await local.build(build);
    await local.put(new URL(delta.files[0]?.url ?? "").pathname.slice(1), "other bytes");
    const result = await local.load(definition(table, BASIC));
    expect(result).toMatchObject({
      status: "failed",
      error: expect.stringContaining("apply: ") as string,
    });
    expect(await mart(table)).toHaveLength(2);
    expect(await local.replaceRequest(table)).toMatchObject({ state: "asked", times: 1 });

    // What the next build then writes.
    await local.build({ ...build, kind: "replace", parent: null });
    expect(await local.load(definition(table, BASIC))).toMatchObject({ status: "done" });
    expect(await mart(table)).toEqual([["3", "E", "30"]]);
  });
});

describe("a rejection", () => {
  it("of comments does not keep people from the data", async () => {
    const table = newTable();
    await local.build({
      table,
      snapshot: id(1),
      parent: null,
      columns: BASIC,
      rows: [[1, "A", 1]],
    });
    const warehouse = local.warehouseWith((sql) => sql.replace("COMMENT ON", "REMARK ON"));
    const parts = { ...local.parts(definition(table, BASIC)), warehouse };
    expect(await local.load(definition(table, BASIC), parts)).toMatchObject({
      status: "done",
      detail: expect.stringContaining(`at ${id(1)}, without comments: `) as string,
    });
    expect(await mart(table)).toEqual([["1", "A", "1"]]);
  });

  it("because somebody else was in the way is tried again", async () => {
    const table = newTable();
    await firstLoad(table);
    await local.build({ table, snapshot: id(2), parent: id(1), columns: BASIC, deletes: [[1]] });
    let rejections = 0;
    const warehouse = local.warehouseWith((sql) => {
      if (!sql.startsWith("LOCK") || rejections === 2) return sql;
      rejections += 1;
      return refusing("1023 DETAIL: Serializable isolation violation on table - 1");
    });
    const parts = { ...local.parts(definition(table, BASIC)), warehouse };
    const first = await load({ run: "run-1", table, polls: 0 }, Date.now() + 20_000, parts);
    expect(first).toMatchObject({ status: "wait", polls: 1 });
    expect(next(first).statement).toBeUndefined();
    expect(await callUntilDone(next(first), parts)).toMatchObject({ status: "done" });
    expect(await mart(table, "id")).toEqual([["2"]]);
    expect(await local.replaceRequest(table)).toBeUndefined();
  });

  it.each([
    ["because somebody else was in the way for too long", "could not serialize access"],
    ["because somebody cancelled it", "Query (7) cancelled on user's request"],
  ])("%s is not the delta's fault", async (_, message) => {
    const table = newTable();
    await firstLoad(table);
    await local.build({ table, snapshot: id(2), parent: id(1), columns: BASIC, deletes: [[1]] });
    const warehouse = local.warehouseWith((sql) =>
      sql.startsWith("LOCK") ? refusing(message) : sql,
    );
    const parts = { ...local.parts(definition(table, BASIC)), warehouse };
    const result = await load({ run: "run-1", table, polls: 60 }, Date.now() + 20_000, parts);
    expect(result).toMatchObject({ status: "failed" });
    expect(await local.replaceRequest(table)).toBeUndefined();
  });

  it("that comes after the call has returned ends the load, whatever the names", async () => {
    const table = `${newTable()}_${"t".repeat(40)}`;
    await firstLoad(table);
    await local.build({ table, snapshot: id(2), parent: id(1), columns: BASIC, deletes: [[1]] });
    const parts = local.parts(definition(table, BASIC));
    let attempts = 0;
    const warehouse = local.warehouseWith((sql) => {
      if (sql.startsWith("LOCK")) attempts += 1;
      return sql.startsWith('INSERT INTO "sluice"') ? "SELECT nobody" : sql;
    });
    const blocker = await holdLock(table);
    const input: LoadInput = { run: "r".repeat(73), table, polls: 0 };
    const first = await load(input, Date.now() + 20_000, { ...parts, warehouse });
    expect(first).toMatchObject({ status: "wait" });
    await local.warehouse.cancel(blocker);
    const last = await callUntilDone(next(first), { ...parts, warehouse });
    expect(last).toMatchObject({
      status: "failed",
      error: expect.stringContaining("nobody") as string,
    });
    expect(attempts).toBe(1);
    expect(await audit(table)).toHaveLength(1);
  });

  it("for any other reason is reported, and nothing has changed", async () => {
    const table = newTable();
    await firstLoad(table);
    await local.build({ table, snapshot: id(2), parent: id(1), columns: BASIC, deletes: [[1]] });
    const warehouse = local.warehouseWith((sql) =>
      sql.startsWith('INSERT INTO "sluice"') ? "SELECT nobody" : sql,
    );
    const parts = { ...local.parts(definition(table, BASIC)), warehouse };
    expect(await local.load(definition(table, BASIC), parts)).toMatchObject({
      status: "failed",
      error: expect.stringMatching(/^apply: .*nobody/) as string,
    });
    expect(await mart(table, "id")).toEqual([["1"], ["2"]]);
    expect(await local.replaceRequest(table)).toMatchObject({ state: "asked", times: 1 });
    const nextRun = { run: "run-2", table, polls: 0 };
    const result = await callUntilDone(nextRun, local.parts(definition(table, BASIC)));
    expect(result).toMatchObject({ status: "done" });
    expect(await mart(table, "id")).toEqual([["2"]]);
  });
});

describe("evolution", () => {
  it("adds a column, and the view shows it where the catalog has it", async () => {
    const table = newTable();
    await firstLoad(table);
    const [key, ...others] = BASIC;
    const columns: Column[] = [
      ...(key === undefined ? [] : [key]),
      { name: "country", type: "string" },
      { name: "invocations", type: { list: "string" } },
      ...others,
    ];
    const rows = [[3, "BE", '["x"]', "Edsger", 30]];
    await local.build({ table, snapshot: id(2), parent: id(1), columns, rows });
    expect(await local.load(definition(table, columns))).toMatchObject({ status: "done" });
    expect(await mart(table)).toEqual([
      ["1", null, null, "Ada", "10"],
      ["2", null, null, "Grace", "20"],
      ["3", "BE", '["x"]', "Edsger", "30"],
    ]);
    expect(await readsAsReader(table)).toHaveLength(3);
  });

  it("leaves out of the view what the catalog has no more, and what no build brought yet", async () => {
    const table = newTable();
    await firstLoad(table);
    const declared: Column[] = [
      { name: "employees", type: "int" },
      { name: "coming", type: "string" },
      { name: "id", type: "long" },
    ];
    expect(await local.load(definition(table, declared))).toMatchObject({ status: "done" });
    expect(await mart(table)).toEqual([
      ["10", "1"],
      ["20", "2"],
    ]);
    expect(await readsAsReader(table)).toHaveLength(2);
  });

  it("widens a VARCHAR that the view uses", async () => {
    const table = newTable();
    const shared = { table, columns: BASIC };
    const narrow = { name: "VARCHAR(10)" };
    const rows = [[1, "0123456789", 10]];
    await local.build({
      ...shared,
      snapshot: id(1),
      parent: null,
      kind: "replace",
      redshift: narrow,
      rows,
    });
    await local.load(definition(table, BASIC));
    expect(await columnTypes(table)).toContain("name character varying(10)");
    const longName = "0123456789".repeat(30);
    await local.build({ ...shared, snapshot: id(2), parent: id(1), rows: [[2, longName, 20]] });
    expect(await local.load(definition(table, BASIC))).toMatchObject({ status: "done" });
    expect(await columnTypes(table)).toContain("name character varying(65535)");
    expect(await mart(table, "id, name")).toEqual([
      ["1", "0123456789"],
      ["2", longName],
    ]);
    expect(await readsAsReader(table)).toHaveLength(2);
  });

  it("that the warehouse refuses asks for a replace, which does without it", async () => {
    const table = newTable();
    await firstLoad(table);
    const build = { table, snapshot: id(2), parent: id(1), columns: BASIC, rows: [[2, "G", 20]] };
    const narrow = "ALTER TABLE lake.$ ALTER COLUMN name TYPE varchar(10)".replace("$", table);
    await local.queryAs("sluice", `DROP VIEW mart.${table}; ${narrow}; SELECT 1`);
    const warehouse = local.warehouseWith((sql) =>
      sql.includes(" TYPE ") ? "SELECT nobody" : sql,
    );
    const parts = { ...local.parts(definition(table, BASIC)), warehouse };
    await local.build(build);
    expect(await local.load(definition(table, BASIC), parts)).toMatchObject({
      status: "failed",
      error: expect.stringMatching(/^evolve: .*nobody/) as string,
    });
    expect(await local.replaceRequest(table)).toMatchObject({ state: "asked", times: 1 });
    await local.build({ ...build, kind: "replace", parent: null });
    expect(await local.load(definition(table, BASIC), parts)).toMatchObject({ status: "done" });
    expect(await columnTypes(table)).toContain("name character varying(65535)");
    expect(await mart(table)).toEqual([["2", "G", "20"]]);
  });

  it("takes another type by a replace alone, in one transaction", async () => {
    const table = newTable();
    await firstLoad(table);
    const columns: Column[] = BASIC.map((column) =>
      column.name === "employees" ? { ...column, type: "long" } : column,
    );
    const declared = definition(table, columns);
    const rows = [[3, "Edsger", 30]];
    const build = { table, snapshot: id(2), parent: id(1), columns, rows };
    await local.build(build);
    expect(await local.load(declared)).toMatchObject({
      status: "failed",
      error: expect.stringContaining("needs-replace: employees is integer, not BIGINT") as string,
    });
    expect(await local.replaceRequest(table)).toMatchObject({ state: "asked", times: 1 });
    expect(await mart(table)).toHaveLength(2);

    await local.build({ ...build, kind: "replace" });
    expect(await local.load(declared)).toMatchObject({ status: "done" });
    expect(await columnTypes(table)).toContain("employees bigint");
    expect(await mart(table)).toEqual([["3", "Edsger", "30"]]);
    expect(await readsAsReader(table)).toEqual([[3, "Edsger", 30]]);
  });

  it("takes a new key column by a replace alone", async () => {
    const table = newTable();
    await firstLoad(table);
    const columns: Column[] = [{ name: "tenant", type: "string" }, ...BASIC];
    const rows = [["a", 1, "Ada", 10]];
    const shared = { table, snapshot: id(2), parent: id(1), key: ["tenant", "id"], columns, rows };
    await local.build(shared);
    const declared = definition(table, columns);
    expect(await local.load(declared)).toMatchObject({ status: "failed" });
    await local.build({ ...shared, kind: "replace" });
    expect(await local.load(declared)).toMatchObject({ status: "done" });
    expect(await mart(table)).toEqual([["a", "1", "Ada", "10"]]);
  });
});

describe("a target that lost track", () => {
  it("asks for a replace when a delta is missing, and takes the one that comes", async () => {
    const table = newTable();
    await firstLoad(table);
    const build = { table, snapshot: id(3), parent: id(2), columns: BASIC, rows: [[3, "E", 30]] };
    await local.build(build);
    const result = await local.load(definition(table, BASIC));
    expect(result).toEqual({
      table,
      polls: 0,
      status: "failed",
      error: `needs-replace: no delta for ${id(2)}; the next build writes it`,
    });
    expect(await local.replaceRequest(table)).toMatchObject({ state: "asked", times: 1 });
    expect(await mart(table)).toHaveLength(2);

    await local.build({ ...build, kind: "replace" });
    expect(await local.load(definition(table, BASIC))).toMatchObject({ status: "done" });
    expect(await mart(table)).toEqual([["3", "E", "30"]]);
    expect(await audit(table)).toHaveLength(2);
  });

  it("goes on from an older replace by the merges after it", async () => {
    const table = newTable();
    await firstLoad(table);
    const shared = { table, columns: BASIC };
    const rows = [[7, "Barbara", 70]];
    await local.build({ ...shared, snapshot: id(8), parent: id(7), kind: "replace", rows });
    await local.build({ ...shared, snapshot: id(9), parent: id(8), rows: [[8, "Donald", 80]] });
    expect(await local.load(definition(table, BASIC))).toMatchObject({ status: "done" });
    expect(await mart(table, "id")).toEqual([["7"], ["8"]]);
  });

  it("is filled again when somebody dropped it", async () => {
    const table = newTable();
    await firstLoad(table);
    await local.warehouse.execute(`DROP VIEW mart.${table}`, Date.now() + 20_000);
    await local.warehouse.execute(`DROP TABLE lake.${table}`, Date.now() + 20_000);
    expect(await local.load(definition(table, BASIC))).toMatchObject({ status: "done" });
    expect(await mart(table)).toHaveLength(2);
    expect(await audit(table)).toHaveLength(2);
  });

  it("is not filled by a merge alone when somebody dropped it", async () => {
    const table = newTable();
    await firstLoad(table);
    await local.build({
      table,
      snapshot: id(2),
      parent: id(9),
      columns: BASIC,
      rows: [[3, "E", 30]],
    });
    await local.warehouse.execute(`DROP VIEW mart.${table}`, Date.now() + 20_000);
    await local.warehouse.execute(`DROP TABLE lake.${table}`, Date.now() + 20_000);
    expect(await local.load(definition(table, BASIC))).toMatchObject({ status: "failed" });
    expect(await local.replaceRequest(table)).toBeDefined();
  });
});

describe("a table that can't be loaded", () => {
  const HOUR = 3_600_000;

  /** What happened in some runs: each build brings a new row, and writes the whole copy if it is asked for. */
  interface Runs {
    copies: number;
    readonly results: LoadResult[];
  }

  /**
   * Runs an hour apart, which begin at content 2.
   * @param first what is particular about the first of the builds
   */
  async function simulate(
    table: string,
    runs: readonly number[],
    options: {
      readonly first?: Partial<Build>;
      readonly columns?: readonly Column[];
      readonly warehouse?: LoadParts["warehouse"];
      readonly named?: boolean;
    } = {},
  ): Promise<Runs> {
    const { columns = BASIC, first = {} } = options;
    const declared = definition(table, columns);
    const parts = { ...local.parts(declared), warehouse: options.warehouse ?? local.warehouse };
    const done: Runs = { copies: 0, results: [] };
    for (const number of runs) {
      local.nowMillis += HOUR;
      const run = `${table}-${number}`;
      if (options.named === true) local.byName.add(run);
      const part = { table, columns, snapshot: id(number), parent: id(number - 1) };
      const own = number === runs[0] ? first : {};
      if ((await local.replaceRequest(table))?.state === "asked") {
        const all = runs.filter((one) => one <= number).map((one) => [one, "N", one]);
        await local.build({ ...part, kind: "replace", rows: all });
        await local.noteWritten(table, id(number), run);
        done.copies += 1;
      } else {
        await local.build({ ...part, rows: [[number, "N", number]], ...own });
      }
      done.results.push(await local.load(declared, parts, run));
    }
    return done;
  }

  const FIVE = [2, 3, 4, 5, 6];

  it("since it lacks a permission asks for no whole copy, and loads all once it has it", async () => {
    const table = newTable();
    await firstLoad(table);
    await local.queryAs(
      "sluice",
      `DO $$ BEGIN CREATE ROLE limited; EXCEPTION WHEN duplicate_object THEN NULL; END $$;
       GRANT USAGE ON SCHEMA lake, sluice TO limited; SELECT 1`,
    );
    const warehouse = local.warehouseWith((sql) =>
      sql.includes("check_audit_position") ? "SELECT set_config('role', 'limited', true)" : sql,
    );
    const began = local.errors.length;
    const { copies, results } = await simulate(table, FIVE, { warehouse });
    expect(copies).toBe(0);
    expect(results.map(({ status }) => status)).toEqual(FIVE.map(() => "failed"));
    expect(results[4]).toMatchObject({
      error: `apply: ERROR: permission denied for table ${table}`,
    });
    expect(await local.replaceRequest(table)).toBeUndefined();
    expect(await local.failure(table)).toMatchObject({
      ...{ failures: 5, cause: "access", retryAt: null, notAsked: null },
      error: expect.stringContaining("permission denied") as string,
    });

    const lines = local.errors.slice(began);
    expect(lines).toHaveLength(5);
    const reported = {
      step: "apply",
      statement: expect.stringMatching(/^DELETE FROM "lake"/) as string,
      statementId: expect.stringMatching(/^[0-9a-f-]{36}:\d+$/) as string,
    };
    expect(lines[0]?.details).toMatchObject({ ...reported, cause: "access", delta: id(2) });
    const problem = await local.problem(`${table}-4`, table);
    expect(problem).toMatchObject({ ...reported, table, run: `${table}-4`, cause: "access" });

    const fixed = await simulate(table, [7]);
    expect(fixed).toMatchObject({ copies: 0, results: [{ status: "done" }] });
    expect(await mart(table, "id")).toHaveLength(7);
    expect(await local.failure(table)).toBeUndefined();
  });

  it("since a value is too long asks for a whole copy only once somebody says that it is not any more", async () => {
    const table = newTable();
    await firstLoad(table);
    const first = {
      rows: [[2, "0123456789 and more", 2]],
      redshift: { name: "VARCHAR(10)" },
    };
    const { copies, results } = await simulate(table, FIVE, { first });
    expect(copies).toBe(0);
    expect(results.map(({ status }) => status)).toEqual(FIVE.map(() => "failed"));
    expect(await local.failure(table)).toMatchObject({ failures: 5, cause: "length" });
    expect(await local.replaceRequest(table)).toBeUndefined();

    // The first run by name finds the part that can't be passed, the second has the whole.
    const again = await simulate(table, [7, 8, 9], { named: true });
    expect(again.copies).toBe(1);
    expect(again.results.map(({ status }) => status)).toEqual(["failed", "done", "done"]);
    expect(await mart(table, "id")).toEqual([["7"], ["8"], ["9"]]);
    expect(await local.failure(table)).toBeUndefined();
    expect(await local.replaceRequest(table)).toMatchObject({ state: "loaded", times: 1 });
  });

  it("since a value was too long asks for a whole copy when its definition changed", async () => {
    const table = newTable();
    await firstLoad(table);
    const first = { rows: [[2, "0123456789 and more", 2]], redshift: { name: "VARCHAR(10)" } };
    await simulate(table, [2, 3], { first });
    const changed = { ...definition(table, BASIC), fingerprint: "1".repeat(64) };
    expect(await local.load(changed, local.parts(changed), "other")).toMatchObject({
      status: "failed",
    });
    expect(await local.replaceRequest(table)).toMatchObject({ state: "asked", cause: "length" });
  });

  it("since a view is in the way asks once, and loads the copy once the view is gone", async () => {
    const table = newTable();
    await firstLoad(table);
    await local.queryAs(
      "sluice",
      `CREATE VIEW public.on_${table} AS SELECT * FROM lake.${table}; SELECT 1`,
    );
    // Nothing but a table made anew takes the other type.
    const columns: Column[] = BASIC.map((column) =>
      column.name === "employees" ? { ...column, type: "long" } : column,
    );
    const { copies, results } = await simulate(table, FIVE, { columns });
    expect(copies).toBe(1);
    expect(results.map(({ status }) => status)).toEqual(FIVE.map(() => "failed"));
    expect(results[0]).toMatchObject({
      error: expect.stringMatching(/^needs-replace: /) as string,
    });
    expect(await local.failure(table)).toMatchObject({
      ...{ cause: "dependency", failures: 5 },
      error: expect.stringContaining("other objects depend on it") as string,
    });
    expect(await local.replaceRequest(table)).toMatchObject({ state: "written", times: 1 });

    await local.queryAs("sluice", `DROP VIEW public.on_${table}; SELECT 1`);
    expect(await simulate(table, [7], { columns })).toMatchObject({
      results: [{ status: "done" }],
    });
    expect(await mart(table, "id")).toHaveLength(6);
    expect(await local.failure(table)).toBeUndefined();
  });

  it("since its chain is broken is whole again after one copy", async () => {
    const table = newTable();
    await firstLoad(table);
    const { copies, results } = await simulate(table, FIVE, { first: { parent: id(77) } });
    expect(copies).toBe(1);
    expect(results.map(({ status }) => status)).toEqual([
      "failed",
      ...FIVE.slice(1).map(() => "done"),
    ]);
    expect(await local.replaceRequest(table)).toMatchObject({ state: "loaded", times: 1 });
    // Broken again an hour later, it waits for the second copy, until somebody asks for it.
    const broken = await simulate(table, [7, 8, 9], { first: { parent: id(78) } });
    expect(broken.copies).toBe(1);
    const third = await simulate(table, [10, 11], { first: { parent: id(79) } });
    expect(third.copies).toBe(0);
    expect(await local.failure(table)).toMatchObject({
      notAsked: expect.stringMatching(/^it was asked for 2 times lately/) as string,
    });
    const named = await simulate(table, [12, 13], { named: true });
    expect(named).toMatchObject({ copies: 1, results: [{ status: "failed" }, { status: "done" }] });
  });

  it("for a reason that nobody knows asks once", async () => {
    const table = newTable();
    await firstLoad(table);
    const warehouse = local.warehouseWith((sql) =>
      sql.startsWith('INSERT INTO "sluice"') ? "SELECT nobody" : sql,
    );
    const { copies, results } = await simulate(table, FIVE, { warehouse });
    expect(copies).toBe(1);
    expect(results.map(({ status }) => status)).toEqual(FIVE.map(() => "failed"));
    expect(await local.failure(table)).toMatchObject({ failures: 5, cause: "unknown" });
    expect(await simulate(table, [7])).toMatchObject({ copies: 0, results: [{ status: "done" }] });
    expect(await mart(table, "id")).toHaveLength(6);
  });

  it("and costs much is not copied in each run, but at once when tables are named", async () => {
    const table = newTable();
    await firstLoad(table);
    const input: LoadInput = {
      ...{ run: `${table}-1`, table, polls: 900 },
      ...{ statement: await holdLock(table), step: "01234567" },
    };
    const parts = local.parts(definition(table, BASIC));
    expect(await load(input, Date.now() + 20_000, parts)).toMatchObject({ status: "failed" });
    expect(await local.failure(table)).toMatchObject({
      ...{ cause: "too-slow", failures: 1, retryAt: local.nowMillis + HOUR / 2 },
    });
    const copied = { rows: [[2, "N", 2]] };
    local.nowMillis -= HOUR - 60_000;
    expect(await simulate(table, [2], { first: copied })).toMatchObject({
      results: [
        { status: "held", detail: expect.stringMatching(/^not tried again yet/) as string },
      ],
    });
    expect(await mart(table, "id")).toHaveLength(2);
    local.nowMillis -= HOUR;
    const named = await simulate(table, [3], { named: true });
    expect(named.results).toMatchObject([{ status: "done" }]);
    expect(await mart(table, "id")).toEqual([["1"], ["2"], ["3"]]);
    expect(await local.failure(table)).toBeUndefined();
  });

  it("since AWS refuses keeps the whole error too, and throws it on", async () => {
    const table = newTable();
    await firstLoad(table);
    const parts = local.parts(definition(table, BASIC));
    const rejection = new Error(`access to the lake is denied ${"x".repeat(500)}`);
    const broken = { ...parts, readContentId: () => Promise.reject(rejection) };
    await expect(local.load(definition(table, BASIC), broken)).rejects.toThrow(rejection);
    expect(await local.problem("run-1", table)).toMatchObject({
      ...{ step: "unexpected", statement: null },
      message: `Error: ${rejection.message}`,
    });
    expect(await local.failure(table)).toMatchObject({ cause: "unexpected", retryAt: null });
  });
});

describe("readers", () => {
  it("read the mart and nothing else", async () => {
    const table = newTable();
    await firstLoad(table);
    expect(await readsAsReader(table)).toEqual([
      [1, "Ada", 10],
      [2, "Grace", 20],
    ]);
    for (const forbidden of [
      `SELECT * FROM lake.${table}`,
      "SELECT * FROM sluice.audit",
      `DELETE FROM mart.${table}`,
    ]) {
      const { error } = await local.queryAs("sluice_reader", forbidden);
      expect(error).toMatch(/permission denied/);
    }
  });
});

describe("there is nothing to load", () => {
  const table = `${prefix}_nothing`;

  it("without a warehouse", async () => {
    const parts: LoadParts = { ...local.parts(definition(table, BASIC)), warehouse: null };
    expect(await local.load(definition(table, BASIC), parts)).toMatchObject({
      status: "done",
      detail: "no warehouse",
    });
  });

  it("of what is not published, or was never built", async () => {
    expect(await local.load(definition(table, BASIC, null))).toMatchObject({
      detail: "not published",
    });
    expect(await local.load(definition(table, BASIC))).toMatchObject({ detail: "not built yet" });
  });

  it("from a delta that nobody understands", async () => {
    const unknown = newTable();
    await local.publish(unknown, id(1));
    await local.put(`deltas/${unknown}/${id(1)}.json`, '{"format":2}');
    expect(await local.load(definition(unknown, BASIC))).toMatchObject({
      status: "failed",
      error: expect.stringMatching(/^needs-replace: delta /) as string,
    });
    expect(await local.replaceRequest(unknown)).toMatchObject({
      state: "asked",
      cause: "unreadable-delta",
    });
  });
});

describe("the handler", () => {
  const table = `${prefix}_leads`;
  const budget = { getRemainingTimeInMillis: () => 60_000 } as Context;

  afterEach(() => {
    vi.unstubAllEnvs();
    vi.resetModules();
  });

  async function importHandler(environment: Record<string, string>): Promise<typeof handler> {
    for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value);
    return (await import("../../../functions/load/handler.ts")).handler;
  }

  it("loads what the Data Catalog, the lake and the bucket say", async () => {
    await local.declare({
      name: table,
      owner: "data-team",
      description: "People who asked for a call",
      source: { name: "crm", system: "elasticsearch", owner: "crm-team", description: "The CRM" },
      from: { index: "leads" },
      key: ["id"],
      columns: BASIC.map((column) => ({ ...column, description: `The ${column.name}` })),
      cursor: { column: "id", lagSeconds: 60, overlapSeconds: 60 },
      deletes: { strategy: "none" },
    });
    await local.build({
      table,
      snapshot: id(1),
      parent: null,
      columns: BASIC,
      rows: [[1, "A", 1]],
    });
    const handle = await importHandler(local.environment);
    const input = { run: "run-1", table, polls: 0 };
    expect(await handle(input, budget)).toEqual({
      table,
      polls: 0,
      status: "done",
      detail: `at ${id(1)}`,
    });
    expect(await mart(table)).toEqual([["1", "A", "1"]]);
    await expect(handle({ ...input, table: "unknown" }, budget)).rejects.toThrow(/unknown/);
  });

  it("has nothing to do where there is no warehouse", async () => {
    const handle = await importHandler({ ...local.environment, SLUICE_WORKGROUP: "" });
    expect(await handle({ run: "run-1", table, polls: 0 }, budget)).toMatchObject({
      status: "done",
      detail: "no warehouse",
    });
  });
});

/** The result as the next call's input. */
function next(result: LoadResult): LoadInput {
  expect(result.status).toBe("wait");
  return loadInputSchema.parse(result);
}

async function callUntilDone(first: LoadInput, parts: LoadParts): Promise<LoadResult> {
  for (let input = first; ;) {
    const result = await load(input, Date.now() + 20_000, parts);
    if (result.status !== "wait") return result;
    input = result;
  }
}

/** Another session holds the lock of the table's loads, until its statement is cancelled. */
async function holdLock(table: string): Promise<string> {
  const lock = `sluice.lock_${table}`;
  const statement = await local.warehouse.start([`LOCK ${lock}`, "SELECT pg_sleep(120)"]);
  const held = `SELECT COUNT(*) FROM pg_locks WHERE relation = '${lock}'::regclass AND granted`;
  await expect.poll(() => local.query(held)).toEqual([["1"]]);
  return statement;
}

async function readsAsReader(table: string): Promise<unknown[][] | undefined> {
  const { rows, error } = await local.queryAs(
    "sluice_reader",
    `SELECT * FROM mart.${table} ORDER BY 1`,
  );
  expect(error).toBeUndefined();
  return rows;
}
