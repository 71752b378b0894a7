// What a benchmark tells the process that makes the foreground's load, and what that answers.
import { z } from "zod";
import { SYSTEMS } from "../sources/table.ts";

export const loadSettingsSchema = z.strictObject({
  system: z.enum(SYSTEMS),
  /** `http://127.0.0.1:9200`, or `127.0.0.1:9042`. */
  address: z.string(),
  requestsPerSecond: z.number().positive(),
  seed: z.int(),
  /** Rows that were written, and the clock then: which keys there are follows from them. */
  history: z.looseObject({
    seed: z.int(),
    rows: z.record(z.string(), z.int()),
    nowMillis: z.int(),
  }),
});
export type LoadSettings = z.infer<typeof loadSettingsSchema>;

/** Asks for the latencies of the requests that were due from one moment of the machine's clock to another. */
export const questionSchema = z.strictObject({ fromMillis: z.number(), toMillis: z.number() });
export type Question = z.infer<typeof questionSchema>;

export const answerSchema = z.strictObject({
  /** From the moment that a request was due until its answer was there, milliseconds. */
  latencies: z.array(z.number()),
  /** Requests that failed, or had no answer after half a minute; they are not among the latencies. */
  failed: z.int(),
});
export type Answer = z.infer<typeof answerSchema>;

/** The machine's clock, the same in all processes; milliseconds. */
export const monotonicMillis = (): number => Number(process.hrtime.bigint()) / 1e6;
