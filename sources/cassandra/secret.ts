// The form of a Cassandra source's secret.
import { z } from "zod";
import { areBothOrNeither, authoritiesSchema, bothOrNeither } from "../secret.ts";

export const cassandraSecretSchema = z
  .strictObject({
    contactPoints: z.array(z.string().min(1)).min(1),
    port: z.int().min(1).max(65_535),
    localDataCenter: z.string().min(1),
    username: z.string().optional(),
    password: z.string().optional(),
    /** Certificate authorities that the cluster's certificates are signed by, PEM; with it the connection is TLS. */
    ca: authoritiesSchema.optional(),
    /** The name that every node's certificate has, where certificates do not name addresses: nodes are met by address. */
    serverName: z.string().min(1).optional(),
  })
  .refine(areBothOrNeither, bothOrNeither);
export type CassandraSecret = z.infer<typeof cassandraSecretSchema>;
