// What an engineer writes for a source, a table and a model: inert data with an owner. Each thing has one schema, from
// which its type, its defaults and its form in the Data Catalog follow.
import { z } from "zod";
import { checkedNumber, checkedText, isText, wholeFrom } from "../contract/checked-value.ts";
import { type ColumnType, TYPE_FORMS } from "../contract/column-types.ts";
import { shown } from "../contract/mistake.ts";
import type { SourceDeclaration } from "../sources/declaration.ts";
import type { SourceSystem, SourceSystems } from "../sources/declarations.ts";
import {
  type Cursor,
  type cursorSchema,
  type Deletes,
  type DeletesBesideAllRows,
  type DeletesBesideChanges,
  deletesSchema,
} from "../sources/table-fields.ts";

export type { Cursor, Deletes };

const A_WEEK_SECONDS = 7 * 86_400;
const MAX_BUCKETS = 10_000;

const positive = {
  isSound: (value: number) => value > 0 && value < Infinity,
  wanted: "a number above 0",
};

const timeOfDay = checkedText({
  isSound: (text) => /^([01]\d|2[0-3]):[0-5]\d$/.test(text),
  problem: "is not a time of day",
  wanted: 'two digits for the hour, 00 to 23, and two for the minute, such as "05:30"',
});

/** When a source may be read: from one local time of day to another, over midnight where `to` is not after `from`. */
export const hoursSchema = z
  .strictObject(
    {
      /** An IANA name, such as `Europe/Berlin`; `UTC` for none. */
      timeZone: checkedText({
        isSound: isKnownTimeZone,
        problem: "is not a time zone",
        wanted: 'an IANA name such as "Europe/Berlin", or "UTC"',
      }),
      /** `HH:MM`, local time. */
      from: timeOfDay,
      /** `HH:MM`, local time; reading has stopped by then. */
      to: timeOfDay,
    },
    { error: 'write {timeZone: "Europe/Berlin", from: "22:00", to: "05:00"}, or remove it' },
  )
  .superRefine(({ from, to }, context) => {
    if (from !== to) return;
    context.addIssue({
      code: "custom",
      message: `they open and close at ${shown(from)}, which could mean never or always`,
      params: { fix: "remove hours to read at all times, or write two times" },
    });
  });

function isKnownTimeZone(timeZone: string): boolean {
  if (!isText(timeZone)) return false;
  try {
    new Intl.DateTimeFormat("en", { timeZone });
    return true;
  } catch {
    return false;
  }
}

/** Chosen, as the other defaults, by what it does to the customers' waiting (docs/benchmarks.md). */
const DUTY_CYCLE = 0.05;

/** What all readers of one source together may cost it, whatever its system. */
function budgetFieldsOf(dutyCycle: number) {
  return {
    /** Chains that may read at the same time. Default 1. */
    lanes: checkedNumber(wholeFrom(1, 40), 1),
    /** The fraction of one source thread that a lane may use, in (0, 1]. Default 0.05; for Cassandra 0.02. */
    dutyCycle: checkedNumber(
      {
        isSound: (value) => value > 0 && value <= 1,
        wanted: "a number above 0 and at most 1",
      },
      dutyCycle,
    ),
    /** Rows per second over all lanes. Default 5000. */
    maxRowsPerSecond: checkedNumber(positive, 5000),
    /** Bytes of responses per second over all lanes. Default 10000000. */
    maxBytesPerSecond: checkedNumber(positive, 10_000_000),
    /** Rows asked for in one batch. Default 100; fewer where documents are large. */
    pageRows: checkedNumber(wholeFrom(1, 10_000), 100),
    /** Seconds of extraction in one run; what was read by then is committed. Default 1800. */
    maxSecondsPerRun: checkedNumber(
      {
        isSound: (value) => value > 0 && value <= A_WEEK_SECONDS,
        wanted: `seconds above 0 and at most ${A_WEEK_SECONDS} (a week)`,
      },
      // Half of the hour between two runs by default: with what Plan (300 s), an invocation that is tried again (900 s)
      // and Commit (300 s) may take at most, a run's reading is over before the next run begins.
      1800,
    ),
    /** The hours in which the source may be read. Default: all. */
    hours: hoursSchema.nullable().default(null),
  };
}

/** The part of a budget that every system has. */
export const commonBudgetSchema = z.strictObject(budgetFieldsOf(DUTY_CYCLE));

/** A budget as it is written for sources of one system. */
export function budgetSchemaOf({ budget, dutyCycle = DUTY_CYCLE }: SourceDeclaration) {
  return z.strictObject({ ...budgetFieldsOf(dutyCycle), ...budget });
}

const text = z.string();
const owner = z.string().describe("the team that is responsible for it");
const texts = z.array(text).readonly();

/** The fields of each source, whatever its system. */
export const sourceFields = {
  name: text,
  owner,
  description: text,
};

/** One column. */
export const columnSchema = z.strictObject({
  /** Lower-case letters, digits and underscores. */
  name: text,
  /** Checked by itself, for its mistakes are reported with the place in it. */
  type: z.custom<ColumnType>().describe(TYPE_FORMS),
  /** What a value means, with its unit. */
  description: text,
  /** Where the value stands in the source's document. Default: `[name]`. `["_id"]` is Elasticsearch's id. */
  path: texts.optional(),
  /** A null in a column that is not nullable sends the row to quarantine. Default true. */
  nullable: z.boolean().default(true),
  /** Personal data. Default false. */
  personal: z.boolean().default(false),
});

