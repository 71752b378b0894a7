// The fields of tables that source systems share: how changed and deleted rows are found.
import { z } from "zod";
import { checkedNumber } from "../contract/checked-value.ts";

const MAX_LAG_SECONDS = 86_400;
const MAX_HOURS = 8760;

/** Share of a table's live rows above which deletes found by comparing keys are held back and reported. */
export const DEFAULT_MAX_DELETED_SHARE = 0.1;

/** Rows that were read are read again to find what came too late; it is loaded, counted and reported. */
const lateRowsSchema = z.strictObject({
  /** Hours between two such readings (0: in each run). */
  everyHours: checkedNumber({
    isSound: (hours) => hours >= 0 && hours <= MAX_HOURS,
    wanted: `hours from 0 to ${MAX_HOURS}`,
  }),
  /** How far before the window it looks, hours. */
  reachHours: checkedNumber({
    isSound: (hours) => hours >= 1 && hours <= MAX_HOURS,
    wanted: `hours from 1 to ${MAX_HOURS}`,
  }),
});

/** How changed rows are found: the field that grows with each change. */
export const cursorSchema = z.strictObject({
  /** A declared column of type timestamp or long. */
  column: z.string(),
  /** The window ends this long before now; more than the index's refresh interval and the clocks' skew. Seconds. */
  lagSeconds: checkedNumber({
    isSound: (seconds) => seconds > 0 && seconds <= MAX_LAG_SECONDS,
    wanted: `more seconds than rows take to become searchable, at most ${MAX_LAG_SECONDS}`,
  }),
  /** How far a window reaches back before the watermark for rows that became searchable late. Seconds (or cursor units, for a long). */
  overlapSeconds: checkedNumber({
    isSound: (seconds) => seconds >= 0 && seconds <= Number.MAX_SAFE_INTEGER,
    wanted: "how late a row may become searchable, from 0",
  }),
  /** How rows are found that came later than the overlap. Timestamps only. Default: each week, eight days back. */
  lateRows: z.union([z.literal(false), lateRowsSchema]).optional(),
});

const strategies = {
  none: z.strictObject({ strategy: z.literal("none") }),
  softDelete: z.strictObject({
    strategy: z.literal("soft-delete"),
    /** A boolean column that is true, or a timestamp column that is not null, marks a deleted row. */
    column: z.string(),
  }),
  keyScan: z.strictObject({
    strategy: z.literal("key-scan"),
    /** All keys are read again every so many hours (0: in each run); what is missing is gone. */
    everyHours: checkedNumber({
      isSound: (hours) => hours >= 0 && hours <= MAX_HOURS,
      wanted: `hours from 0 (in each run) to ${MAX_HOURS}`,
    }),
    /** Above this share of the live rows deletes are held back and reported. Default 0.1. */
    maxShare: share(),
  }),
  fullScan: z.strictObject({
    strategy: z.literal("full-scan"),
    /** Above this share of the live rows deletes are held back and reported. Default 0.1. */
    maxShare: share(),
  }),
};

function share() {
  return checkedNumber(
    {
      isSound: (value) => value >= 0 && value <= 1,
      wanted: "a share of the live rows, from 0 to 1",
    },
    DEFAULT_MAX_DELETED_SHARE,
  );
}

const { none, softDelete, keyScan, fullScan } = strategies;

/** How rows deleted at the source are seen. `key-scan` is for tables of which only changes are read, `full-scan` for all others. */
export const deletesSchema = z.discriminatedUnion("strategy", [
  none,
  softDelete,
  keyScan,
  fullScan,
]);

export type Cursor = Readonly<z.input<typeof cursorSchema>>;
export type Deletes = Readonly<z.input<typeof deletesSchema>>;

/** Deletes of a table of which only what changed is read. */
export type DeletesBesideChanges = Exclude<Deletes, { readonly strategy: "full-scan" }>;
/** Deletes of a table of which each pass reads all rows. */
export type DeletesBesideAllRows = Exclude<Deletes, { readonly strategy: "key-scan" }>;
