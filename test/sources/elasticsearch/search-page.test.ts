// Tests that a search's response is cut into lines whose documents are the very bytes that came.
import fc from "fast-check";
import { expect, test } from "vitest";
import { cutPage, type PageRequest } from "../../../sources/elasticsearch/search-page.ts";
import { ProtocolError, SourceConfigurationError } from "../../../contract/errors.ts";

const request: PageRequest = {
  ...{ op: "upsert", version: "cursor", observedAt: 1234 },
  ...{ hasDocument: true, keep: null },
};

const integer = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String);
const hit = fc.record({
  id: fc.string({ unit: "binary" }),
  document: fc.dictionary(fc.string(), fc.jsonValue()),
  number: integer,
  cursor: integer,
  shardDoc: fc.nat().map(String),
  extra: fc.jsonValue(),
});

function response(hits: readonly { text: string }[], more = ""): Buffer {
  return Buffer.from(
    `{"pit_id":"p\\/1","took":1,${more}"timed_out":false,"_shards":{"total":2,"failed":0},` +
      `"hits":{"max_score":null,"hits":[${hits.map(({ text }) => text).join(",")}]}}`,
  );
}

test("lines hold id, version and document exactly, whatever they contain", () => {
  fc.assert(
    fc.property(fc.array(hit), fc.constantFrom(0, 2), (hits, indent) => {
      const page = cutPage(
        response(
          hits.map((one) => ({
            text:
              `{"_index":"i","_x":${JSON.stringify(one.extra)},"_id":${JSON.stringify(one.id)},"_seq_no":${one.number},` +
              `"_primary_term":1,"_source":${JSON.stringify(one.document, null, indent)},"sort":[${one.cursor},${one.shardDoc}]}`,
          })),
        ),
        request,
      );
      expect(page.rows).toBe(hits.length);
      expect(page.pitId).toBe("p/1");
      const lines = page.lines.toString("utf8").split("\n");
      expect(lines.pop()).toBe("");
      expect(lines).toHaveLength(hits.length);
      for (const [index, line] of lines.entries()) {
        const one = hits[index];
        if (one === undefined) throw new Error("more lines than hits");
        expect(line).toContain(`"version":[${one.cursor},${one.number},1],"observed_at":1234,`);
        const parsed: unknown = JSON.parse(line);
        expect(parsed).toMatchObject({ op: "upsert", id: one.id });
        // An own "__proto__" is lost to toMatchObject, so documents are compared as text.
        if (indent === 0) expect(line).toContain(`,"doc":${JSON.stringify(one.document)}}`);
      }
      expect(page.firstCursor).toBe(hits.at(0)?.cursor ?? null);
      expect(page.lastSort).toEqual(
        hits.length === 0 ? [] : [hits.at(-1)?.cursor, hits.at(-1)?.shardDoc],
      );
    }),
  );
});

const names = ["a", "b", "a.b", 'quo"ted', "back\\slash", "ümläut", "", "long".repeat(20)];
const member = fc.tuple(fc.constantFrom(...names), fc.jsonValue());
const memberText = ([name, value]: readonly [string, unknown]): string =>
  `${JSON.stringify(name)}:${JSON.stringify(value)}`;

test("of each document just the declared members are kept, in whatever order they come", () => {
  const documents = fc.array(fc.uniqueArray(member, { selector: ([name]) => name }));
  fc.assert(
    fc.property(documents, fc.subarray(names), (members, declared) => {
      const keep = new Set(declared);
      const page = cutPage(
        response(
          members.map((one, index) => ({
            text: `{"_id":"${index}","_seq_no":0,"_primary_term":1,"_source":{${one.map(memberText).join(",")}},"sort":[0,0]}`,
          })),
        ),
        { ...request, keep },
      );
      const kept = members.map((one) => one.filter(([name]) => keep.has(name)).map(memberText));
      const lines = page.lines.toString("utf8").split("\n").slice(0, -1);
      expect(lines.map((line) => line.slice(line.indexOf('"doc":')))).toEqual(
        kept.map((one) => `"doc":{${one.join(",")}}}`),
      );
    }),
  );
});

const spacing = fc.constantFrom("", " ", "\n\t");
const spacedMember = fc.tuple(member, spacing, spacing).map(([[name, value], before, after]) => ({
  name,
  text: `${JSON.stringify(name)}${before}:${after}${JSON.stringify(value)}`,
}));
/** Members of a hit that lines are not made of. */
const strangers = fc.subarray(['"_ignored":["a"]', '"_routing":"1,\\"sort"', '"_score":null']);

