// Runs a real handler in a Node process of its own, and kills that at one of its writes: SIGKILL, at the very request.
import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  createServer,
  type IncomingMessage,
  request,
  type Server,
  type ServerResponse,
} from "node:http";
import { CreateDatabaseCommand, CreateTableCommand, GlueClient } from "@aws-sdk/client-glue";
import { CreateSecretCommand, SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { z } from "zod";
import { encodeEntry } from "../../../catalog/glue.ts";
import { definitionsDatabase } from "../../../catalog/placement.ts";
import { labelOf, type StepName } from "./faults.ts";
import type { LiveTable } from "./live-table.ts";
import type { Address } from "./world.ts";

/** Which write of a process is its last. */
export interface Kill {
  /** Counted from 1, over the process's own writes. */
  readonly write: number;
  readonly side: "before" | "after";
}

const modules: Readonly<Partial<Record<StepName, string>>> = {
  plan: new URL("../../../functions/plan/handler.ts", import.meta.url).href,
  invocation: new URL("../../../functions/extract/handler.ts", import.meta.url).href,
  commit: new URL("../../../functions/commit/handler.ts", import.meta.url).href,
};

const lifeMillis = 60_000;

const program = `
const { handler } = await import(process.argv[1]);
const response = await handler(JSON.parse(process.argv[2]), { getRemainingTimeInMillis: () => ${lifeMillis} });
process.stdout.write("\\nresponse:" + JSON.stringify(response) + "\\n", () => process.exit(0));
`;

/** What a handler finds in the Data Catalog and in Secrets Manager, under a deployment's name. */
export async function deploy(
  deployment: string,
  endpoint: string,
  table: LiveTable,
): Promise<void> {
  const connection = {
    ...{ endpoint, region: "eu-west-1" },
    credentials: { accessKeyId: "test", secretAccessKey: "test" },
  };
  const glue = new GlueClient(connection);
  const database = definitionsDatabase(deployment, 0);
  await glue.send(new CreateDatabaseCommand({ DatabaseInput: { Name: database } }));
  const entry = table.entry();
  const TableInput = encodeEntry(entry, { deployment });
  await glue.send(new CreateTableCommand({ DatabaseName: database, TableInput }));
  await new SecretsManagerClient(connection).send(
    new CreateSecretCommand({
      Name: `${deployment}/source/${entry.source.name}`,
      SecretString: JSON.stringify(table.secret),
    }),
  );
}

/**
 * One attempt of a step in a process that is killed.
 * @returns its response in the case that it had fewer writes and came to its end; what it wrote by label
 * @throws Error if the process ended in another way
 */
export async function runAndKill(
  step: StepName,
  event: unknown,
  kill: Kill,
  { deployment, endpoint, bucket, ledgerTable }: Address & { deployment: string },
): Promise<{ killedAt: string } | { response: unknown }> {
  const proxy = new KillingProxy(endpoint, kill);
  const port = await proxy.listen();
  const child = spawn(
    process.execPath,
    ["--input-type=module", "-e", program, modules[step] ?? "", JSON.stringify(event)],
    {
      stdio: ["ignore", "pipe", "pipe"],
      env: {
        ...{
          PATH: process.env.PATH,
          AWS_REGION: "eu-west-1",
          AWS_ENDPOINT_URL: `http://127.0.0.1:${port}`,
        },
        ...{ AWS_ACCESS_KEY_ID: "test", AWS_SECRET_ACCESS_KEY: "test" },
        ...{ SLUICE_DEPLOYMENT: deployment, SLUICE_BUCKET: bucket, SLUICE_LEDGER: ledgerTable },
        SLUICE_CATALOG_STACKS: "1",
      },
    },
  );
  proxy.victim = () => child.kill("SIGKILL");
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (chunk: Buffer) => (output += chunk.toString("utf8")));
  const deadline = setTimeout(() => child.kill("SIGTERM"), lifeMillis);
  try {
    const [code, signal] = z
      .tuple([z.number().nullable(), z.string().nullable()])
      .parse(await once(child, "close"));
    if (signal === "SIGKILL" && proxy.killedAt !== null) return { killedAt: proxy.killedAt };
    const response = /^response:(.*)$/m.exec(output)?.[1];
    if (code === 0 && response !== undefined) return { response: JSON.parse(response) as unknown };
    throw new Error(
      `the ${step} process ended with ${code ?? signal ?? "nothing"}: ${output.slice(-2000)}`,
    );
  } finally {
    clearTimeout(deadline);
    proxy.close();
  }
}

/** Stands between a process and AWS. */
class KillingProxy {
  readonly #target: URL;
  readonly #kill: Kill;
  readonly #server: Server;
  #writes = 0;
  /** The label of the write at which the process was killed. */
  killedAt: string | null = null;
  victim: () => unknown = () => undefined;

  constructor(target: string, kill: Kill) {
    this.#target = new URL(target);
    this.#kill = kill;
    this.#server = createServer((incoming, outgoing) => {
      this.#pass(incoming, outgoing).catch(() => outgoing.destroy());
    });
  }

  async listen(): Promise<number> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    return z.object({ port: z.number() }).parse(this.#server.address()).port;
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  async #pass(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const body = await readAll(incoming);
    const { method = "GET", url = "/", headers } = incoming;
    const label = labelOf({ method, path: url.split("?")[0] ?? url, headers, body });
    const isWrite = label !== null;
    if (isWrite) this.#writes += 1;
    const isLast = isWrite && this.#writes === this.#kill.write;
    if (this.killedAt !== null || (isLast && this.#kill.side === "before")) {
      this.#end(label, outgoing);
      return;
    }
    const { hostname, port } = this.#target;
    const forwarded = request({ hostname, port, method, path: url, headers });
    forwarded.end(body);
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      forwarded.once("response", resolve).once("error", reject);
    });
    const content = await readAll(response);
    if (isLast) {
      this.#end(label, outgoing);
      return;
    }
    outgoing.writeHead(response.statusCode ?? 500, response.headers);
    outgoing.end(content);
  }

  #end(label: string | null, outgoing: ServerResponse): void {
    this.killedAt ??= label;
    this.victim();
    outgoing.destroy();
  }
}

async function readAll(stream: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(z.instanceof(Buffer).parse(chunk));
  return Buffer.concat(chunks);
}
