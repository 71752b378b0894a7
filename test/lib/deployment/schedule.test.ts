// Which schedules EventBridge Scheduler takes, and how close together their runs come.
import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import { readSchedule } from "../../../lib/deployment/schedule.ts";

const HOUR = 3600;
const DAY = 24 * HOUR;

const gapOf = (expression: string): number | null => {
  const read = readSchedule(expression, 2026);
  if ("problem" in read) throw new Error(`${expression}: ${read.problem}`);
  return read.smallestGapSeconds;
};

describe("what it takes", () => {
  it.each<[string, number | null]>([
    ["rate(1 minute)", 60],
    ["rate(5 minutes)", 300],
    ["rate(1 hour)", HOUR],
    ["rate(12 hours)", 12 * HOUR],
    ["rate(1 day)", DAY],
    ["rate(7 days)", 7 * DAY],
    ["cron(0 10 * * ? *)", DAY],
    ["cron(15 12 * * ? *)", DAY],
    ["cron(0 18 ? * MON-FRI *)", DAY],
    ["cron(0 8 1 * ? *)", 28 * DAY],
    ["cron(0/10 * ? * MON-FRI *)", 600],
    ["cron(0/5 8-17 ? * MON-FRI *)", 300],
    ["cron(0 */6 * * ? *)", 6 * HOUR],
    ["cron(*/45 * * * ? *)", 15 * 60],
    ["cron(0,30 0,23 * * ? *)", 1800],
    ["cron(0 1,22 * * ? *)", 3 * HOUR],
    ["cron(15 10 ? * 6L 2026-2027)", 28 * DAY],
    ["cron(0 0 L * ? *)", 28 * DAY],
    ["cron(0 0 ? * L *)", 7 * DAY],
    ["cron(0 0 ? * 3#2 *)", 28 * DAY],
    ["cron(0 0 ? * MON#1 *)", 28 * DAY],
    // The workday nearest to the 15th: on Monday the 16th, then on Friday the 14th.
    ["cron(0 0 15W * ? *)", 28 * DAY],
    ["cron(0 0 1 JAN,JUL ? *)", 181 * DAY],
    ["cron(0 0 29 2 ? *)", 1461 * DAY],
    ["cron(0 0 1 1 ? 2030)", null],
    ["cron(0  5  *  *  ?  *)", DAY],
  ])("%s, every %s seconds at the closest", (expression, gap) => {
    expect(gapOf(expression)).toBe(gap);
  });
});

describe("what it rejects", () => {
  it.each([
    ["", "not an expression"],
    ["1 hour", "not an expression"],
    ["rate(1 hour", "not an expression"],
    [" rate(1 hour)", "not an expression"],
    ["rate (1 hour)", "not an expression"],
    ["Rate(1 hour)", "does not know Rate"],
    ["every(1 hour)", "does not know every"],
    ["at(2026-12-01T00:00:00)", "a single time"],
    ["rate()", "a whole number and a unit"],
    ["rate(hour)", "a whole number and a unit"],
    ["rate(1hour)", "a whole number and a unit"],
    ["rate(1.5 hours)", "a whole number and a unit"],
    ["rate(-1 hours)", "a whole number and a unit"],
    ["rate(5 seconds)", "a whole number and a unit"],
    ["rate(1 week)", "a whole number and a unit"],
    ["rate(1 Hour)", "a whole number and a unit"],
    ["rate(0 hours)", "0 is not a number of hours"],
    ["rate(1 hours)", "must be singular"],
    ["rate(5 hour)", "must be plural"],
    ["rate(99999999999999999999 days)", "is not a number of days"],
    ["cron()", "this has 0"],
    ["cron(0 5 * * *)", "this has 5"],
    ["cron(0 5 * * ? * *)", "this has 7"],
    ["cron(0 5 * * * *)", "both the day of the month and the day of the week are given"],
    ["cron(0 5 1 * MON *)", "both the day of the month and the day of the week are given"],
    ["cron(0 5 ? * ? *)", "are ?"],
    ["cron(? 5 * * ? *)", '"?" is not allowed as minutes'],
    ["cron(60 5 * * ? *)", '"60" is not allowed as minutes'],
    ["cron(*/60 * * * ? *)", "step that is out of range"],
    ["cron(0/0 * * * ? *)", "step that is out of range"],
    ["cron(0/ * * * ? *)", "step that is out of range"],
    ["cron(0/1/2 * * * ? *)", "is not allowed as minutes"],
    ["cron(0 24 * * ? *)", '"24" is not allowed as hours'],
    ["cron(0 -1 * * ? *)", '"" is not allowed as hours'],
    ["cron(0 1-2-3 * * ? *)", "not a range"],
    ["cron(0 17-8 * * ? *)", "goes backwards"],
    ["cron(0 5,* * * ? *)", "in a list"],
    ["cron(0 5, * * ? *)", '"" is not allowed as hours'],
    ["cron(0 5 0 * ? *)", '"0" is not allowed as day of the month'],
    ["cron(0 5 32 * ? *)", '"32" is not allowed as day of the month'],
    ["cron(0 5 32W * ? *)", '"32" is not allowed as day of the month'],
    ["cron(0 5 1,15W * ? *)", "is not allowed as day of the month"],
    ["cron(0 5 L-3 * ? *)", "is not allowed as day of the month"],
    ["cron(0 5 * 13 ? *)", '"13" is not allowed as month'],
    ["cron(0 5 * MAI ? *)", '"MAI" is not allowed as month'],
    ["cron(0 5 * jan ? *)", '"jan" is not allowed as month'],
    ["cron(0 5 ? * 0 *)", '"0" is not allowed as day of the week'],
    ["cron(0 5 ? * 8 *)", '"8" is not allowed as day of the week'],
    ["cron(0 5 ? * MON-FRI/2 *)", "is not allowed as day of the week"],
    ["cron(0 5 ? * 3#6 *)", "no 6th day"],
    ["cron(0 5 ? * 3#0 *)", "no 0th day"],
    ["cron(0 5 ? * 3#1,6#3 *)", "is not allowed as day of the week"],
    ["cron(0 5 * * ? 1969)", '"1969" is not allowed as year'],
    ["cron(0 5 * * ? 2200)", '"2200" is not allowed as year'],
    ["cron(0 5 * * ? 2020)", "is over"],
    ["cron(0 5 30 2 ? *)", "no such day"],
    [`cron(${"0,".repeat(130)}0 5 * * ? *)`, "characters"],
  ])("%j: %s", (expression, words) => {
    const read = readSchedule(expression, 2026);
    if (!("problem" in read)) throw new Error(`${expression} was taken`);
    expect(read.problem).toContain(words);
    expect(read.fix).not.toBe("");
  });

  it("says what to write for a wrong unit", () => {
    expect(readSchedule("rate(1 hours)")).toMatchObject({ fix: 'write "rate(1 hour)"' });
    expect(readSchedule("rate(5 hour)")).toMatchObject({ fix: 'write "rate(5 hours)"' });
  });
});

