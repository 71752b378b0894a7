// What EventBridge Scheduler takes as a recurring schedule, and how close together its runs come.
// https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-scheduled-rule-pattern.html (limits of cron and rate)

/** Why an expression is rejected, and what to write in its place. */
export interface ScheduleMistake {
  readonly problem: string;
  readonly fix: string;
}

/** Every how many seconds two runs follow each other where they are closest. Null: it comes once only. */
export interface SoundSchedule {
  readonly smallestGapSeconds: number | null;
}

/** The API's limit for an expression. */
const MOST_CHARACTERS = 256;
const SECONDS_OF = { minute: 60, hour: 3600, day: 86_400 } as const;
const DAY_MINUTES = 24 * 60;
const DAY_MILLIS = DAY_MINUTES * 60_000;
const FORMS = 'write "rate(1 hour)", "cron(0 5 * * ? *)" (each day at 05:00 UTC) or "off"';

interface Field {
  readonly name: string;
  readonly least: number;
  readonly most: number;
  /** The names that may stand for the numbers from `least` on. */
  readonly words?: readonly string[];
  /** Whether `/` may follow; AWS lists it for all fields but the day of the week. */
  readonly steps: boolean;
}

const MINUTES: Field = { name: "minutes", least: 0, most: 59, steps: true };
const HOURS: Field = { name: "hours", least: 0, most: 23, steps: true };
const DAY_OF_MONTH: Field = { name: "day of the month", least: 1, most: 31, steps: true };
const MONTH: Field = {
  ...{ name: "month", least: 1, most: 12, steps: true },
  words: ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"],
};
const DAY_OF_WEEK: Field = {
  ...{ name: "day of the week", least: 1, most: 7, steps: false },
  words: ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"],
};
const YEAR: Field = { name: "year", least: 1970, most: 2199, steps: true };

class Rejected extends Error {
  readonly mistake: ScheduleMistake;

  constructor(problem: string, fix: string) {
    super(problem);
    this.mistake = { problem, fix };
  }
}

/**
 * Checks a recurring schedule as EventBridge Scheduler would, in UTC, and measures its smallest gap.
 *
 * One-time schedules (`at(…)`) are rejected: a warehouse that is loaded once is not kept in sync. So is what AWS's
 * documentation does not say that it takes.
 *
 * @param thisYear the year from which on runs must come
 */
export function readSchedule(
  expression: string,
  thisYear = new Date().getUTCFullYear(),
): SoundSchedule | ScheduleMistake {
  try {
    if (expression.length > MOST_CHARACTERS) {
      throw new Rejected(
        `it has ${expression.length} characters, and EventBridge Scheduler takes ${MOST_CHARACTERS}`,
        "write a shorter one",
      );
    }
    const [, kind, inside] = /^(\w+)\((.*)\)$/s.exec(expression) ?? [];
    if (kind === undefined || inside === undefined) {
      throw new Rejected("it is not an expression of EventBridge Scheduler", FORMS);
    }
    switch (kind) {
      case "rate":
        return { smallestGapSeconds: readRate(inside) };
      case "cron":
        return { smallestGapSeconds: readCron(inside, thisYear) };
      case "at":
        throw new Rejected(
          "it runs a single time",
          'write rate(…) or cron(…); for single runs write "off" and start them with `sluice run --deployed`',
        );
      default:
        throw new Rejected(`EventBridge Scheduler does not know ${kind}(…)`, FORMS);
    }
  } catch (error) {
    if (error instanceof Rejected) return error.mistake;
    throw error;
  }
}

function readRate(inside: string): number {
  const [, digits, unit] = /^(\d+)\s+(minute|hour|day)s?$/.exec(inside) ?? [];
  const value = Number(digits);
  if (unit !== "minute" && unit !== "hour" && unit !== "day") {
    throw new Rejected(
      "a rate is a whole number and a unit: minute(s), hour(s) or day(s)",
      'write "rate(15 minutes)", "rate(1 hour)" or "rate(2 days)"',
    );
  }
  if (value === 0 || !Number.isSafeInteger(value)) {
    throw new Rejected(`${String(digits)} is not a number of ${unit}s`, `write "rate(1 ${unit})"`);
  }
  const expected = value === 1 ? unit : `${unit}s`;
  if (!inside.endsWith(expected)) {
    throw new Rejected(
      value === 1 ? "the unit of 1 must be singular" : "the unit of more than 1 must be plural",
      `write "rate(${value} ${expected})"`,
    );
  }
  return value * SECONDS_OF[unit];
}

