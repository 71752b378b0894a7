// Whether a run's build is due, and why.
import { z } from "zod";

export const decisionSchema = z.strictObject({ build: z.boolean(), reason: z.string() });
export type Decision = z.infer<typeof decisionSchema>;
