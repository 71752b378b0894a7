// Tests that a bad secret is reported without its values.
import { expect, test } from "vitest";
import type { SourceDefinition } from "../../catalog/definition.ts";
import { defaultBudget } from "../../catalog/resolve.ts";
import { connect } from "../../sources/clients.ts";
import { SourceConfigurationError } from "../../contract/errors.ts";

const source = (system: "elasticsearch" | "cassandra"): SourceDefinition => ({
  ...{ name: "shop", system, owner: "o", description: "d", secret: "sluice/source/shop" },
  budget: defaultBudget(system),
});

test.each([
  [
    "elasticsearch",
    '{"nodes":["not an address s3cret"],"password":"s3cret","pass":"s3cret"}',
    "nodes.0",
  ],
  ["elasticsearch", "s3cret", "all"],
  ["elasticsearch", '{"nodes":[]}', "nodes"],
  ["elasticsearch", '{"nodes":["https://r:s3cret@a:9200"]}', "nodes.0"],
  ["elasticsearch", '{"nodes":["https://a:9200"],"ca":"s3cret"}', "ca"],
  ["elasticsearch", '{"nodes":["https://a:9200"],"username":"s3cret"}', "all"],
  [
    "elasticsearch",
    '{"nodes":["https://a:9200"],"username":"r","password":"s3cret","apiKey":"s3cret"}',
    "all",
  ],
  ["cassandra", '{"contactPoints":["a"],"port":"s3cret","localDataCenter":"d"}', "port"],
  [
    "cassandra",
    '{"contactPoints":["a"],"port":1,"localDataCenter":"d","password":"s3cret"}',
    "all",
  ],
] as const)("%s: the secret %s is rejected by name, not by value", (system, text, place) => {
  const attempt = (): unknown => connect(source(system), text);
  expect(attempt).toThrow(SourceConfigurationError);
  expect(attempt).toThrow(
    new RegExp(`secret "sluice/source/shop" of source "shop".*${place}: `, "s"),
  );
  expect(attempt).not.toThrow(/s3cret/);
});

test("a good secret makes a client that connects on first use only", async () => {
  const elasticsearch = connect(source("elasticsearch"), '{"nodes":["http://127.0.0.1:1"]}');
  const cassandra = connect(
    source("cassandra"),
    '{"contactPoints":["127.0.0.1"],"port":1,"localDataCenter":"d"}',
  );
  await elasticsearch.close();
  await cassandra.close();
});
