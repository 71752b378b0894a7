// What a manifest holds and how progress moves, over any course of reading.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decideCommit } from "../../../functions/commit/decide-commit.ts";
import { nextWatermark, type PassContent } from "../../../functions/commit/watermark.ts";
import { EMPTY_PROGRESS } from "../../../contract/records.ts";
import type { ObjectRecord, Progress, SplitRecord } from "../../../contract/records.ts";
import { objectOf, rowsPass } from "../store-fixtures.ts";

const commitOf = (progress: Progress, passes: readonly PassContent[]) =>
  decideCommit({ table: "t", run: "r", createdAt: "2030-01-01", progress, passes });

/** A split that was read so far, and its objects. */
function read(split: SplitRecord, objects: number, done: boolean) {
  const records = Array.from({ length: objects }, (_, sequence) =>
    objectOf(split, { sequence, key: `${split.pass}/${split.split}/${sequence}` }),
  );
  return { split: { ...split, objects, done }, objects: records };
}

describe("the watermark", () => {
  it("is the end of the longest prefix of finished splits", () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { minLength: 1, maxLength: 12 }), (done) => {
        const { pass, splits } = rowsPass(1, done.length);
        const content = splits.map((split, index) => read(split, 0, done[index] === true));
        const finished = [...done, false].indexOf(false);
        const end = finished === 0 ? null : String(finished * 100);
        expect(nextWatermark(null, { pass, splits: content })).toBe(end);
      }),
    );
  });

  it("never goes back in the middle of a pass, and ends at the window's end", () => {
    fc.assert(
      fc.property(
        fc.array(fc.boolean(), { minLength: 1, maxLength: 8 }),
        fc.integer({ min: 0, max: 300 }),
        (done, before) => {
          const { pass, splits } = rowsPass(1, done.length);
          const content = {
            pass,
            splits: splits.map((split, index) => read(split, 0, done[index] === true)),
          };
          const after = nextWatermark(String(before), content);
          if (done.every(Boolean)) expect(after).toBe(pass.window?.to);
          else expect(Number(after)).toBeGreaterThanOrEqual(before);
        },
      ),
    );
  });

  it("is not moved by a full scan of tokens or of keys", () => {
    const { pass, splits } = rowsPass(1, 1, { kind: "keys", window: null });
    expect(nextWatermark("7", { pass, splits: splits.map((one) => read(one, 1, true)) })).toBe("7");
    const scan = rowsPass(1, 1, { window: null });
    const token = { by: "token" as const, after: "0", upTo: "9" };
    const content = scan.splits.map((one) => read({ ...one, bounds: token }, 1, true));
    expect(nextWatermark(null, { pass: scan.pass, splits: content })).toBeNull();
  });
});

describe("the watermark of a window that is read by token ranges", () => {
  it("moves to the window's end when all of them are done, and not before", () => {
    const { pass, splits } = rowsPass(1, 2, { window: { from: "10", to: "20" } });
    const contentOf = (done: readonly boolean[]) => ({
      pass,
      splits: splits.map((one, index) => {
        const cursor = { from: "10", to: "20" };
        const bounds = { by: "token" as const, after: String(index), upTo: "9", cursor };
        return read({ ...one, bounds }, 1, done[index] === true);
      }),
    });
    expect(nextWatermark("12", contentOf([true, false]))).toBe("12");
    expect(nextWatermark("12", contentOf([true, true]))).toBe("20");
    expect(nextWatermark(null, contentOf([true, true]))).toBe("20");
  });
});

