// Tests what is proposed for what was discovered, and that any proposal is an entry without a mistake.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { check } from "prettier";
import { formatted } from "../../../cli/new-file.ts";
import { events, search } from "../../shop/sources.ts";
import { mistakesInEntry } from "../../../catalog/validate.ts";
import type { Table } from "../../../catalog/table.ts";
import type { ColumnType } from "../../../contract/column-types.ts";
import type { CursorEvidence } from "../../../sources/discover/cursor-evidence.ts";
import type { Discovery, FoundField } from "../../../sources/discover/discovery.ts";
import { parseExact } from "../../../sources/discover/exact-json.ts";
import { observe } from "../../../sources/discover/observe.ts";
import { propose, type Proposal } from "../../../sources/discover/proposal.ts";
import { renderEntry } from "../../../sources/discover/render.ts";
import { typeArbitrary } from "../../catalog/arbitrary-entries.ts";
import { importProposal } from "./entry-file.ts";

function found(name: string, type: ColumnType, more: Partial<FoundField> = {}): FoundField {
  return {
    ...{ path: [name], type, sourceType: "any", isKey: false, description: null, observed: null },
    cursorEvidence: null,
    ...{ isSortable: type === "timestamp" || type === "long", remarks: [] },
    ...more,
  };
}

function index(fields: readonly FoundField[], more: Partial<Discovery> = {}): Discovery {
  return {
    ...{ system: "elasticsearch", place: { index: "things-*" }, description: null, fields },
    ...{ sampledDocuments: 0, sampledIds: [], refreshSeconds: 1, remarks: [] },
    ...more,
  };
}

/** As the file that is written would be. */
function entryOf(proposal: Proposal): Table {
  const { name, owner, description, from, key, cursor, deletes } = proposal;
  const columns = proposal.columns.map((column) =>
    Object.fromEntries(Object.entries(column).filter(([member]) => member !== "remarks")),
  );
  const source = "index" in from ? search : events;
  const entry = { name, owner, description, source, from, key, deletes, columns };
  return { ...entry, ...(cursor === null ? {} : { cursor }) } as unknown as Table;
}

const mistakesIn = (entry: Table): unknown[] => [...mistakesInEntry(entry, () => true)];

const isAbout = (proposal: Proposal, subject: string): string[] =>
  proposal.remarks.filter((remark) => remark.startsWith(`${subject}: `));

const now = Date.parse("2026-05-01T00:00:00Z");
/** Twenty documents, each written a minute after the one before, which last at `now`. */
const evidence = (more: Partial<CursorEvidence> = {}): Partial<FoundField> => ({
  cursorEvidence: {
    ...{ unit: "ms", documents: 20, missing: 0, future: 0, nowMillis: now },
    ...{ least: BigInt(now - 19 * 60_000), greatest: BigInt(now) },
    written: [Array.from({ length: 20 }, (_, n) => [BigInt(now - (19 - n) * 60_000)])],
    ...more,
  },
});

