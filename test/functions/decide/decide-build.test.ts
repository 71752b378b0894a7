// A build is left out only if none of the reasons for it is there.
import { describe, expect, it } from "vitest";
import { decideBuild, type BuildFacts } from "../../../functions/decide/decide-build.ts";
import type { BuiltEntry } from "../../../contract/build-summary.ts";

const publish = { distribution: { style: "even" as const }, sortKeys: [] };

const entry = (name: string, more: Partial<BuiltEntry> = {}): BuiltEntry => ({
  ...{ name, kind: "table", fingerprint: `f-${name}`, complete: true, through: 3, inputs: {} },
  ...{ contentId: `c-${name}`, metadata: `s3://data/lake/${name}/3.json` },
  ...more,
});

const daily = entry("daily", { kind: "model", through: 0, inputs: { leads: "c-leads" } });

function facts(more: Partial<BuildFacts> = {}, entries = [entry("leads"), daily]): BuildFacts {
  return {
    summary: { format: 1, run: "r", version: "v1", entries },
    version: "v1",
    definitions: ["leads", "daily"].map((name) => ({ name, fingerprint: `f-${name}`, publish })),
    broken: [],
    needs: new Map([["leads", { lastManifest: 3, isReplaceDue: false }]]),
    lake: new Map([entry("leads"), daily].map(({ name, metadata }) => [name, metadata ?? ""])),
    ...more,
  };
}

it("is not due when all is as the last one left it", () => {
  expect(decideBuild(facts())).toEqual({ build: false, reason: "all is built as it is now" });
});

describe("is due", () => {
  const lake = facts().lake;
  const [leads, model] = facts().definitions;
  if (leads === undefined || model === undefined) throw new Error("no definitions");
  it.each<[string, BuildFacts, string]>([
    ["when none has ended yet", facts({ summary: undefined }), "no build has ended yet"],
    ["by other code", facts({ version: "v2" }), "the build's code is another"],
    [
      "for a manifest that is not applied",
      facts({ needs: new Map([["leads", { lastManifest: 4, isReplaceDue: false }]]) }),
      "leads is built to manifest 3 of 4",
    ],
    [
      "for a ledger that knows less than the lake, which the build reports",
      facts({ needs: new Map() }),
      "leads is built to manifest 3 of 0",
    ],
    [
      "for a whole copy that is asked for",
      facts({
        needs: new Map([
          ["leads", { lastManifest: 3, isReplaceDue: false }],
          ["daily", { lastManifest: 0, isReplaceDue: true }],
        ]),
      }),
      "the warehouse asks for the whole of daily",
    ],
    [
      "for a changed definition",
      facts({ definitions: [{ ...leads, fingerprint: "other" }, model] }),
      "leads's definition has changed",
    ],
    [
      "for a new one",
      facts({ definitions: [leads, model, { ...leads, name: "orders" }] }),
      "orders is new",
    ],
    ["for one that is gone", facts({ definitions: [leads] }), "daily was removed"],
    [
      "for one that cannot be read",
      facts({ definitions: [leads], broken: [{ name: "daily" }] }),
      "daily's definition cannot be read",
    ],
    [
      "for what failed last time",
      facts({}, [entry("leads", { complete: false }), daily]),
      "the last build could not finish leads",
    ],
    [
      "for a table of the lake that was dropped",
      facts({ lake: new Map([...lake].slice(0, 1)) }),
      "daily is not in the lake as the last build left it",
    ],
    [
      "for one that a killed build or somebody else changed",
      facts({ lake: new Map([...lake, ["leads", "s3://data/lake/leads/4.json"]]) }),
      "leads is not in the lake as the last build left it",
    ],
    [
      "for a model whose input has another content",
      facts({}, [entry("leads", { contentId: "c-2" }), daily]),
      "daily was built from another content of leads",
    ],
  ])("%s", (_, given, reason) => {
    const decision = decideBuild(given);
    expect(decision.build).toBe(true);
    expect(decision.reason).toContain(reason);
  });
});

it("is not due for the whole copy of what is published no more", () => {
  const [leads, model] = facts().definitions;
  if (leads === undefined || model === undefined) throw new Error("no definitions");
  const needs = new Map([["leads", { lastManifest: 3, isReplaceDue: true }]]);
  expect(decideBuild(facts({ needs })).build).toBe(true);
  const definitions = [{ ...leads, publish: null }, model];
  expect(decideBuild(facts({ needs, definitions })).build).toBe(false);
});

it("gives a reason that fits a state, however many there are", () => {
  const definitions = Array.from({ length: 1000 }, (_, index) => ({
    ...{ name: `table_${index}`, fingerprint: "f", publish },
  }));
  const { reason } = decideBuild(facts({ definitions }));
  expect(reason).toBe("table_0 is new; table_1 is new; table_2 is new; and 999 more");
});