describe("a commit", () => {
  /** How far each split is after each run: objects so far, and whether it is finished. */
  const courseOf = fc
    .tuple(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 6 }))
    .chain(([splits, runs]) =>
      fc.array(fc.array(fc.nat(3), { minLength: runs, maxLength: runs }), {
        minLength: splits,
        maxLength: splits,
      }),
    );

  it("puts every object into exactly one manifest, numbers them without a gap, and completes the pass once", () => {
    fc.assert(
      fc.property(courseOf, fc.boolean(), (course, findsDeletes) => {
        const { pass, splits } = rowsPass(1, course.length, { findsDeletes });
        let progress: Progress = { ...EMPTY_PROGRESS, passNumber: 1, passes: { rows: pass } };
        const committed: ObjectRecord[] = [];
        const numbers: number[] = [];
        const completions: string[][] = [];
        const runs = course[0]?.length ?? 0;
        for (let run = 1; run <= runs; run += 1) {
          const isLast = run === runs;
          const content = splits.map((split, index) => {
            const soFar = (course[index] ?? []).slice(0, run).reduce((sum, one) => sum + one, 0);
            return read(split, soFar, isLast);
          });
          const commit = commitOf(progress, [{ pass, splits: content }]);
          if (commit === undefined) continue;
          progress = commit.after;
          if (commit.manifest === null) continue;
          numbers.push(commit.manifest.number);
          committed.push(...commit.manifest.objects);
          completions.push(...commit.manifest.completed.map((one) => one.objects));
          expect(commit.manifest.rows).toBe(commit.manifest.objects.length * 10);
        }
        const all = splits.flatMap(
          (split, index) =>
            read(
              split,
              (course[index] ?? []).reduce((sum, one) => sum + one, 0),
              true,
            ).objects,
        );
        const keysOf = (objects: readonly ObjectRecord[]) => objects.map(({ key }) => key).sort();
        expect(keysOf(committed)).toEqual(keysOf(all));
        expect(numbers).toEqual(numbers.map((_, index) => index + 1));
        expect(progress.lastManifest).toBe(numbers.length);
        // A pass whose last run brought no object needs no manifest to be over, for nothing is concluded from it.
        const last = course.some((split) => split.at(-1) !== 0);
        const completed = completions.map((one) => one.toSorted());
        expect(completed).toEqual(last || pass.findsDeletes ? [keysOf(all)] : []);
        expect(progress.passes).toEqual({});
        expect(progress.committed).toEqual({});
        expect(progress.watermark).toBe(pass.window?.to);
      }),
    );
  });

  it("is none when nothing is new", () => {
    const { pass, splits } = rowsPass(1, 2);
    const progress = {
      ...{ ...EMPTY_PROGRESS, passNumber: 1, passes: { rows: pass }, lastManifest: 1 },
      committed: { "rows-1/0000": 2 },
    };
    const content = splits.map((split, index) => read(split, index === 0 ? 2 : 0, index === 0));
    expect(commitOf(progress, [{ pass, splits: content }])).toBeUndefined();
    expect(commitOf(EMPTY_PROGRESS, [])).toBeUndefined();
  });

  it("keeps what is open of one kind when the other is complete", () => {
    const rows = rowsPass(1, 1);
    const keys = rowsPass(2, 1, {
      kind: "keys",
      window: null,
      findsDeletes: true,
      sinceManifest: 0,
    });
    const progress = {
      ...{ ...EMPTY_PROGRESS, passNumber: 2, passes: { rows: rows.pass, keys: keys.pass } },
    };
    const commit = commitOf(progress, [
      { pass: rows.pass, splits: rows.splits.map((one) => read(one, 2, false)) },
      { pass: keys.pass, splits: keys.splits.map((one) => read(one, 3, true)) },
    ]);
    expect(commit?.after).toEqual({
      ...{ ...progress, lastManifest: 1, passes: { rows: rows.pass } },
      committed: { "rows-1/0000": 2 },
    });
    expect(commit?.manifest).toMatchObject({ rows: 20, keys: 30, window: rows.pass.window });
    expect(commit?.manifest?.completed).toEqual([
      {
        ...{ pass: "keys-2", kind: "keys", number: 2, startedAt: 2000, sinceManifest: 0 },
        ...{ findsDeletes: true, objects: ["keys-2/0000/0", "keys-2/0000/1", "keys-2/0000/2"] },
      },
    ]);
  });

  it("refuses to go on when a record is missing", () => {
    const { pass, splits } = rowsPass(1, 1);
    const progress = { ...EMPTY_PROGRESS, passNumber: 1, passes: { rows: pass } };
    const content = splits.map((split) => {
      const whole = read(split, 3, true);
      return { ...whole, objects: whole.objects.filter(({ sequence }) => sequence !== 1) };
    });
    expect(() => commitOf(progress, [{ pass, splits: content }])).toThrow(
      "counts 3 objects, 0 of them committed, but holds the records [0,2]",
    );
  });
});
