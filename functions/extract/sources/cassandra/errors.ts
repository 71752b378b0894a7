// Turns the driver's errors into ours: which to retry, and what to do about each.
import cassandra from "cassandra-driver";
import {
  SourceAuthenticationError,
  SourceConfigurationError,
  SourceUnavailableError,
} from "../../../protocol/errors.ts";
import { SourceUnreachableError } from "../source.ts";

const { errors, types } = cassandra;
const codes: Readonly<Record<keyof typeof types.responseErrorCodes, number>> =
  types.responseErrorCodes;

const unavailable: ReadonlyMap<number, string> = new Map([
  [codes.serverError, "server error"],
  [codes.unavailableException, "too few replicas are up for LOCAL_QUORUM"],
  [codes.overloaded, "overloaded"],
  [codes.isBootstrapping, "the node is still starting"],
  [codes.readTimeout, "read timeout"],
  [codes.readFailure, "read failure: too many tombstones, or a damaged file; see the server's log"],
]);

/** True if the cluster refused a page state, which a changed schema or version can make useless. */
export function isPageStateRefused(error: unknown): boolean {
  return error instanceof errors.ResponseError && error.code === codes.protocolError;
}

/** @param where names the source and its address, without credentials */
export function translateError(where: string, error: unknown): Error {
  if (error instanceof errors.NoHostAvailableError) return noHostError(where, error);
  if (error instanceof errors.AuthenticationError) return authenticationError(where, error);
  if (error instanceof errors.ResponseError) return responseError(where, error);
  if (
    error instanceof errors.OperationTimedOutError ||
    error instanceof errors.BusyConnectionError ||
    error instanceof errors.DriverInternalError
  )
    return new SourceUnreachableError(`${where} gave no answer: ${error.message}`, {
      cause: error,
    });
  return error instanceof Error ? error : new Error(`${where} failed: ${String(error)}`);
}

function noHostError(where: string, error: cassandra.errors.NoHostAvailableError): Error {
  const innerErrors: unknown = error.innerErrors;
  const inner: unknown[] = Object.values(innerErrors ?? {});
  const translated = inner
    .filter((cause) => !(cause instanceof errors.NoHostAvailableError))
    .map((cause) => translateError(where, cause));
  // Only what people must mend takes precedence; a refused connection is worth another try.
  const lasting = translated.find((cause) => cause instanceof SourceAuthenticationError);
  if (lasting !== undefined) return lasting;
  const reasons = inner.map((cause) => (cause instanceof Error ? cause.message : String(cause)));
  // A node that answered, if only that it lacks replicas, shows that the cluster is there.
  const hasAnswered = inner.some((cause) => cause instanceof errors.ResponseError);
  const Unavailable = hasAnswered ? SourceUnavailableError : SourceUnreachableError;
  return new Unavailable(
    `${where} could not be reached (${[...new Set(reasons)].join("; ") || error.message}). ` +
      'If it stays so, check that the cluster is up, that "contactPoints", "port" and "localDataCenter" in the ' +
      "source's secret are right, and that the function's network reaches it.",
    { cause: error },
  );
}

function responseError(where: string, error: cassandra.errors.ResponseError): Error {
  const code = `0x${error.code.toString(16)}`;
  const reason = unavailable.get(error.code);
  if (reason !== undefined)
    return new SourceUnavailableError(`${where} answered ${code} (${reason}): ${error.message}`, {
      cause: error,
    });
  if (error.code === codes.badCredentials || error.code === codes.unauthorized)
    return authenticationError(where, error);
  return new SourceConfigurationError(
    `${where} answered ${code}: ${error.message}. Correct the table's file to what the keyspace has, or the keyspace.`,
    { cause: error },
  );
}

function authenticationError(where: string, error: Error): SourceAuthenticationError {
  return new SourceAuthenticationError(
    `${where} refuses the credentials: ${error.message}. Correct "username" and "password" in the source's secret, ` +
      "and grant the role SELECT on the table.",
    { cause: error },
  );
}