interface Cron {
  readonly minutes: readonly number[];
  readonly hours: readonly number[];
  readonly days: readonly number[];
  readonly byWeek: boolean;
}

const listOf = (least: number, most: number): fc.Arbitrary<number[]> =>
  fc.uniqueArray(fc.integer({ min: least, max: most }), { minLength: 1, maxLength: 4 });

const cronArbitrary: fc.Arbitrary<Cron> = fc
  .record({ minutes: listOf(0, 59), hours: listOf(0, 23), byWeek: fc.boolean() })
  .chain((rest) => listOf(1, rest.byWeek ? 7 : 28).map((days): Cron => ({ ...rest, days })));

test("the smallest gap of any list of minutes, hours and days is that of the moments themselves", () => {
  fc.assert(
    fc.property(cronArbitrary, ({ minutes, hours, days, byWeek }) => {
      const [monthDays, weekDays] = byWeek ? ["?", days.join(",")] : [days.join(","), "?"];
      const expression = `cron(${minutes.join(",")} ${hours.join(",")} ${monthDays} * ${weekDays} 2026)`;
      const moments: number[] = [];
      for (let at = Date.UTC(2026, 0, 1); at < Date.UTC(2027, 0, 1); at += 60_000) {
        const date = new Date(at);
        const day = byWeek ? date.getUTCDay() + 1 : date.getUTCDate();
        if (!days.includes(day)) at += DAY * 1000 - 60_000;
        else if (minutes.includes(date.getUTCMinutes()) && hours.includes(date.getUTCHours()))
          moments.push(at);
      }
      const gaps = moments.slice(1).map((at, index) => (at - (moments[index] ?? 0)) / 1000);
      expect(gapOf(expression)).toBe(Math.min(...gaps));
    }),
    { numRuns: 30 },
  );
});

test("no text makes it do anything but take it or say why not", () => {
  const piece = fc.constantFrom(
    ...["cron(", "rate(", ")", " ", "*", "?", "L", "W", "#", "/", ",", "-", "0", "1", "15", "MON"],
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 24 }), (pieces) => {
      const read = readSchedule(pieces.join(""), 2026);
      if ("problem" in read) expect(read.problem).not.toBe("");
      else if (read.smallestGapSeconds !== null) {
        expect(read.smallestGapSeconds).toBeGreaterThanOrEqual(60);
      }
    }),
    { numRuns: 2000 },
  );
});

test("every rate of the right form is taken, and its gap is its length", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 100_000 }),
      fc.constantFrom(["minute", 60] as const, ["hour", HOUR] as const, ["day", DAY] as const),
      (value, [unit, seconds]) => {
        expect(gapOf(`rate(${value} ${unit}${value === 1 ? "" : "s"})`)).toBe(value * seconds);
        expect(readSchedule(`rate(${value} ${unit}${value === 1 ? "s" : ""})`)).toHaveProperty(
          "fix",
        );
      },
    ),
  );
});
