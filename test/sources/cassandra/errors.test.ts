// Tests which of the driver's errors are worth another try.
import cassandra from "cassandra-driver";
import { expect, test } from "vitest";
import { isPageStateRejected, translateError } from "../../../sources/cassandra/errors.ts";
import {
  SourceAuthenticationError,
  SourceConfigurationError,
  SourceUnavailableError,
} from "../../../contract/errors.ts";
import { SourceOverloadedError } from "../../../sources/source.ts";

const { errors } = cassandra;
const response = (code: number): Error => new errors.ResponseError(code, "m");
const noHost = (inner: Error): Error =>
  new errors.NoHostAvailableError({ "127.0.0.1:9042": inner });

test.each([
  ["read timeout", response(0x1200), SourceUnavailableError],
  ["read failure", response(0x1300), SourceUnavailableError],
  ["unavailable", response(0x1000), SourceUnavailableError],
  ["overloaded", response(0x1001), SourceOverloadedError],
  ["no host, overloaded", noHost(response(0x1001)), SourceOverloadedError],
  ["client time-out", new errors.OperationTimedOutError("m"), SourceUnavailableError],
  ["no host", noHost(new Error("ECONNREFUSED")), SourceUnavailableError],
  ["no host, unavailable", noHost(response(0x1000)), SourceUnavailableError],
  ["no host, credentials", noHost(new errors.AuthenticationError("m")), SourceAuthenticationError],
  ["bad credentials", response(0x0100), SourceAuthenticationError],
  ["unauthorized", response(0x2100), SourceAuthenticationError],
  ["invalid", response(0x2200), SourceConfigurationError],
  ["syntax", response(0x2000), SourceConfigurationError],
])("%s", (_, error, expected) => {
  const translated = translateError('Source "shop" (127.0.0.1)', error);
  expect(translated).toBeInstanceOf(expected);
  expect(translated.message).toContain('Source "shop" (127.0.0.1)');
});

test.each([
  [response(0x1300), /0x1300 \(read failure.*too many tombstones.*gc_grace_seconds/],
  [response(0x1200), /0x1200 \(read timeout/],
  [response(0x1000), /0x1000 \(too few replicas are up for LOCAL_QUORUM\)/],
  [noHost(response(0x1000)), /could not be reached.*If it stays so, check that the cluster is up/],
  [new errors.OperationTimedOutError("m"), /gave no response: m/],
  [
    new errors.ResponseError(0x2200, "Cannot execute this query … use ALLOW FILTERING"),
    /Create the SAI index on the cursor's column again/,
  ],
  [
    noHost(
      new Error("localDataCenter was configured as 'x', but only found hosts in data centers: [y]"),
    ),
    /has no such data center.*budget.dataCenter/,
  ],
])("the message says what to do: %#", (error, message) => {
  expect(translateError("Source", error).message).toMatch(message);
});

test("a rejected page state is distinguished from other errors", () => {
  expect(isPageStateRejected(response(0x000a))).toBe(true);
  expect(isPageStateRejected(response(0x1200))).toBe(false);
  expect(isPageStateRejected(new Error("m"))).toBe(false);
});
