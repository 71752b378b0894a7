// What a benchmark sends to the process that makes the foreground's load, and the response.
import { z } from "zod";
import { SYSTEMS } from "../sources/table.ts";

export const loadSettingsSchema = z.strictObject({
  system: z.enum(SYSTEMS),
  /** `http://127.0.0.1:9200`, or `127.0.0.1:9042`. */
  address: z.string(),
  requestsPerSecond: z.number().positive(),
  seed: z.int(),
  /** Rows that were written, and the clock then: the keys that exist follow from them. */
  history: z.looseObject({
    seed: z.int(),
    rows: z.record(z.string(), z.int()),
    nowMillis: z.int(),
  }),
});
export type LoadSettings = z.infer<typeof loadSettingsSchema>;

/** Requests the latencies of what was due from one moment of the machine's clock to another. */
export const latenciesRequestSchema = z.strictObject({
  fromMillis: z.number(),
  toMillis: z.number(),
});
export type LatenciesRequest = z.infer<typeof latenciesRequestSchema>;

export const latenciesSchema = z.strictObject({
  /** From the moment that a request was due until its response was there, milliseconds. */
  latencies: z.array(z.number()),
  /** Requests that failed, or had no response after half a minute; they are not among the latencies. */
  failed: z.int(),
});
export type Latencies = z.infer<typeof latenciesSchema>;

/** The machine's clock, the same in all processes; milliseconds. */
export const monotonicMillis = (): number => Number(process.hrtime.bigint()) / 1e6;