describe("the cursor", () => {
  const old: Partial<CursorEvidence> = {
    ...{ least: 1000n, greatest: 2000n },
    written: [[[2000n], [1000n], [1500n], [1200n], [1100n], [1900n]]],
  };

  test("is the field that looks as if each change raised it, and does", () => {
    const fields = [
      found("createdAt", "timestamp", evidence()),
      found("updatedAt", "timestamp", evidence()),
    ];
    const proposal = propose(index(fields, { refreshSeconds: 30, sampledDocuments: 20 }), "search");
    expect(proposal.cursor).toEqual({ column: "updated_at", lagSeconds: 31, overlapSeconds: 60 });
    expect(isAbout(proposal, "Cursor")).toEqual([]);
  });

  test("is the next one where the likeliest is not confirmed, which is reported", () => {
    const fields = [
      found("timestamp", "timestamp", evidence()),
      found("updatedAt", "timestamp", evidence(old)),
    ];
    const proposal = propose(index(fields, { sampledDocuments: 20 }), "search");
    expect(proposal.cursor?.column).toBe("timestamp_at");
    expect(isAbout(proposal, "Cursor")).toHaveLength(1);
    expect(isAbout(proposal, "Cursor")[0]).toMatch(/not updated_at: its latest value, 1970-/);
  });

  test("two that look alike are both named", () => {
    const fields = [
      found("updated_at", "timestamp", evidence()),
      found("modifiedOn", "timestamp", evidence()),
    ];
    const proposal = propose(index(fields, { sampledDocuments: 20 }), "search");
    expect(isAbout(proposal, "Cursor")[0]).toContain("updated_at and modified_on look alike");
  });

  test("a time of creation that grows with the order of writing is taken with a warning", () => {
    const fields = [found("created", "timestamp", evidence())];
    const proposal = propose(index(fields, { sampledDocuments: 20 }), "search");
    expect(proposal.cursor?.column).toBe("created");
    expect(isAbout(proposal, "Cursor")[0]).toContain("looks like the time of creation");
  });

  test("a format's version, the same in every document, is none, whatever its name", () => {
    const same = { unit: "value", least: 3n, greatest: 3n } as const;
    const written = [Array.from({ length: 20 }, () => [3n])];
    const fields = [found("version", "long", evidence({ ...same, written }))];
    const proposal = propose(index(fields, { sampledDocuments: 20 }), "search");
    expect(proposal.cursor).toBeNull();
    expect(proposal.deletes).toEqual({ strategy: "full-scan" });
    expect(isAbout(proposal, "Cursor").join("\n")).toContain("the whole index is read each time");
    expect(isAbout(proposal, "Cursor").join("\n")).toContain(
      "not version: it is 3 in all 20 documents, so later ones would never be found",
    );
    expect(mistakesIn(entryOf(proposal))).toEqual([]);
  });

  test("none: the whole index is read, and the dates that there are are named", () => {
    const proposal = propose(index([found("dueDate", "timestamp")]), "search");
    expect(proposal.cursor).toBeNull();
    expect(proposal.deletes).toEqual({ strategy: "full-scan" });
    expect(isAbout(proposal, "Cursor")[0]).toContain("due_date");
    expect(mistakesIn(entryOf(proposal))).toEqual([]);
  });

  test("nothing sampled confirms nothing: the candidates are named", () => {
    const proposal = propose(index([found("updatedAt", "timestamp")]), "search");
    expect(proposal.cursor).toBeNull();
    const remarks = isAbout(proposal, "Cursor").join("\n");
    expect(remarks).toContain("Discover it again with documents to sample");
    expect(remarks).toContain("not updated_at: no document was sampled");
  });

  test.each<[why: string, field: FoundField]>([
    ["which is compared as text", found("updatedAt", "string", { sourceType: "keyword" })],
    ["in seconds since 1970", found("updatedAt", { timestamp: "epoch_seconds" })],
    ["and it is any", found("updatedAt", "date")],
    ["cannot be searched", found("updatedAt", "timestamp", { isSortable: false })],
    [
      "several values",
      found("updatedAt", "timestamp", {
        observed:
          observe([parseExact('{"u":["2026-01-01","2026-01-02"]}')]).children.get("u") ?? null,
      }),
    ],
  ])("a field that a cursor can't be is reported: %s", (why, field) => {
    const proposal = propose(index([field], { sampledDocuments: 1 }), "search");
    expect(proposal.cursor).toBeNull();
    expect(isAbout(proposal, "Cursor").join("\n")).toContain(why);
  });

  test("documents without it are counted", () => {
    const field = found("updated_at", "timestamp", evidence({ documents: 1000, missing: 7 }));
    const proposal = propose(index([field], { sampledDocuments: 20 }), "search");
    expect(proposal.cursor?.column).toBe("updated_at");
    expect(isAbout(proposal, "Cursor")[0]).toContain("7 of 1000 documents have no value");
  });
});

describe("the key", () => {
  test("is _id, unless a field equals it in every sampled document", () => {
    expect(propose(index([found("x", "long")]), "search").columns[0]).toMatchObject({
      ...{ name: "id", path: ["_id"], nullable: false },
    });
    const documents = ['{"leadId":"a"}', '{"leadId":"b"}'].map(parseExact);
    const field = found("leadId", "string", {
      observed: observe(documents).children.get("leadId") ?? null,
    });
    const sampled = { sampledDocuments: 2, sampledIds: ["a", "b"] };
    const proposal = propose(index([field], sampled), "search");
    expect(proposal.key).toEqual(["lead_id"]);
    expect(proposal.columns[0]).toMatchObject({ path: ["leadId"], nullable: false });
    const other = propose(index([field], { ...sampled, sampledIds: ["a", "c"] }), "search");
    expect(other.key).toEqual(["id"]);
    expect(isAbout(other, "Key")[0]).toContain("lead_id");
  });

  test("of Cassandra is its own, also where a warehouse makes no key of its types", () => {
    const fields = [
      found("bucket", "double", { isKey: true }),
      found("tags", { list: "string" }, { isKey: true }),
      found("v", "long"),
    ];
    const discovery: Discovery = {
      ...index(fields),
      ...{ system: "cassandra", place: { keyspace: "k", table: "Things" } },
    };
    const proposal = propose(discovery, "events");
    expect(proposal).toMatchObject({ name: "things", key: ["bucket", "tags"], cursor: null });
    expect(proposal.columns.map(({ type }) => type)).toEqual(["string", "string", "long"]);
    expect(mistakesIn(entryOf(proposal))).toEqual([]);
  });
});

test("a mark of deleted rows is taken for deletes", () => {
  const fields = [found("updatedAt", "timestamp"), found("isDeleted", "boolean")];
  expect(propose(index(fields), "search").deletes).toEqual({
    ...{ strategy: "soft-delete", column: "is_deleted" },
  });
});

