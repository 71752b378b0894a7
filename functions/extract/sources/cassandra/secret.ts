// The form of a Cassandra source's secret.
import { z } from "zod";

export const cassandraSecretSchema = z.strictObject({
  contactPoints: z.array(z.string().min(1)).min(1),
  port: z.int().min(1).max(65_535),
  localDataCenter: z.string().min(1),
  username: z.string().optional(),
  password: z.string().optional(),
  /** Certificate authorities that the cluster's certificates are signed by, PEM; with it the connection is TLS. */
  ca: z.string().optional(),
});
export type CassandraSecret = z.infer<typeof cassandraSecretSchema>;