export const partitionSchema = z.strictObject({
  column: text,
  transform: z.union(
    [
      z.enum(["identity", "day", "month"]),
      z.strictObject({ bucket: checkedNumber(wholeFrom(1, MAX_BUCKETS)) }),
    ],
    { error: 'write "identity", "day", "month" or {bucket: n}' },
  ),
});

/** A declared test. */
export const checkSchema = z.strictObject({
  name: text,
  /** The SQL predicate that is true for bad rows. */
  badRows: checkedText({
    isSound: (predicate) => isText(predicate) && !predicate.includes(";"),
    problem: "is not a predicate",
    wanted: "one SQL predicate that is true for bad rows, without a semicolon",
  }),
  /** `error` keeps readers on the last good version. */
  severity: z.enum(["error", "warn"]),
});

/** How the warehouse table is laid out in Redshift. */
export const publishSchema = z.strictObject({
  /** Default: even. */
  distribution: z
    .discriminatedUnion("style", [
      z.strictObject({ style: z.literal("even") }),
      z.strictObject({ style: z.literal("all") }),
      z.strictObject({ style: z.literal("key"), column: text }),
    ])
    .default({ style: "even" }),
  /** Default: none. */
  sortKeys: texts.default([]),
});

const EVERYWHERE = publishSchema.parse({});

/** What tables and models have in common. */
export const entryFields = {
  name: text,
  owner,
  description: text.describe("a sentence that says what it holds"),
  key: texts.describe("the columns that distinguish one row from all others"),
  columns: z.array(columnSchema).readonly(),
  partitioning: z.array(partitionSchema).readonly().default([]),
  checks: z.array(checkSchema).readonly().default([]),
  /** False keeps it in the lake only. Default: published, even distribution, no sort key. */
  publish: z.union([z.literal(false), publishSchema]).default(EVERYWHERE),
};

const named = z.looseObject({ name: text });

/** What tables of all systems have in common. */
export const tableFields = {
  ...entryFields,
  source: z.looseObject({ name: text, system: text }),
  deletes: deletesSchema,
};

/** A table as it is written for one system. */
export function tableSchemaOf({ from, fields }: SourceDeclaration) {
  return z.strictObject({ ...tableFields, from, ...fields });
}

export const modelSchema = z.strictObject({
  ...entryFields,
  inputs: z.array(named).readonly(),
  script: z.instanceof(URL, { error: 'write new URL("NAME.sql", import.meta.url)' }),
});

export const catalogSchema = z.strictObject({
  sources: z.array(named),
  tables: z.array(named),
  models: z.array(named),
});

export type ExtractionHours = Readonly<z.input<typeof hoursSchema>>;
export type Column = Readonly<z.input<typeof columnSchema>>;
export type Partition = Readonly<z.input<typeof partitionSchema>>;
export type Check = Readonly<z.input<typeof checkSchema>>;
export type Publish = Readonly<z.input<typeof publishSchema>>;
type Entry = Readonly<z.input<z.ZodObject<typeof entryFields>>>;

/** The part of a budget that every system has. */
export type LoadBudget = Readonly<z.input<typeof commonBudgetSchema>>;

/** What is written for the fields of a shape, which may have none. */
type Written<Shape extends z.ZodRawShape> = [keyof Shape] extends [never]
  ? unknown
  : Readonly<z.input<z.ZodObject<Shape>>>;

/** A source of one system. */
export type SourceOf<System extends SourceSystem> = Readonly<
  z.input<z.ZodObject<typeof sourceFields>>
> & {
  readonly system: System;
  /** What reading it may cost it. The defaults do it no harm. */
  readonly budget?: (LoadBudget & Written<SourceSystems[System]["budget"]>) | undefined;
};

/** A live database cluster that serves customers. Its address and password are in the secret `<deployment>/source/<name>`. */
export type Source = { [System in SourceSystem]: SourceOf<System> }[SourceSystem];

/** Which deletes go with which way to find changes; where that is a plain `cursor`, the compiler holds it. */
type Reading<Fields extends z.ZodRawShape> = Fields extends {
  readonly cursor: z.ZodOptional<typeof cursorSchema>;
}
  ? Written<Omit<Fields, "cursor">> &
      (
        | {
            /** How changed rows are found: the field that grows with each change. */
            readonly cursor: Cursor;
            /** How rows deleted at the source are seen. */
            readonly deletes: DeletesBesideChanges;
          }
        | { readonly cursor?: undefined; readonly deletes: DeletesBesideAllRows }
      )
  : Written<Fields> & {
      /** How rows deleted at the source are seen. */
      readonly deletes: Deletes;
    };

/** A table that is read from a source of one system. */
export type TableOf<System extends SourceSystem> = Entry & {
  readonly source: SourceOf<System>;
  readonly from: Readonly<z.input<SourceSystems[System]["from"]>>;
} & Reading<SourceSystems[System]["fields"]>;

export type Table = { [System in SourceSystem]: TableOf<System> }[SourceSystem];

/** A table derived from others by the SQL or Python file beside it. */
export interface Model extends Entry {
  readonly inputs: readonly (Table | Model)[];
  /** The file: `.sql` with one SELECT over the inputs by name, or `.py` with `def model(<input>: DataFrame, …) -> DataFrame`. */
  readonly script: URL;
}

export interface Catalog {
  readonly sources: readonly Source[];
  readonly tables: readonly Table[];
  readonly models: readonly Model[];
}