test("names that no warehouse takes are changed, and the source's own are kept as paths", () => {
  const fields = ["@timestamp", "User", "user", "2nd", "Ünïcode", "order", "a".repeat(80), "日本"];
  const proposal = propose(index(fields.map((name) => found(name, "timestamp"))), "search");
  expect(proposal.columns.slice(1).map(({ name }) => name)).toEqual([
    ...["timestamp_at", "user_at", "user_at_2", "n_2nd", "unicode", "order_at", "a".repeat(63)],
    "field",
  ]);
  expect(proposal.columns[1]?.path).toEqual(["@timestamp"]);
  expect(mistakesIn(entryOf(proposal))).toEqual([]);
});

test.each([
  ["email", "string", '"x"', "an e-mail address by its name"],
  ["contact", "string", '"a@b.de"', "e-mail addresses among the sampled values"],
  ["peer", "string", '"10.0.0.1"', "internet addresses among the sampled values"],
  ["owner", "json", '{"birthDate":"x"}', "birthDate inside"],
] as const)("%s may be personal data: %s", (name, type, value, reason) => {
  const observed = observe([parseExact(`{"f":${value}}`)]).children.get("f") ?? null;
  const field = found(name, type, { observed });
  const [, column] = propose(index([field], { sampledDocuments: 1 }), "search").columns;
  expect(column?.personal).toBe(true);
  expect(column?.remarks.join()).toContain(reason);
});

test("more fields than a warehouse's table has columns: the emptiest are left out and named", () => {
  const fields = Array.from({ length: 1700 }, (_, n) => found(`f${n}`, "string"));
  fields.push(found("updated_at", "timestamp", evidence()));
  const proposal = propose(index(fields, { sampledDocuments: 20 }), "search");
  expect(proposal.columns).toHaveLength(1599);
  expect(proposal.columns.some(({ name }) => name === "updated_at")).toBe(true);
  expect(proposal.remarks.join()).toContain("f1699");
  expect(mistakesIn(entryOf(proposal))).toEqual([]);
});

test("a part of the key marks no deleted rows", () => {
  const discovery: Discovery = {
    ...index([{ ...found("deleted_at", "timestamp"), isKey: true }]),
    ...{ system: "cassandra", place: { keyspace: "k", table: "t" } },
  };
  const proposal = propose(discovery, "events");
  expect(proposal.deletes).toEqual({ strategy: "full-scan" });
  expect(mistakesIn(entryOf(proposal))).toEqual([]);
});

const fieldArbitrary = fc
  .record({
    name: fc.oneof(
      fc.string({ minLength: 1, unit: "grapheme" }).filter((name) => name !== "_id"),
      fc.constantFrom("id", "select", "updatedAt", "deleted_at", "price", "e-mail", "a.b"),
    ),
    type: typeArbitrary,
    isSortable: fc.boolean(),
    description: fc.option(fc.string({ minLength: 1 }).map((text) => `x ${text}`)),
    remarks: fc.array(fc.string({ maxLength: 200 }), { maxLength: 2 }),
  })
  .map(({ name, type, ...more }) => found(name, type, more));

test(
  "any proposal is an entry without a mistake, in the project's format",
  { timeout: 60_000 },
  async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(fieldArbitrary, {
          ...{ minLength: 1, maxLength: 8, selector: ({ path }) => path.join() },
        }),
        fc.boolean(),
        async (fields, isIndex) => {
          const [first, ...rest] = fields;
          if (first === undefined) return;
          const discovery: Discovery = isIndex
            ? index(fields)
            : {
                ...index([{ ...first, isKey: true }, ...rest]),
                ...{ system: "cassandra", place: { keyspace: "k", table: "t" } },
              };
          const proposal = propose(discovery, isIndex ? "search" : "events");
          expect(mistakesIn(entryOf(proposal))).toEqual([]);
          const options = { sourceVariable: proposal.source };
          const text = await formatted(renderEntry(proposal, options));
          expect(await check(text, { parser: "typescript", printWidth: 100 })).toBe(true);
        },
      ),
      { numRuns: 40 },
    );
  },
);

test("the file says the same as the proposal", async () => {
  const fields = [
    found("updated_at", "timestamp", { remarks: ['it\'s "odd"\nreally */ `${x}`'] }),
    found("Sum", { decimal: [12, 2] }, { description: 'Back\\slash \u2028 and "quotes".' }),
    found("parts", {
      list: { struct: [{ name: "a", type: { map: "long" }, from: "A-b" }] },
    }),
    found("when", { timestamp: "epoch_seconds" }),
  ];
  const proposal = propose(index(fields), "search");
  const { entry, text } = await importProposal(proposal);
  expect(JSON.parse(JSON.stringify(entry))).toEqual(JSON.parse(JSON.stringify(entryOf(proposal))));
  expect(text).toContain('// TODO: it\'s "odd" really */ `${x}`');
});