function readCron(inside: string, thisYear: number): number | null {
  const fields = inside.trim().split(/\s+/);
  const [minutes = "", hours = "", dayOfMonth = "", month = "", dayOfWeek = "", year = ""] = fields;
  if (fields.length !== 6) {
    throw new Rejected(
      `cron has six fields, and this has ${inside.trim() === "" ? 0 : fields.length}`,
      'write minutes, hours, day of the month, month, day of the week and year, such as "cron(0 5 * * ? *)"',
    );
  }
  if ((dayOfMonth === "?") === (dayOfWeek === "?")) {
    throw new Rejected(
      dayOfMonth === "?"
        ? "both the day of the month and the day of the week are ?"
        : "both the day of the month and the day of the week are given",
      "write ? for one of them, and a value or * for the other",
    );
  }
  const times = [...valuesOf(hours, HOURS)]
    .flatMap((hour) => [...valuesOf(minutes, MINUTES)].map((minute) => hour * 60 + minute))
    .sort((a, b) => a - b);
  const days = daysOf(dayOfMonth, dayOfWeek);
  const months = valuesOf(month, MONTH);
  const years = [...valuesOf(year, YEAR)].filter((one) => one >= thisYear);
  if (years.length === 0) {
    throw new Rejected(`the year ${year} is over`, "write * for the year");
  }
  return smallestGap(times, matchingDays(years, months, days));
}

/** Days since 1970, in order. */
function* matchingDays(
  years: readonly number[],
  months: ReadonlySet<number>,
  isDay: DayTest,
): Generator<number> {
  for (const year of [...years].sort((a, b) => a - b)) {
    for (let month = 1; month <= 12; month += 1) {
      if (!months.has(month)) continue;
      const first = Date.UTC(year, month - 1, 1) / DAY_MILLIS;
      const length = Date.UTC(year, month, 1) / DAY_MILLIS - first;
      // 1970-01-01 was a Thursday, the fifth day of AWS's week.
      const weekdayOfFirst = ((first + 4) % 7) + 1;
      for (let day = 1; day <= length; day += 1) {
        if (isDay({ day, length, weekdayOfFirst })) yield first + day - 1;
      }
    }
  }
}

function smallestGap(times: readonly number[], days: Iterable<number>): number | null {
  const [first = 0] = times;
  const last = times.at(-1) ?? 0;
  let least = Infinity;
  for (const [index, time] of times.entries()) {
    if (index > 0) least = Math.min(least, time - (times[index - 1] ?? 0));
  }
  let count = 0;
  let before: number | undefined;
  for (const day of days) {
    count += 1;
    if (before !== undefined) {
      least = Math.min(least, (day - before) * DAY_MINUTES - last + first);
    }
    before = day;
  }
  if (count === 0) {
    throw new Rejected(
      "there is no such day",
      "correct the day of the month, the month, the day of the week or the year",
    );
  }
  return least === Infinity ? null : least * 60;
}

interface Day {
  readonly day: number;
  /** Days of its month. */
  readonly length: number;
  /** 1 is Sunday. */
  readonly weekdayOfFirst: number;
}
type DayTest = (day: Day) => boolean;

function daysOf(dayOfMonth: string, dayOfWeek: string): DayTest {
  return dayOfWeek === "?" ? daysOfMonth(dayOfMonth) : daysOfWeek(dayOfWeek);
}

