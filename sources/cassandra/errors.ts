// Turns the driver's errors into ours: which to retry, and what to do about each.
import cassandra from "cassandra-driver";
import { errorMessage } from "../../contract/error-message.ts";
import {
  SourceAuthenticationError,
  SourceConfigurationError,
  SourceUnavailableError,
} from "../../contract/errors.ts";
import { SourceOverloadedError, SourceUnreachableError } from "../source.ts";
import { tlsAdvice } from "../tls.ts";

const { errors, types } = cassandra;
const codes: Readonly<Record<keyof typeof types.responseErrorCodes, number>> =
  types.responseErrorCodes;

const unavailable: ReadonlyMap<number, string> = new Map([
  [codes.serverError, "server error"],
  [codes.unavailableException, "too few replicas are up for LOCAL_QUORUM"],
  [codes.overloaded, "overloaded"],
  [codes.isBootstrapping, "the node is still starting"],
  [
    codes.readTimeout,
    "read timeout: too few replicas responded in the time that the cluster allows",
  ],
  [
    codes.readFailure,
    "read failure at a replica; which one and why is in its log only: mostly too many tombstones (deleted or expired " +
      "cells) before the next rows, above tombstone_failure_threshold, else an index that is still being built or a " +
      "damaged file. Against tombstones: repair and compact the table, or lower its gc_grace_seconds",
  ],
]);

/** True if the cluster rejected a page state, which a changed schema or version can make useless. */
export function isPageStateRejected(error: unknown): boolean {
  return error instanceof errors.ResponseError && error.code === codes.protocolError;
}

/** True if the driver asked no node at all: it counts all of them as down, and does not say why. */
export function hasNoReason(error: unknown): boolean {
  if (!(error instanceof errors.NoHostAvailableError)) return false;
  const innerErrors: unknown = error.innerErrors;
  return Object.keys(innerErrors ?? {}).length === 0;
}

/** @param where names the source and its address, without credentials */
export function translateError(where: string, error: unknown): Error {
  if (error instanceof errors.NoHostAvailableError) return noHostError(where, error);
  if (error instanceof errors.AuthenticationError) return authenticationError(where, error);
  if (error instanceof errors.ResponseError) return responseError(where, error);
  if (
    error instanceof errors.OperationTimedOutError ||
    error instanceof errors.BusyConnectionError ||
    error instanceof errors.DriverInternalError ||
    isSocketError(error)
  )
    return new SourceUnreachableError(`${where} gave no response: ${error.message}`, {
      cause: error,
    });
  return error instanceof Error ? error : new Error(`${where} failed: ${String(error)}`);
}

/** The connection broke while a response was waited for. */
function isSocketError(error: unknown): error is Error {
  return (
    error instanceof errors.DriverError && "isSocketError" in error && error.isSocketError === true
  );
}

function noHostError(where: string, error: cassandra.errors.NoHostAvailableError): Error {
  const innerErrors: unknown = error.innerErrors;
  const inner: unknown[] = Object.values(innerErrors ?? {});
  const translated = inner
    .filter((cause) => !(cause instanceof errors.NoHostAvailableError))
    .map((cause) => translateError(where, cause));
  // Only what people must fix takes precedence; a refused connection is worth another try.
  const lasting = translated.find((cause) => cause instanceof SourceAuthenticationError);
  if (lasting !== undefined) return lasting;
  const reasons = inner.map(errorMessage);
  const elsewhere = reasons.find((reason) => reason.startsWith("localDataCenter was configured"));
  if (elsewhere !== undefined)
    return new SourceConfigurationError(
      `${where} has no such data center: ${elsewhere}. Correct "localDataCenter" in the source's secret, or ` +
        "budget.dataCenter in catalog/sources.ts if the source has one.",
      { cause: error },
    );
  const [advice] = reasons.flatMap((reason) => tlsAdvice(reason) ?? []);
  if (advice !== undefined)
    return new SourceAuthenticationError(
      `${where} could not be connected to securely (${[...new Set(reasons)].join("; ").trim()}). ${advice}`,
      { cause: error },
    );
  // A node that responded, if only that it lacks replicas, shows that the cluster is there.
  const hasResponded = inner.some((cause) => cause instanceof errors.ResponseError);
  const isOverloaded = translated.some((cause) => cause instanceof SourceOverloadedError);
  const Responded = isOverloaded ? SourceOverloadedError : SourceUnavailableError;
  const Unavailable = hasResponded ? Responded : SourceUnreachableError;
  return new Unavailable(
    `${where} could not be reached (${[...new Set(reasons)].join("; ") || error.message}). ` +
      'If it stays so, check that the cluster is up, that "contactPoints", "port" and "localDataCenter" in the ' +
      "source's secret are right and \"ca\" is there if the cluster requires TLS, and that the function's network reaches it.",
    { cause: error },
  );
}

function responseError(where: string, error: cassandra.errors.ResponseError): Error {
  const code = `0x${error.code.toString(16)}`;
  const reason = unavailable.get(error.code);
  if (reason !== undefined) {
    const Unavailable =
      error.code === codes.overloaded ? SourceOverloadedError : SourceUnavailableError;
    return new Unavailable(`${where} returned ${code} (${reason}): ${error.message}`, {
      cause: error,
    });
  }
  if (error.code === codes.badCredentials) return authenticationError(where, error);
  if (error.code === codes.unauthorized)
    return new SourceAuthenticationError(
      `${where} does not allow reading: ${error.message}. Grant the role in the source's secret SELECT on the table.`,
      { cause: error },
    );
  if (error.message.includes("ALLOW FILTERING"))
    return new SourceConfigurationError(
      `${where} returned ${code}: it finds no index for the query. Create the SAI index on the cursor's column again, ` +
        'or write changes: {strategy: "full-scan"} in the table\'s file. ALLOW FILTERING would read the whole table and is never used.',
      { cause: error },
    );
  return new SourceConfigurationError(
    `${where} returned ${code}: ${error.message}. Correct the table's file to what the keyspace has, or the keyspace.`,
    { cause: error },
  );
}

function authenticationError(where: string, error: Error): SourceAuthenticationError {
  return new SourceAuthenticationError(
    `${where} rejects the credentials: ${error.message}. Correct "username" and "password" in the source's secret.`,
    { cause: error },
  );
}
