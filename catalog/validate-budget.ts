// All mistakes in a source's load budget.
import type { Mistake } from "./errors.ts";
import { DEFAULT_BUDGETS } from "./resolve.ts";
import type { ExtractionHours, LoadBudget, Source } from "./table.ts";

type Numeric =
  | "lanes"
  | "dutyCycle"
  | "maxRowsPerSecond"
  | "maxBytesPerSecond"
  | "pageRows"
  | "maxSecondsPerRun"
  | "shardsAtOnce";

interface Range {
  readonly isSound: (value: number) => boolean;
  readonly allowed: string;
}

const A_WEEK_SECONDS = 7 * 86_400;
const TIME_OF_DAY = /^([01]\d|2[0-3]):[0-5]\d$/;
const MAX_PREFERENCE_LENGTH = 500;

const whole = (from: number, to: number): Range => ({
  isSound: (value) => Number.isInteger(value) && value >= from && value <= to,
  allowed: `a whole number from ${from} to ${to}`,
});
const positive: Range = {
  isSound: (value) => value > 0 && value < Infinity,
  allowed: "a number above 0",
};

const ranges: Record<Numeric, Range> = {
  lanes: whole(1, 40),
  dutyCycle: {
    isSound: (value) => value > 0 && value <= 1,
    allowed: "a number above 0 and at most 1",
  },
  maxRowsPerSecond: positive,
  maxBytesPerSecond: positive,
  pageRows: whole(1, 10_000),
  maxSecondsPerRun: {
    isSound: (value) => value > 0 && value <= A_WEEK_SECONDS,
    allowed: `seconds above 0 and at most ${A_WEEK_SECONDS} (a week)`,
  },
  shardsAtOnce: whole(1, 100),
};

const SYSTEM_OF: Partial<Record<keyof LoadBudget, Source["system"]>> = {
  shardsAtOnce: "elasticsearch",
  preference: "elasticsearch",
  dataCenter: "cassandra",
};

/** All mistakes in the budget of one source. */
export function* mistakesInBudget(source: Source, sourcePlace: string): Generator<Mistake> {
  const { budget = {}, system } = source;
  // The catalog's systems only by its type: a person may have written another.
  const byDefault = Object.hasOwn(DEFAULT_BUDGETS, system) ? DEFAULT_BUDGETS[system] : undefined;
  const placeOf = (name: string): string => `${sourcePlace}, budget.${name}`;
  for (const name of Object.keys(ranges) as Numeric[]) {
    const value = budget[name];
    const { isSound, allowed } = ranges[name];
    if (value !== undefined && !(typeof value === "number" && isSound(value))) {
      yield {
        place: placeOf(name),
        problem: `${shown(value)} is out of range`,
        fix: `write ${allowed}${byDefault === undefined ? "" : `; the default is ${byDefault[name]}`}`,
      };
    }
  }
  for (const [name, owner] of Object.entries(SYSTEM_OF) as [keyof LoadBudget, string][]) {
    if (budget[name] !== undefined && system !== owner) {
      yield {
        place: placeOf(name),
        problem: `${shown(budget[name])} is for ${owner}, and this source is ${system}`,
        fix: "remove it",
      };
    }
  }
  if (budget.hours !== undefined) yield* mistakesInHours(budget.hours, placeOf("hours"));
  if (budget.preference !== undefined)
    yield* mistakesInPreference(budget.preference, placeOf("preference"));
  if (budget.dataCenter !== undefined && !isText(budget.dataCenter)) {
    yield {
      place: placeOf("dataCenter"),
      problem: `${shown(budget.dataCenter)} is no name`,
      fix: "write the data center as `nodetool status` shows it, or remove it",
    };
  }
}

function* mistakesInHours(hours: ExtractionHours, place: string): Generator<Mistake> {
  // Widened: what is looked at was written by a person, and types do not hold at run time.
  const written: unknown = hours;
  if (typeof written !== "object" || written === null) {
    yield {
      place,
      problem: `${shown(written)} is no description of hours`,
      fix: 'write {timeZone: "Europe/Berlin", from: "22:00", to: "05:00"}, or remove it',
    };
    return;
  }
  const { timeZone, from, to } = hours;
  if (!isKnownTimeZone(timeZone)) {
    yield {
      place: `${place}.timeZone`,
      problem: `${shown(timeZone)} is no time zone`,
      fix: 'write an IANA name such as "Europe/Berlin", or "UTC"',
    };
  }
  for (const [name, time] of [
    ["from", from],
    ["to", to],
  ] as const) {
    if (typeof time !== "string" || !TIME_OF_DAY.test(time)) {
      yield {
        place: `${place}.${name}`,
        problem: `${shown(time)} is no time of day`,
        fix: 'write two digits for the hour, 00 to 23, and two for the minute, such as "05:30"',
      };
    }
  }
  if (from === to) {
    yield {
      place,
      problem: `they open and close at ${shown(from)}, which could mean never or always`,
      fix: "remove hours to read at all times, or write two times",
    };
  }
}

function isKnownTimeZone(timeZone: string): boolean {
  if (!isText(timeZone)) return false;
  try {
    new Intl.DateTimeFormat("en", { timeZone });
    return true;
  } catch {
    return false;
  }
}

function* mistakesInPreference(preference: string, place: string): Generator<Mistake> {
  if (!isText(preference) || preference.length > MAX_PREFERENCE_LENGTH) {
    yield {
      place,
      problem: `${shown(preference)} is no search preference`,
      fix: `write one of at most ${MAX_PREFERENCE_LENGTH} characters, such as "_only_nodes:rack:reports"`,
    };
  } else if (preference.startsWith("_shards")) {
    yield {
      place,
      problem: `${shown(preference)} leaves out all other shards, and their rows`,
      fix: 'name nodes in place of shards, such as "_prefer_nodes:a,b"',
    };
  } else if (
    preference.startsWith("_") &&
    !/^(_local|_only_local|_(only|prefer)_nodes:.+)$/.test(preference)
  ) {
    yield {
      place,
      problem: `${shown(preference)} is none that Elasticsearch knows`,
      fix: 'write "_local", "_only_local", "_only_nodes:…", "_prefer_nodes:…", or a word without "_" first',
    };
  }
}

function isText(value: unknown): value is string {
  return typeof value === "string" && value.trim() !== "";
}

/** A value as it was written; JSON has no words for NaN and undefined. */
function shown(value: unknown): string {
  return typeof value === "number" || value === undefined ? String(value) : JSON.stringify(value);
}
