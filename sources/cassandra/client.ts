// Makes the driver's client for a source, and finds out why none of its nodes can be asked.
import cassandra from "cassandra-driver";
import { hasNoReason, translateError } from "./errors.ts";
import type { CassandraSecret } from "./secret.ts";

const CONNECT_TIMEOUT_MILLIS = 10_000;
const READ_TIMEOUT_MILLIS = 30_000;

/** @param dataCenter whose nodes are asked */
export function makeClient(secret: CassandraSecret, dataCenter: string): cassandra.Client {
  const { username, password } = secret;
  return new cassandra.Client({
    contactPoints: secret.contactPoints,
    localDataCenter: dataCenter,
    protocolOptions: { port: secret.port },
    // Numbers as bigints and maps as Maps: the driver's defaults lose digits and the types of keys.
    encoding: { useBigIntAsLong: true, useBigIntAsVarint: true, map: Map },
    policies: {
      // Every rejected request reaches the governor, which knows how to slow down.
      retry: new cassandra.policies.retry.FallthroughRetryPolicy(),
      speculativeExecution:
        new cassandra.policies.speculativeExecution.NoSpeculativeExecutionPolicy(),
    },
    socketOptions: { connectTimeout: CONNECT_TIMEOUT_MILLIS, readTimeout: READ_TIMEOUT_MILLIS },
    ...(username === undefined || password === undefined
      ? {}
      : { authProvider: new cassandra.auth.PlainTextAuthProvider(username, password) }),
    ...tlsOptions(secret),
  });
}

function tlsOptions(secret: CassandraSecret): Pick<cassandra.ClientOptions, "sslOptions"> {
  const { ca, serverName } = secret;
  if (ca === undefined) return {};
  const servername = serverName === undefined ? {} : { servername: serverName };
  // The driver's own default trusts everybody.
  return { sslOptions: { ca: [ca], rejectUnauthorized: true, ...servername } };
}

/**
 * The error as ours. A client that has lost all nodes says only that, also when they reject a changed
 * password; then a connection of its own shows why.
 */
export async function explainError(
  where: string,
  error: unknown,
  makeAnother: () => cassandra.Client,
): Promise<Error> {
  if (!hasNoReason(error)) return translateError(where, error);
  const another = makeAnother();
  try {
    await another.connect();
    return translateError(where, error);
  } catch (reason) {
    return translateError(where, reason);
  } finally {
    await another.shutdown();
  }
}
