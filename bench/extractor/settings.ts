// What a benchmark sends to the extractor's own process, and what that process reports.
import { z } from "zod";
import { budgetSchema } from "../../catalog/definition.ts";
import { SYSTEMS } from "../sources/table.ts";

export const extractorSettingsSchema = z.strictObject({
  system: z.enum(SYSTEMS),
  /** The source's secret, as Secrets Manager would hold it. */
  secretText: z.string(),
  budget: budgetSchema,
  /** This process's lane, from 0, and how many there are: each reads every so many-th split. */
  lane: z.int().nonnegative(),
  lanes: z.int().positive(),
  /** When the window was planned, so that all lanes cut it alike; milliseconds. */
  plannedAt: z.int(),
  /** Objects are written below it. */
  folder: z.string(),
  /** `once`: reads the table and ends. `on-command`: reads it again and again between `go` and `pause`. */
  mode: z.enum(["once", "on-command"]),
});
export type ExtractorSettings = z.infer<typeof extractorSettingsSchema>;

/** The commands of a process that reads (or burns) between `go` and `pause`. */
export const commandSchema = z.enum(["go", "pause", "report"]);
export type Command = z.infer<typeof commandSchema>;

/** What a lane used between two pauses: the client's CPU comes after the time in which it only waited for the source. */
export const burstSchema = z.strictObject({
  pauseMillis: z.number().nonnegative(),
  askMillis: z.number().nonnegative(),
  cpuMicros: z.number().nonnegative(),
});
export type Burst = z.infer<typeof burstSchema>;

export const reportSchema = z.strictObject({
  rows: z.number(),
  batches: z.number(),
  bursts: z.array(burstSchema),
});
export type ReaderReport = z.infer<typeof reportSchema>;

/** What is known at the end of a reading of the whole table. */
export const outcomeSchema = z.strictObject({
  rows: z.number(),
  objects: z.number(),
  /** CPU seconds of the process's threads by their name. */
  threads: z.record(z.string(), z.number()),
});
export type Outcome = z.infer<typeof outcomeSchema>;
