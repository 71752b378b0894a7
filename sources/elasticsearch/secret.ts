// The form of an Elasticsearch source's secret.
import { z } from "zod";
import { areBothOrNeither, authoritiesSchema, bothOrNeither } from "../secret.ts";

export const elasticsearchSecretSchema = z
  .strictObject({
    /** Addresses without credentials in them, which would stand in messages. */
    nodes: z
      .array(
        z
          .url({ protocol: /^https?$/ })
          .refine((text) => !URL.canParse(text) || new URL(text).username === "", {
            error:
              'must have no credentials in it; they are "username" and "password" of the secret',
          }),
      )
      .min(1),
    username: z.string().optional(),
    password: z.string().optional(),
    /** The key's `encoded` form: base64 of `id:key`. */
    apiKey: z.string().optional(),
    /** Certificate authorities that the cluster's certificates are signed by, PEM; without it, those that Node trusts. */
    ca: authoritiesSchema.optional(),
  })
  .refine(areBothOrNeither, bothOrNeither)
  .refine(({ apiKey, username }) => apiKey === undefined || username === undefined, {
    error: 'has both "apiKey" and "username", of which only one can be used',
  });
export type ElasticsearchSecret = z.infer<typeof elasticsearchSecretSchema>;