test("hits that are built unlike the ones before are read as any other", () => {
  const hits = fc.array(
    fc.record({
      members: fc.uniqueArray(spacedMember, { selector: ({ name }) => name }),
      first: strangers,
      last: strangers,
      isSortFirst: fc.boolean(),
      space: spacing,
    }),
  );
  fc.assert(
    fc.property(hits, fc.subarray(names), (all, declared) => {
      const keep = new Set(declared);
      const page = cutPage(
        response(
          all.map(({ members, first, last, isSortFirst, space }, index) => {
            const source = `"_source":{${members.map(({ text }) => text).join(`,${space}`)}}`;
            const sort = `"sort":${space}[${index},7]`;
            const parts = [
              ...first,
              ...[`"_id"${space}:"${index}"`, '"_seq_no":0', `"_primary_term":1${space}`],
              ...(isSortFirst ? [sort, source] : [source, sort]),
              ...last,
            ];
            return { text: `{${parts.join(",")}}` };
          }),
        ),
        { ...request, keep },
      );
      const lines = page.lines.toString("utf8").split("\n").slice(0, -1);
      expect(lines).toHaveLength(all.length);
      for (const [index, { members }] of all.entries()) {
        const line = lines[index] ?? "";
        expect(line).toContain(
          `{"op":"upsert","id":"${index}","version":[${index},0,1],"observed_at":1234,"doc":{`,
        );
        const kept = members.filter(({ name }) => keep.has(name)).map(({ text }) => text);
        const document = `{${kept.join(",")}}`;
        expect(JSON.parse(line.slice(line.indexOf('"doc":') + 6, -1))).toEqual(
          JSON.parse(document),
        );
      }
    }),
    { numRuns: 300 },
  );
});

test("a document with more names than are remembered is cut as any other", () => {
  const many = Array.from({ length: 5000 }, (_, index) => [`field${index}`, index] as const);
  const keep = new Set(many.filter((_, index) => index % 3 === 0).map(([name]) => name));
  const text = `{"_id":"1","_seq_no":0,"_primary_term":1,"_source":{${many.map(memberText).join(",")}},"sort":[0,0]}`;
  const page = cutPage(response([{ text }, { text }]), { ...request, keep });
  const kept = many.filter(([name]) => keep.has(name)).map(memberText);
  const [first = "", second] = page.lines.toString("utf8").split("\n");
  expect(first).toContain(`"doc":{${kept.join(",")}}}`);
  expect(second).toBe(first);
});

const numbers =
  '{"a":0.12345678901234567890123,"b":1.10,"c":1e400,"d":123456789012345678901234567890,"x.y":{"n":1E2}}';

test("numbers are not touched, and only declared members are kept where the server sent all", () => {
  const text = `{"_id":"1","_seq_no":0,"_primary_term":1,"_source":${numbers},"sort":[-5,0]}`;
  const all = cutPage(response([{ text }]), request).lines.toString();
  expect(all).toContain(`"doc":${numbers}}`);
  const kept = cutPage(response([{ text }]), { ...request, keep: new Set(["c", "x.y", "z"]) });
  expect(kept.lines.toString()).toContain('"doc":{"c":1e400,"x.y":{"n":1E2}}}');
  const none = cutPage(response([{ text }]), { ...request, keep: new Set(["z"]) });
  expect(none.lines.toString()).toContain('"doc":{}}');
});

test("a key line holds no version and needs none", () => {
  const page = cutPage(response([{ text: '{"_id":"1","sort":[7]}' }]), {
    ...request,
    op: "key",
    hasDocument: false,
  });
  expect(page.lines.toString()).toBe('{"op":"key","id":"1","observed_at":1234,"doc":{}}\n');
  expect(page.lastSort).toEqual(["7"]);
});

test("failed shards and time-outs are reported", () => {
  const partial = Buffer.from(
    '{"timed_out":true,"_shards":{"total":4,"failed":3},"hits":{"hits":[]}}',
  );
  expect(cutPage(partial, request)).toMatchObject({ timedOut: true, failedShards: 3, rows: 0 });
});

test.each([
  ['{"_id":"1","_primary_term":1,"_source":{},"sort":[1,2]}', ProtocolError],
  ['{"_id":"1","_seq_no":1,"_primary_term":1,"_source":{},"sort":[null,2]}', ProtocolError],
  ['{"_id":"1","_seq_no":1,"_primary_term":1,"_source":{},"sort":[1.5,2]}', ProtocolError],
  ['{"_seq_no":1,"_primary_term":1,"_source":{},"sort":[1,2]}', ProtocolError],
  ['{"_id":"1","_seq_no":1,"_primary_term":1,"sort":[1,2]}', SourceConfigurationError],
])("the hit %s is rejected", (text, expected) => {
  expect(() => cutPage(response([{ text }]), request)).toThrow(expected);
});
