// When passes are due and what they are made of.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { EMPTY_PROGRESS } from "../../../contract/records.ts";
import {
  cursorReaching,
  isEmptyWindow,
  isKeysPassDue,
  isLatePassDue,
  makePass,
} from "../../../functions/plan/decide-pass.ts";
import { checkTiling } from "../../../functions/plan/tiling.ts";
import { ProtocolError } from "../../../contract/errors.ts";
import type { Bounds, Pass } from "../../../contract/records.ts";
import { cursorBounds, rowsPass } from "../store-fixtures.ts";
import { leads } from "./definitions.ts";

const HOUR = 3_600_000;

describe("a window", () => {
  it("is empty when it ends where it begins or before, in whatever size of number", () => {
    fc.assert(
      fc.property(fc.bigInt(), fc.bigInt(), (from, to) => {
        expect(isEmptyWindow({ from: String(from), to: String(to) })).toBe(from >= to);
      }),
    );
    expect(isEmptyWindow({ from: "9007199254740993", to: "9007199254740992" })).toBe(true);
    expect(isEmptyWindow({ from: "9007199254740992", to: "9007199254740993" })).toBe(false);
  });

  it("without a beginning is never empty", () => {
    expect(isEmptyWindow({ from: null, to: "0" })).toBe(false);
  });
});

describe("splits", () => {
  /** Bounds that tile `[cuts[0], cuts.at(-1))`. */
  const tile = (cuts: readonly bigint[]): Bounds[] =>
    cuts.slice(1).map((to, index) => cursorBounds(String(cuts[index]), String(to)));

  const cutsOf = fc
    .uniqueArray(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n }), { minLength: 3, maxLength: 20 })
    .map((cuts) => cuts.sort((a, b) => (a < b ? -1 : 1)));

  const windowOf = (cuts: readonly bigint[]) => ({
    from: String(cuts[0]),
    to: String(cuts.at(-1)),
  });

  it("that tile their window pass", () => {
    fc.assert(
      fc.property(cutsOf, (cuts) => {
        checkTiling("t", windowOf(cuts), tile(cuts));
      }),
    );
  });

  it("with one missing, or out of order, are refused", () => {
    fc.assert(
      fc.property(cutsOf, fc.nat(), (cuts, at) => {
        const bounds = tile(cuts);
        const missing = bounds.filter((_, index) => index !== at % bounds.length);
        expect(() => {
          checkTiling("t", windowOf(cuts), missing);
        }).toThrow(/do not tile|end at/);
        expect(() => {
          checkTiling("t", windowOf(cuts), bounds.toReversed());
        }).toThrow("do not tile");
      }),
    );
  });
});

describe("a pass of all keys", () => {
  const progress = { ...EMPTY_PROGRESS, watermark: "5", passNumber: 3 };
  const later = rowsPass(4, 1).pass;

  it("is due when its hours are over", () => {
    const at = (lastKeysPassStartedAt: number | null, now: number) =>
      isKeysPassDue(leads, { ...progress, lastKeysPassStartedAt }, later, now);
    expect(at(null, 0)).toBe(true);
    expect(at(HOUR, HOUR + 24 * HOUR - 1)).toBe(false);
    expect(at(HOUR, HOUR + 24 * HOUR)).toBe(true);
  });

  it("with 0 hours is due in each run", () => {
    const always = { ...leads, deletes: { ...leads.deletes, everyHours: 0 } };
    expect(isKeysPassDue(always, { ...progress, lastKeysPassStartedAt: 7 }, undefined, 7)).toBe(
      true,
    );
  });

  it("is not due before the first reading is complete, nor for other ways", () => {
    const first = rowsPass(1, 1, { window: { from: null, to: "9" } }).pass;
    expect(isKeysPassDue(leads, progress, first, HOUR)).toBe(false);
    expect(isKeysPassDue(leads, EMPTY_PROGRESS, undefined, HOUR)).toBe(false);
    const none = { ...leads, deletes: { strategy: "none" as const } };
    expect(isKeysPassDue(none, progress, later, HOUR)).toBe(false);
  });
});

