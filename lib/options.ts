// What a deployment chooses, whether in its file or as properties of `Sluice`: one schema, parsed and checked before
// anything is made.
import { z } from "zod";
import { MAX_CATALOG_STACKS } from "../catalog/placement.ts";
import { shown } from "../contract/mistake.ts";
import { readSchedule } from "./deployment/schedule.ts";

const whole = (least: number, most: number) => {
  const error = `write a whole number from ${least} to ${most}`;
  return z.int({ error }).min(least, { error }).max(most, { error });
};

/** Each has the description that editors, docs/deploying.md and messages show. */
export const optionsSchema = z.strictObject({
  enabled: z
    .boolean()
    .describe(
      "Whether the schedule and the alarm for missing runs are on. Begin with false: runs are started by hand.",
    ),
  schedule: z
    .string()
    .superRefine((expression, context) => {
      if (expression === "off") return;
      const read = readSchedule(expression);
      if (!("problem" in read)) return;
      context.addIssue({
        ...{ code: "custom", message: `${shown(expression)}: ${read.problem}` },
        params: { fix: read.fix },
      });
    })
    .default("rate(1 hour)")
    .describe(
      "When all tables are run: rate(…) or cron(…) of EventBridge Scheduler, in UTC, or off: something else starts runs.",
    ),
  warehouse: z
    .enum(["redshift-serverless", "none"], { error: 'write "redshift-serverless" or "none"' })
    .default("redshift-serverless")
    .describe("Where people read: redshift-serverless, or none for the lake alone."),
  alarmAfterHours: whole(1, 168)
    .default(24)
    .describe(
      "Hours without a run that succeeded after which there is an alarm: at most 168, for CloudWatch looks back a week.",
    ),
  adopt: z
    .boolean()
    .default(false)
    .describe(
      "Takes over what an earlier deployment of this name left: see docs/deploying.md, Taking it down.",
    ),
  alarmEmail: z
    .email({ error: "write one mail address" })
    .optional()
    .describe("Where alarms and failed runs are mailed to; the subscription must be confirmed."),
  extractTimeoutSeconds: whole(10, 900)
    .default(900)
    .describe("Time-out of one invocation of Extract, seconds."),
  extractMemoryMegabytes: whole(256, 10_240).default(512).describe("Memory of Extract, MB."),
  catalogStacks: whole(1, MAX_CATALOG_STACKS)
    .superRefine((stacks, context) => {
      if (Number.isInteger(Math.log2(stacks))) return;
      context.addIssue({
        ...{ code: "custom", message: `${shown(stacks)} is not a power of two` },
        params: { fix: "write 1, 2, 4, 8 …" },
      });
    })
    .default(4)
    .describe(
      "Stacks that hold the catalog's entries, a power of two; each holds about 70 tables of 60 columns.",
    ),
  buildWorkers: whole(2, 100).default(2).describe("Workers (G.1X) of the Glue job."),
});

/** All options, every default filled in. */
export type Options = z.output<typeof optionsSchema>;
