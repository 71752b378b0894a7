// The names that outlive a deployment, and what is found under them.
import { z } from "zod";

const retainedKindSchema = z.enum(["bucket", "table", "database", "secret"]);
export type RetainedKind = z.output<typeof retainedKindSchema>;

export const retainedNameSchema = z.object({
  kind: retainedKindSchema,
  name: z.string().min(1),
  /** Of the resource in the stack, as `cdk import` names it. */
  logicalId: z.string().min(1),
  /** Whether it holds a part of the data that means nothing without the other parts: bucket, ledger and lake. */
  isData: z.enum(["true", "false"]),
});
export type RetainedName = z.output<typeof retainedNameSchema>;

/** Something that exists under a name. */
export interface Found extends RetainedName {
  /** By which CloudFormation imports it: a secret's ARN, of others the name. */
  readonly identifier: string;
  /** Why it can't be imported, and what to do. */
  readonly obstacle?: string;
}