describe("a pass of past rows", () => {
  const lateRows = { everyHours: 24, reachHours: 48 };

  it("is due when its hours are over and none is open", () => {
    const at = (lastLatePassStartedAt: number | null, now: number, late?: Pass): boolean =>
      isLatePassDue(
        lateRows,
        { ...EMPTY_PROGRESS, lastLatePassStartedAt, passes: late === undefined ? {} : { late } },
        now,
      );
    expect(at(null, 0)).toBe(true);
    expect(at(HOUR, HOUR + 24 * HOUR - 1)).toBe(false);
    expect(at(HOUR, HOUR + 24 * HOUR)).toBe(true);
    expect(at(HOUR, HOUR + 99 * HOUR, rowsPass(4, 1).pass)).toBe(false);
  });

  it("reaches back by its hours", () => {
    if (leads.cursor === null) throw new Error("leads has a cursor");
    expect(cursorReaching(leads.cursor, lateRows)).toEqual({
      ...leads.cursor,
      overlapSeconds: 48 * 3600,
    });
  });

  it("concludes nothing from missing keys", () => {
    const scanned = { ...leads, deletes: { strategy: "full-scan" as const, maxShare: 0.1 } };
    const made = makePass({
      ...{ kind: "late", table: scanned, progress: EMPTY_PROGRESS, nowMillis: 1 },
      ...{ window: { from: "1", to: "2" }, bounds: [cursorBounds("1", "2")] },
    });
    expect(made?.pass).toMatchObject({ id: "late-1", findsDeletes: false });
  });
});

describe("token ranges of a window", () => {
  const window = { from: "10", to: "20" };
  const [least, most] = [String(-(2n ** 63n)), String(2n ** 63n - 1n)];
  const range = (after: string, upTo: string, cursor = window): Bounds => ({
    ...{ by: "token", after, upTo, cursor },
  });

  it("tile the ring, each for the whole window", () => {
    checkTiling("t", window, [range(least, "0"), range("0", most)]);
    // Without a beginning all is read, which needs no index.
    checkTiling("t", { from: null, to: "20" }, [{ by: "token", after: least, upTo: most }]);
  });

  it.each([
    [[range("1", "0"), range("0", most)]],
    [[range(least, "0"), range("1", most)]],
    [[range(least, "0")]],
    [[range(least, "0"), range("0", most, { from: "11", to: "20" })]],
    [[range(least, "0"), { by: "token" as const, after: "0", upTo: most }]],
    [[range(least, "0"), cursorBounds("10", "20")]],
  ])("are refused where they leave something out: %j", (bounds) => {
    expect(() => {
      checkTiling("t", window, bounds);
    }).toThrow(ProtocolError);
  });
});

describe("a new pass", () => {
  const base = { table: leads, progress: { ...EMPTY_PROGRESS, passNumber: 6, lastManifest: 4 } };

  it("has the table's next number and sees later manifests as later", () => {
    const made = makePass({
      ...{ ...base, kind: "rows", window: { from: null, to: "20" }, nowMillis: 99 },
      bounds: [cursorBounds(null, "10"), cursorBounds("10", "20")],
    });
    expect(made?.pass).toEqual({
      ...{ id: "rows-7", kind: "rows", number: 7, startedAt: 99, findsDeletes: false },
      ...{ window: { from: null, to: "20" }, sinceManifest: 4, splits: ["0000", "0001"] },
    });
    expect(made?.splits[1]).toEqual({
      ...{ pass: "rows-7", split: "0001", bounds: cursorBounds("10", "20"), position: null },
      ...{ objects: 0, rows: 0, done: false },
    });
  });

  it("of keys, or of a table whose deletes are found by full scans, reports what is gone", () => {
    const scanned = { ...leads, deletes: { strategy: "full-scan" as const, maxShare: 0.1 } };
    const args = { ...base, window: null, bounds: [cursorBounds(null, null)], nowMillis: 1 };
    expect(makePass({ ...args, kind: "keys" })?.pass.findsDeletes).toBe(true);
    expect(makePass({ ...args, kind: "rows" })?.pass.findsDeletes).toBe(false);
    expect(makePass({ ...args, kind: "rows", table: scanned })?.pass.findsDeletes).toBe(true);
  });

  it("is none when there is nothing to read", () => {
    const nothing = { ...base, window: null, bounds: [], nowMillis: 1 };
    expect(makePass({ ...nothing, kind: "rows" })).toBeUndefined();
  });
});
