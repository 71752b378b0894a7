// When a load that failed is tried again, and when a whole copy is asked for.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  isReplaceDue,
  type LoadRecord,
  type ReplaceRecord,
} from "../../../contract/load-records.ts";
import {
  countFailures,
  decideRequest,
  isLoadHeld,
  retryAt,
} from "../../../functions/load/decide-again.ts";

const HOUR = 3_600_000;
/** What each run may copy again without success, as docs/architecture.md says. */
const CHEAP_BYTES = 64 * 1024 * 1024;
const START = 1_700_000_000_000;

const failure: LoadRecord = {
  ...{ since: START, failedAt: START, run: "one", failures: 1, cause: "access", advice: "Do." },
  ...{ error: "no", fingerprint: "f", retryAt: START + HOUR, notAsked: null },
};
const asked: ReplaceRecord = {
  ...{ state: "asked", requestedAt: START, run: "one", contentId: "1", fingerprint: "f" },
  ...{ cause: "unknown", reason: "no", times: 1 },
};
const written: ReplaceRecord = {
  ...asked,
  ...{ state: "written", writtenAt: START + 1, writtenRun: "two", writtenContentId: "2" },
};
const need = { cause: "unknown", contentId: "3", fingerprint: "f" };

describe("a load that failed", () => {
  it("is tried in each run where that costs little", () => {
    expect(retryAt(0, 7, START)).toBeNull();
    expect(retryAt(CHEAP_BYTES, 7, START)).toBeNull();
    expect(isLoadHeld({ load: { ...failure, retryAt: null } }, "f", START)).toBe(false);
  });

  it("waits longer each time where it costs much, a day at most", () => {
    const waits = Array.from({ length: 8 }, (_, index) => retryAt(CHEAP_BYTES + 1, index + 1, 0));
    expect(waits.map((millis) => (millis ?? 0) / HOUR)).toEqual([0.5, 1, 2, 4, 8, 16, 24, 24]);
    expect(retryAt(Number.POSITIVE_INFINITY, 10_000, 0)).toBe(24 * HOUR);
  });

  it("is held until then, unless the definition changed or a whole copy was written since", () => {
    expect(isLoadHeld({}, "f", START)).toBe(false);
    expect(isLoadHeld({ load: failure }, "f", START + HOUR - 1)).toBe(true);
    expect(isLoadHeld({ load: failure }, "f", START + HOUR)).toBe(false);
    expect(isLoadHeld({ load: failure }, "g", START)).toBe(false);
    expect(isLoadHeld({ load: failure, replace: asked }, "f", START)).toBe(true);
    expect(isLoadHeld({ load: failure, replace: written }, "f", START + 2)).toBe(false);
    const later = { ...failure, failedAt: START + 2 };
    expect(isLoadHeld({ load: later, replace: written }, "f", START + 3)).toBe(true);
  });

  it("counts once a run", () => {
    expect(countFailures(undefined, "one")).toBe(1);
    expect(countFailures(failure, "one")).toBe(1);
    expect(countFailures(failure, "two")).toBe(2);
  });
});

describe("a whole copy", () => {
  it("is due while it is asked for", () => {
    expect(isReplaceDue(undefined)).toBe(false);
    expect(isReplaceDue(asked)).toBe(true);
    expect(isReplaceDue(written)).toBe(false);
    expect(isReplaceDue({ ...written, state: "loaded" })).toBe(false);
  });

  it("is asked for once, until a build has written it", () => {
    expect(decideRequest(need, undefined, START, false)).toEqual({ do: "ask", times: 1 });
    expect(decideRequest(need, asked, START + 1000 * HOUR, true)).toEqual({ do: "wait" });
  });

  it("is not asked for again for the same failure of the same content, however late", () => {
    for (const state of ["written", "loaded"] as const) {
      for (const hours of [1, 6, 1000]) {
        const same = { ...need, contentId: "2" };
        const before = { ...written, state };
        expect(decideRequest(same, before, START + hours * HOUR, true)).toMatchObject({ do: "no" });
      }
    }
  });

  it("is asked for again once the content or the failure is another, but not soon", () => {
    for (const other of [need, { ...need, contentId: "2", cause: "damaged-delta" }]) {
      expect(decideRequest(other, written, START + 6 * HOUR - 1, false)).toEqual({
        do: "no",
        reason:
          "it was asked for 1 times lately and is not asked for before 2023-11-15T04:13:20.000Z",
      });
      expect(decideRequest(other, written, START + 6 * HOUR, false)).toEqual({
        do: "ask",
        times: 2,
      });
    }
    const fifth = { ...written, times: 5 };
    expect(decideRequest(need, fifth, START + 95 * HOUR, false).do).toBe("no");
    expect(decideRequest(need, fifth, START + 96 * HOUR, false)).toEqual({ do: "ask", times: 6 });
  });

  it("is asked for at once for another definition, or in a run that names its tables", () => {
    const changed = { ...need, fingerprint: "g" };
    expect(decideRequest(changed, { ...written, times: 9 }, START, false)).toEqual({
      do: "ask",
      times: 1,
    });
    expect(decideRequest(need, written, START, true)).toEqual({ do: "ask", times: 2 });
  });

  it("is forgotten a week after one that was of use", () => {
    const loaded = { ...written, state: "loaded" as const, times: 9 };
    expect(decideRequest(need, loaded, START + 7 * 24 * HOUR - 1, false).do).toBe("no");
    expect(decideRequest(need, loaded, START + 7 * 24 * HOUR, false)).toEqual({
      do: "ask",
      times: 1,
    });
  });

  it("is written a bounded number of times, whatever fails in hourly runs with new rows", () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom("unknown", "damaged-delta", "broken-chain"), {
          minLength: 24 * 60,
          maxLength: 24 * 60,
        }),
        fc.boolean(),
        (causes, isOfUse) => {
          let record: ReplaceRecord | undefined;
          let copies = 0;
          for (const [hour, cause] of causes.entries()) {
            const now = START + hour * HOUR;
            if (record?.state === "asked") {
              copies += 1;
              const state = isOfUse ? "loaded" : "written";
              record = { ...record, state, writtenAt: now, writtenContentId: `c${hour}` };
            }
            const again = { cause, contentId: `d${hour}`, fingerprint: "f" };
            const decision = decideRequest(again, record, now, false);
            if (decision.do !== "ask") continue;
            const { times } = decision;
            record = { ...asked, ...again, requestedAt: now, times };
          }
          // 60 days: 6, 12, 24, 48, 96 hours, then a week between two.
          expect(copies).toBeLessThanOrEqual(isOfUse ? 32 : 16);
        },
      ),
      { numRuns: 20 },
    );
  });
});
