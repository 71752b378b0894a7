// What tests of secured servers share: certificates, a secret in Secrets Manager, and reading as a lane does.
import { randomUUID } from "node:crypto";
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { connect as connectTo, createServer, type AddressInfo, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import {
  CreateSecretCommand,
  PutSecretValueCommand,
  SecretsManagerClient,
} from "@aws-sdk/client-secrets-manager";
import { expect } from "vitest";
import type { TableDefinition } from "../../catalog/definition.ts";
import type { ExtractDependencies } from "../../functions/extract/extract.ts";
import { readSecret } from "../../functions/source-access/read-secret.ts";
import { SourceConnections } from "../../functions/source-access/source-connections.ts";
import { connect } from "../../sources/clients.ts";
import type { SourceClient } from "../../sources/source.ts";
import { type Authority, makeAuthority } from "../../local/servers/certificates.ts";
import { type Line, readSplit } from "../functions/extract/fixtures.ts";
import { Lane } from "../functions/extract/lane.ts";

/** A folder with an authority that signs the servers' certificates, and one that does not. */
export interface Ground {
  readonly folder: string;
  readonly authority: Authority;
  readonly stranger: Authority;
  remove(): void;
}

export async function makeGround(): Promise<Ground> {
  const folder = mkdtempSync(join(tmpdir(), "sluice-secured-test-"));
  chmodSync(folder, 0o755);
  const [authority, stranger] = await Promise.all(
    ["ours", "strange"].map((name) => makeAuthority(join(folder, name))),
  );
  if (authority === undefined || stranger === undefined) throw new Error("no authority was made");
  const remove = (): void => {
    rmSync(folder, { recursive: true, force: true });
  };
  return { folder, authority, stranger, remove };
}

/** A source's secret in Secrets Manager. */
export class StoredSecret {
  readonly name = `secured-${randomUUID()}/source/shop`;
  readonly #client: SecretsManagerClient;

  constructor(awsAddress: string) {
    this.#client = new SecretsManagerClient({
      endpoint: awsAddress,
      region: "us-east-1",
      credentials: { accessKeyId: "test", secretAccessKey: "test" },
    });
  }

  async create(value: unknown): Promise<void> {
    const text = JSON.stringify(value);
    await this.#client.send(new CreateSecretCommand({ Name: this.name, SecretString: text }));
  }

  async put(value: unknown): Promise<void> {
    const text = JSON.stringify(value);
    await this.#client.send(new PutSecretValueCommand({ SecretId: this.name, SecretString: text }));
  }

  /** As a function has them, counting the clients that it makes. */
  connections(): { connections: SourceConnections; made: () => number } {
    let clients = 0;
    const connections = new SourceConnections(
      (name) => readSecret(this.#client, name),
      (source, text) => {
        clients += 1;
        return connect(source, text);
      },
    );
    return { connections, made: () => clients };
  }
}

/** Reads the whole table once with a client made from the secret. */
export async function readTable(table: TableDefinition, secret: unknown): Promise<Line[]> {
  const client = connect(table.source, JSON.stringify(secret));
  try {
    return await readWith(client, table);
  } finally {
    await client.close();
  }
}

export async function readWith(client: SourceClient, table: TableDefinition): Promise<Line[]> {
  const window = await client.planWindow(table, null, Date.now());
  const lines: Line[] = [];
  for (const bounds of await client.planRows(table, window))
    lines.push(...(await readSplit(client, { table, bounds })).lines);
  return lines;
}

/** The error with which reading the table fails; none of the secret's values stands anywhere in it. */
export async function rejection(
  table: TableDefinition,
  secret: Readonly<Record<string, unknown>>,
): Promise<Error> {
  const error = await readTable(table, secret).then(
    () => new Error("it was read"),
    (reason: unknown) => (reason instanceof Error ? reason : new Error(String(reason))),
  );
  // The whole tree, causes included, which a logger may print.
  const all = inspect(error, { depth: Infinity, showHidden: true });
  const { username, password, apiKey } = secret;
  const basic = Buffer.from(`${String(username)}:${String(password)}`).toString("base64");
  for (const hidden of [password, apiKey, basic])
    if (typeof hidden === "string") expect(all).not.toContain(hidden);
  return error;
}

/** A lane over the whole table, and an invocation of it that may do things between two batches. */
export async function planLane(
  stores: Parameters<typeof Lane.plan>[0],
  table: TableDefinition,
  client: SourceClient,
): Promise<Lane> {
  const window = await client.planWindow(table, null, Date.now());
  const splits = await client.planRows(table, window);
  return Lane.plan(stores, [{ table, kind: "rows", splits }]);
}

/** Dependencies of an invocation with real connections, whose pauses do what is given instead of waiting. */
export function invokeWith(
  connections: SourceConnections,
  onPause: (pauseMillis: number) => Promise<void> = () => Promise.resolve(),
): Pick<ExtractDependencies, "connections" | "clock"> {
  return { connections, clock: { now: Date.now, sleep: onPause } };
}

/** Stands between a client and a server, so that connections can be cut without stopping the server. */
export async function startProxy(
  host: string,
  port: number,
): Promise<{ port: number; cut(): void; stop(): void }> {
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    const far = connectTo(port, host);
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(one);
      one.pipe(other);
      one.on("error", () => other.destroy());
      one.on("close", () => {
        sockets.delete(one);
        other.destroy();
      });
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address() as AddressInfo;
  const cut = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  const stop = (): void => {
    cut();
    server.close();
  };
  return { port: address.port, cut, stop };
}
