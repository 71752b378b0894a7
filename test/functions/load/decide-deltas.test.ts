// Which deltas are applied, whatever is there and wherever the warehouse is.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decideDeltas, isWhole } from "../../../functions/load/decide-deltas.ts";
import type { Delta } from "../../../contract/delta.ts";

function delta(snapshot: string, parent: string | null, kind: Delta["kind"] = "merge"): Delta {
  return {
    format: 1,
    table: "companies",
    kind,
    snapshot,
    parent,
    createdAt: "2026-07-01T00:00:00Z",
    run: "run-1",
    key: ["id"],
    columns: [{ name: "id", type: "long", redshift: "BIGINT" }],
    files: [],
    rows: 0,
    deletes: 0,
  };
}

function known(...deltas: (Delta | string)[]): Map<string, Delta | null> {
  return new Map(
    deltas.map((item) => (typeof item === "string" ? [item, null] : [item.snapshot, item])),
  );
}

describe("deltas to apply", () => {
  const [first, second, third] = [delta("1", null), delta("2", "1"), delta("3", "2")];

  it.each([
    ["the target is where the lake is", "3", "3", known(), { do: "nothing" }],
    ["nothing is read yet", "3", "1", known(), { do: "read", snapshot: "3" }],
    ["a parent is not read yet", "3", "1", known(third), { do: "read", snapshot: "2" }],
    ["two are missing", "3", "1", known(third, second), { do: "apply", deltas: [second, third] }],
    [
      "the target is empty",
      "2",
      null,
      known(second, first),
      { do: "apply", deltas: [first, second] },
    ],
    [
      "the target is nowhere in the chain",
      "2",
      "77",
      known(second, first),
      { do: "apply", deltas: [first, second] },
    ],
    [
      "a replace is on the way",
      "3",
      "77",
      known(third, delta("2", "1", "replace")),
      { do: "apply", deltas: [delta("2", "1", "replace"), third] },
    ],
    [
      "the target is nearer than the replace",
      "3",
      "2",
      known(third, delta("2", "1", "replace")),
      { do: "apply", deltas: [third] },
    ],
    [
      "the lake's content is a replace",
      "3",
      "2",
      known(delta("3", "2", "replace")),
      { do: "apply", deltas: [delta("3", "2", "replace")] },
    ],
    [
      "a delta is gone",
      "3",
      "1",
      known(third, "2"),
      { do: "request-replace", cause: "broken-chain", reason: "no delta for 2" },
    ],
    [
      "deltas go round",
      "3",
      "1",
      known(third, delta("2", "3")),
      { do: "request-replace", cause: "broken-chain", reason: "deltas go round at 3" },
    ],
  ])("when %s", (_, current, applied, deltas, expected) => {
    expect(decideDeltas(current, applied, deltas)).toEqual(expected);
  });

  it("are not more than can be applied in reason", () => {
    const chain = Array.from({ length: 600 }, (_, index) =>
      delta(String(index + 2), String(index + 1)),
    );
    expect(decideDeltas("601", "1", known(...chain)).do).toBe("request-replace");
    expect(decideDeltas("601", "300", known(...chain)).do).toBe("apply");
  });

  /** A chain of contents 1…n, each led to by a delta that may be gone, whole or a merge. */
  const chains = fc.array(fc.constantFrom("merge", "replace", "gone"), {
    minLength: 1,
    maxLength: 12,
  });

  it("lead to the lake's content from wherever the target is, or there is no way", () => {
    fc.assert(
      fc.property(chains, fc.nat(14), (kinds, position) => {
        const contents = kinds.map((kind, index): [string, Delta | null] => {
          const parent = index === 0 ? null : String(index);
          const id = String(index + 1);
          return [id, kind === "gone" ? null : delta(id, parent, kind)];
        });
        const current = String(kinds.length);
        // 0 is an empty target, beyond the chain is a content that nobody knows any more.
        const applied = position === 0 ? null : String(position);
        const stored = new Map(contents);
        const read = new Map<string, Delta | null>();
        let decision = decideDeltas(current, applied, read);
        while (decision.do === "read") {
          expect(read.has(decision.snapshot)).toBe(false);
          read.set(decision.snapshot, stored.get(decision.snapshot) ?? null);
          decision = decideDeltas(current, applied, read);
        }

        const way = contents
          .slice(position <= kinds.length ? position : 0)
          .map(([, found]) => found);
        const start = way.findLastIndex((found) => found !== null && isWhole(found));
        const isWayGone = way.slice(Math.max(start, 0)).includes(null);
        const isConnected = start >= 0 || (position > 0 && position <= kinds.length);
        expect(decision.do === "request-replace").toBe(isWayGone || !isConnected);

        if (decision.do === "request-replace") return;
        let held = applied;
        for (const next of decision.do === "apply" ? decision.deltas : []) {
          expect(isWhole(next) || next.parent === held).toBe(true);
          held = next.snapshot;
        }
        expect(held).toBe(current);
      }),
      { numRuns: 1000 },
    );
  });
});
