// Where the pipeline keeps what it knows: every function and the build are given these, and grant themselves what they
// need of them.
import type { DataBucket } from "./data-bucket.ts";
import type { Definitions } from "./definitions.ts";
import type { LakeDatabase } from "./lake-database.ts";
import type { Ledger } from "./ledger.ts";

export interface Stores {
  /** The prefix of every name. */
  readonly deployment: string;
  readonly bucket: DataBucket;
  readonly ledger: Ledger;
  readonly lake: LakeDatabase;
  readonly definitions: Definitions;
}

/** The environment that every function of the pipeline has. */
export function storesEnvironment(stores: Stores): Record<string, string> {
  return {
    SLUICE_DEPLOYMENT: stores.deployment,
    SLUICE_BUCKET: stores.bucket.name,
    SLUICE_LEDGER: stores.ledger.name,
    SLUICE_CATALOG_STACKS: String(stores.definitions.stacks.length),
  };
}