function daysOfMonth(text: string): DayTest {
  if (text === "L") return ({ day, length }) => day === length;
  const [, near] = /^(\d{1,2})W$/.exec(text) ?? [];
  if (near !== undefined) {
    const target = numberOf(near, DAY_OF_MONTH);
    return (date) => target <= date.length && date.day === workdayNear(target, date);
  }
  rejectSpecial(
    text,
    DAY_OF_MONTH,
    /[LW#]/i,
    "L (the last day) or 15W (the workday nearest to 15)",
  );
  const days = valuesOf(text, DAY_OF_MONTH);
  return ({ day }) => days.has(day);
}

/** The day from Monday to Friday in the same month that is nearest to a day. */
function workdayNear(day: number, { length, weekdayOfFirst }: Day): number {
  const weekday = weekdayOf(day, weekdayOfFirst);
  if (weekday === 7) return day === 1 ? 3 : day - 1;
  if (weekday === 1) return day === length ? day - 2 : day + 1;
  return day;
}

const weekdayOf = (day: number, weekdayOfFirst: number): number =>
  ((weekdayOfFirst - 1 + day - 1) % 7) + 1;

function daysOfWeek(text: string): DayTest {
  if (text === "L") return ({ day, weekdayOfFirst }) => weekdayOf(day, weekdayOfFirst) === 7;
  const [, weekdayText, mark, which] = /^(\w+?)(?:(L)|#(\d+))$/.exec(text) ?? [];
  if (weekdayText !== undefined) {
    const weekday = numberOf(weekdayText, DAY_OF_WEEK);
    const isIt = ({ day, weekdayOfFirst }: Day): boolean =>
      weekdayOf(day, weekdayOfFirst) === weekday;
    if (mark === "L") return (date) => isIt(date) && date.day + 7 > date.length;
    const number = Number(which);
    if (number < 1 || number > 5) {
      throw new Rejected(
        `a month has no ${which ?? ""}th day of a kind`,
        `write ${weekdayText}#1 to ${weekdayText}#5 for the day of the week`,
      );
    }
    return (date) => isIt(date) && Math.ceil(date.day / 7) === number;
  }
  rejectSpecial(text, DAY_OF_WEEK, /#/, "one day, such as 2#1 (the first Monday)");
  const weekdays = valuesOf(text, DAY_OF_WEEK);
  return ({ day, weekdayOfFirst }) => weekdays.has(weekdayOf(day, weekdayOfFirst));
}

function rejectSpecial(text: string, field: Field, special: RegExp, forms: string): void {
  if (!special.test(text)) return;
  throw new Rejected(
    `${JSON.stringify(text)} is not allowed as ${field.name}`,
    `write ${forms} alone, or numbers`,
  );
}

/** The numbers that a field of `,`, `-`, `*` and `/` stands for. */
function valuesOf(text: string, field: Field): Set<number> {
  const parts = text.split(",");
  if (parts.length > 1 && parts.includes("*")) {
    throw new Rejected(
      `${JSON.stringify(text)} has * in a list of ${field.name}`,
      "write * alone, or the values",
    );
  }
  return new Set(parts.flatMap((part) => valuesOfPart(part, field)));
}

function valuesOfPart(part: string, field: Field): number[] {
  const [range = "", stepText, ...more] = part.split("/");
  if (more.length > 0 || (stepText !== undefined && !field.steps)) {
    throw new Rejected(
      `${JSON.stringify(part)} is not allowed as ${field.name}`,
      field.steps ? "write one / only" : "list the days in place of steps, such as MON,WED,FRI",
    );
  }
  const [from, to] = boundsOf(range, field, stepText !== undefined);
  const step = stepText === undefined ? 1 : Number(/^\d+$/.exec(stepText)?.[0] ?? 0);
  if (step < 1 || step > field.most) {
    throw new Rejected(
      `${JSON.stringify(part)} has a step that is out of range`,
      `write a whole number from 1 to ${field.most} after / for the ${field.name}`,
    );
  }
  const values: number[] = [];
  for (let value = from; value <= to; value += step) values.push(value);
  return values;
}

function boundsOf(range: string, field: Field, hasStep: boolean): [number, number] {
  if (range === "*") return [field.least, field.most];
  const [fromText = "", toText, ...more] = range.split("-");
  if (more.length > 0) {
    throw new Rejected(`${JSON.stringify(range)} is not a range`, "write two values with one -");
  }
  const from = numberOf(fromText, field);
  if (toText === undefined) return [from, hasStep ? field.most : from];
  const to = numberOf(toText, field);
  if (to < from) {
    throw new Rejected(
      `the range ${range} of ${field.name} goes backwards`,
      "write the smaller value first, or list the values with commas",
    );
  }
  return [from, to];
}

function numberOf(text: string, { name, least, most, words = [] }: Field): number {
  const word = words.indexOf(text);
  const number = word >= 0 ? word + least : /^\d+$/.test(text) ? Number(text) : NaN;
  if (number >= least && number <= most) return number;
  const names = words.length === 0 ? "" : ` or ${words[0] ?? ""} to ${words.at(-1) ?? ""}`;
  throw new Rejected(
    `${JSON.stringify(text)} is not allowed as ${name}`,
    `write ${least} to ${most}${names} for the ${name}`,
  );
}
