// What the deployment passes to its functions; a handler parses what it needs of it when its process starts.
import { z } from "zod";

export const environmentSchema = z.object({
  SLUICE_DEPLOYMENT: z.string().min(1),
  SLUICE_BUCKET: z.string().min(1),
  SLUICE_LEDGER: z.string().min(1),
  /** The number of catalog stacks, by which definitions are found. */
  SLUICE_CATALOG_STACKS: z.coerce.number().int().positive(),
});
