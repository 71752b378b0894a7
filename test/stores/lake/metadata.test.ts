// The content id that readers of the lake see, from Iceberg's metadata.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { currentContentId, parseMetadata } from "../../../stores/lake/metadata.ts";
import { ProtocolError } from "../../../contract/errors.ts";

/** Ids beyond 2^53, two of which are one as a double. */
const [first, second, third] = ["9007199254740993", "9007199254740992", "8123456789012345678"];

interface Ref {
  readonly id: string;
  readonly type: "branch" | "tag";
}

/** Metadata as Iceberg writes it: ids are bare numbers. */
function metadata(snapshots: Record<string, string | null>, refs: Record<string, Ref>): string {
  const listed = Object.entries(snapshots).map(([id, parent]) =>
    parent === null
      ? `{"snapshot-id":${id},"summary":{"operation":"append"}}`
      : `{"snapshot-id":${id},"parent-snapshot-id":${parent},"summary":{}}`,
  );
  const named = Object.entries(refs).map(
    ([name, { id, type }]) => `${JSON.stringify(name)}:{"snapshot-id":${id},"type":"${type}"}`,
  );
  const head = refs.main?.id ?? "-1";
  return `{"format-version":2,"current-snapshot-id":${head},"snapshots":[${listed.join()}],"refs":{${named.join()}}}`;
}

function contentId(text: string): string | null {
  return currentContentId(parseMetadata(text, "s3://lake/metadata.json"));
}

describe("the current content id", () => {
  const chain = { [first]: null, [second]: first, [third]: second };
  const main = (id: string): Record<string, Ref> => ({ main: { id, type: "branch" } });
  const tag = (id: string): Ref => ({ id, type: "tag" });

  it.each([
    ["no snapshot at all", metadata({}, {}), null],
    ["snapshots without a tag", metadata(chain, main(third)), null],
    [
      "a table's tag on the head",
      metadata(chain, { ...main(third), [`sluice.7.0123456789ab.${third}`]: tag(third) }),
      third,
    ],
    [
      "a model's tag on the head",
      metadata(chain, { ...main(third), [`sluice.0123456789ab.${first}`]: tag(third) }),
      first,
    ],
    [
      "the newest of several tags",
      metadata(chain, {
        ...main(third),
        [`sluice.1.0123456789ab.${first}`]: tag(first),
        [`sluice.2.0123456789ab.${second}`]: tag(second),
      }),
      second,
    ],
    [
      "a tag of a branch that was left behind",
      metadata(
        { [first]: null, [second]: first, [third]: first },
        {
          ...main(second),
          build: { id: third, type: "branch" },
          [`sluice.1.0123456789ab.${first}`]: tag(first),
          [`sluice.2.0123456789ab.${third}`]: tag(third),
        },
      ),
      first,
    ],
    [
      "a snapshot that changed no rows, and so has two tags",
      metadata(chain, {
        ...main(second),
        [`sluice.9.0123456789ab.${first}`]: tag(second),
        [`sluice.10.0123456789ab.${second}`]: tag(second),
      }),
      second,
    ],
    [
      "tags and branches that are not Sluice's",
      metadata(chain, {
        ...main(third),
        "sluice.audit": tag(third),
        [`sluice.8.0123456789ab.${second}`]: { id: third, type: "branch" },
        [`sluice.7.0123456789ab.${first}`]: tag(second),
      }),
      first,
    ],
    [
      "an ancestry that expiry has cut",
      metadata(
        { [third]: "17" },
        { ...main(third), [`sluice.7.0123456789ab.${second}`]: tag(third) },
      ),
      second,
    ],
  ])("with %s", (_, text, expected) => {
    expect(contentId(text)).toBe(expected);
  });

  it("is exact for every id of 64 bits", () => {
    fc.assert(
      fc.property(fc.bigInt(1n, 2n ** 63n - 1n), fc.bigInt(1n, 2n ** 63n - 1n), (one, other) => {
        fc.pre(one !== other);
        const [parent, head] = [String(one), String(other)];
        const text = metadata(
          { [parent]: null, [head]: parent },
          { ...main(head), [`sluice.1.0123456789ab.${parent}`]: tag(parent) },
        );
        expect(contentId(text)).toBe(parent);
      }),
    );
  });

  it("is not read from what is not metadata", () => {
    expect(() => parseMetadata('{"snapshots":', "s3://lake/m.json")).toThrow(ProtocolError);
    expect(() => parseMetadata("{}", "s3://lake/m.json")).toThrow(/s3:\/\/lake\/m\.json/);
  });
});
