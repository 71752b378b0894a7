// How one's own Elasticsearch or Cassandra is reached, as typed: an address, or a file with all that a source's secret holds.
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import type { z } from "zod";
import { errorMessage } from "../contract/error-message.ts";
import { type CassandraSecret, cassandraSecretSchema } from "../sources/cassandra/secret.ts";
import {
  type ElasticsearchSecret,
  elasticsearchSecretSchema,
} from "../sources/elasticsearch/secret.ts";
import { parseSecret } from "../sources/secret.ts";
import { UsageError } from "./arguments.ts";

/** @throws UsageError if it is neither an address nor a readable file; what may be a password is not shown */
export function elasticsearchSecret(typed: string): ElasticsearchSecret {
  const option = `--elasticsearch ${JSON.stringify(withoutCredentials(typed))}`;
  if (typed.startsWith("@")) return readSecretFile(option, typed, elasticsearchSecretSchema);
  const wants = `${option}: wants a URL like https://user:password@host:9200 (other characters than letters and digits percent-encoded), or @FILE`;
  if (!URL.canParse(typed) || !/^https?:/.test(typed)) throw new UsageError(wants);
  const url = new URL(typed);
  const { username, password } = url;
  url.username = "";
  url.password = "";
  return {
    nodes: [url.href.replace(/\/$/, "")],
    ...(username === ""
      ? {}
      : { username: decoded(username, wants), password: decoded(password, wants) }),
  };
}

/** @throws UsageError if it is neither an address nor a readable file; what may be a password is not shown */
export function cassandraSecret(typed: string): CassandraSecret {
  const option = `--cassandra ${JSON.stringify(withoutCredentials(typed))}`;
  if (typed.startsWith("@")) return readSecretFile(option, typed, cassandraSecretSchema);
  const wants = `${option}: wants HOST:PORT/DATACENTER like 127.0.0.1:9042/datacenter1, with user:password@ before it if needed (percent-encoded), or @FILE`;
  const match =
    /^(?:(?<username>[^:@/]+):(?<password>[^@/]+)@)?(?<host>[^:@/]+):(?<port>\d+)\/(?<dc>[\w-]+)$/.exec(
      typed,
    );
  const { username, password = "", host = "", port, dc = "" } = match?.groups ?? {};
  if (match === null) throw new UsageError(wants);
  return {
    contactPoints: [host],
    port: Number(port),
    localDataCenter: dc,
    ...(username === undefined
      ? {}
      : { username: decoded(username, wants), password: decoded(password, wants) }),
  };
}

function readSecretFile<T>(option: string, typed: string, schema: z.ZodType<T>): T {
  // npm runs scripts in the project's folder, and names the person's own so.
  const file = resolve(process.env.INIT_CWD ?? process.cwd(), typed.slice(1));
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    const reason = errorMessage(error);
    throw new UsageError(`${option}: the file cannot be read (${reason})`);
  }
  const parsed = parseSecret(text, schema);
  if ("secret" in parsed) return parsed.secret;
  throw new UsageError(
    `${option}: ${file} does not have the form of the source's secret (${parsed.mistakes}); docs/deploying.md shows it`,
  );
}

/** All that stands before the last @, where a password is. */
function withoutCredentials(typed: string): string {
  if (typed.startsWith("@")) return typed;
  const at = typed.lastIndexOf("@");
  return at < 0 ? typed : `…${typed.slice(at)}`;
}

function decoded(text: string, wants: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new UsageError(wants);
  }
}
