// What a deployment leaves in Systems Manager's Parameter Store, by which the command finds its parts.
import { z } from "zod";

/** The parameter's name. */
export const deploymentRecordName = (deployment: string): string => `/sluice/${deployment}`;

export const deploymentRecordSchema = z.strictObject({
  format: z.literal(1),
  deployment: z.string(),
  stateMachineArn: z.string(),
  bucket: z.string(),
  ledger: z.string(),
  buildJob: z.string(),
  /** The number of catalog stacks, by which definitions are found. */
  catalogStacks: z.int().positive(),
  warehouse: z
    .strictObject({ workgroup: z.string(), database: z.string(), secretArn: z.string() })
    .nullable(),
});
export type DeploymentRecord = z.infer<typeof deploymentRecordSchema>;
