// A ledger, a data bucket and a lake of its own in the shared test servers; its builds are written by hand.
import { execFile, spawn, type ChildProcessByStdio } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { CreateTableCommand, DynamoDBClient } from "@aws-sdk/client-dynamodb";
import {
  CreateDatabaseCommand,
  CreateTableCommand as CreateGlueTableCommand,
  GlueClient,
  UpdateTableCommand,
} from "@aws-sdk/client-glue";
import { RedshiftDataClient } from "@aws-sdk/client-redshift-data";
import { CreateBucketCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { z } from "zod";
import { encodeEntry } from "../../../catalog/glue.ts";
import { definitionsDatabase, lakeDatabase } from "../../../catalog/placement.ts";
import type { Table } from "../../../catalog/table.ts";
import { TYPE_MAP } from "../../../catalog/type-map.ts";
import { type ColumnType, typeKind } from "../../../contract/column-types.ts";
import type { LoadRecord, ReplaceRecord } from "../../../contract/load-records.ts";
import { openLedger, type Ledger } from "../../../stores/ledger/ledger.ts";
import { readCurrentContentId } from "../../../stores/lake/read-content.ts";
import { readDelta, writeCopyManifest } from "../../../functions/load/deltas.ts";
import { load, type LoadParts } from "../../../functions/load/load.ts";
import type { LoadInput, LoadResult } from "../../../functions/load/result.ts";
import { Warehouse } from "../../../functions/load/warehouse.ts";
import { deltaSchema, type Delta } from "../../../contract/delta.ts";
import { keys } from "../../../contract/keys.ts";
import { loadProblemSchema, type LoadProblem } from "../../../contract/load-problem.ts";
import { JsonStore } from "../../../stores/bucket/json-store.ts";

const run = promisify(execFile);
const here = fileURLToPath(new URL(".", import.meta.url));

// Other test files use the same servers.
const deployment = `load${randomUUID().slice(0, 8)}`;
const bucket = `${deployment}-data`;
const ledger = `${deployment}-ledger`;
const lake = lakeDatabase(deployment);
const address = {
  workgroup: "sluice",
  database: "warehouse",
  secretArn: "arn:aws:secretsmanager:us-east-1:123456789012:secret:warehouse",
};
const copyRole = "arn:aws:iam::123456789012:role/sluice-copy";

const serversSchema = z.object({
  SLUICE_TEST_AWS: z.url(),
  SLUICE_TEST_POSTGRES: z.url(),
  SLUICE_PYTHON: z.string().min(1),
});
type TestServers = z.infer<typeof serversSchema>;

const responseSchema = z.object({
  rows: z.array(z.array(z.unknown())).optional(),
  error: z.string().optional(),
});

/** A value of a test's row as JSON; decimals and times are texts. */
export type Value = string | number | boolean | null;

export interface Column {
  readonly name: string;
  readonly type: ColumnType;
}

/** What one hand-written build changed. */
export interface Build {
  readonly table: string;
  readonly snapshot: string;
  readonly parent: string | null;
  readonly kind?: Delta["kind"];
  readonly key?: readonly string[];
  readonly columns: readonly Column[];
  readonly rows?: readonly (readonly Value[])[];
  /** Keys of deleted rows, as values of the first columns. */
  readonly deletes?: readonly (readonly Value[])[];
  /** Redshift's types where they are not the type map's. */
  readonly redshift?: Readonly<Record<string, string>>;
  /** What is wrong about it on purpose. */
  readonly claims?: Partial<Delta>;
}

export type Definition = Awaited<ReturnType<LoadParts["readDefinition"]>>;

/** A definition whose parts that do not concern the load are the same for all. */
export function definition(
  name: string,
  columns: readonly (Column & { readonly description?: string })[],
  publish: Definition["publish"] = { distribution: { style: "even" }, sortKeys: [] },
): Definition {
  return {
    kind: "model",
    name,
    owner: "data-team",
    description: `What we know about ${name}`,
    key: ["id"],
    columns: columns.map((column) => ({
      name: column.name,
      type: column.type,
      path: [column.name],
      description: column.description ?? `The ${column.name}`,
      nullable: true,
      personal: false,
    })),
    partitioning: [],
    checks: [],
    publish,
    fingerprint: "0".repeat(64),
    language: "sql",
    script: "s3://assets/model.sql",
    inputs: ["other"],
  };
}

/** A line that the load logged. */
export interface Logged {
  readonly message: string;
  readonly details: Readonly<Record<string, unknown>>;
}

export class LocalWarehouse {
  readonly warehouse: Warehouse;
  readonly ledger: Ledger;
  /** What time it is for what is kept between runs. */
  nowMillis = 1_700_000_000_000;
  /** Runs that were given their tables by name. */
  readonly byName = new Set<string>();
  readonly errors: Logged[] = [];
  readonly #store: JsonStore;
  readonly #client: { endpoint: string; region: string };
  readonly #s3: S3Client;
  readonly #glue: GlueClient;
  readonly #dynamodb: DynamoDBClient;
  readonly #servers: TestServers;
  readonly #folder: string;
  readonly #writer: ParquetWriter;
  readonly #built = new Set<string>();

  private constructor(servers: TestServers, folder: string) {
    const client = {
      endpoint: servers.SLUICE_TEST_AWS,
      region: "us-east-1",
      credentials: { accessKeyId: "local", secretAccessKey: "local" },
    };
    this.#servers = servers;
    this.#folder = folder;
    this.#writer = new ParquetWriter(servers.SLUICE_PYTHON);
    this.#s3 = new S3Client({ ...client, forcePathStyle: true });
    this.#glue = new GlueClient(client);
    this.#dynamodb = new DynamoDBClient(client);
    this.ledger = openLedger({ client: this.#dynamodb, tableName: ledger });
    this.#store = new JsonStore({ s3: this.#s3, bucket });
    this.#client = client;
    this.warehouse = new Warehouse(new RedshiftDataClient(client), address);
  }

  /** @throws ZodError if test/servers.setup.ts did not start the servers */
  static async start(): Promise<LocalWarehouse> {
    const servers = serversSchema.parse(process.env);
    const local = new LocalWarehouse(servers, await mkdtemp(join(tmpdir(), "sluice-load-")));
    await local.#create();
    return local;
  }

  /** The same warehouse, but what is asked of it arrives changed. */
  warehouseWith(change: (sql: string) => string): Warehouse {
    const client = new RedshiftDataClient(this.#client);
    client.middlewareStack.add(
      (next) => (args) => {
        const { input } = args;
        if ("Sqls" in input && input.Sqls !== undefined) {
          return next({ ...args, input: { ...input, Sqls: input.Sqls.map(change) } });
        }
        if ("Sql" in input && input.Sql !== undefined) {
          return next({ ...args, input: { ...input, Sql: change(input.Sql) } });
        }
        return next(args);
      },
      { step: "initialize" },
    );
    return new Warehouse(client, address);
  }

  async stop(): Promise<void> {
    await this.#writer.stop();
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #create(): Promise<void> {
    await this.#s3.send(new CreateBucketCommand({ Bucket: bucket }));
    for (const name of [definitionsDatabase(deployment, 0), lake]) {
      await this.#glue.send(new CreateDatabaseCommand({ DatabaseInput: { Name: name } }));
    }
    await this.#dynamodb.send(
      new CreateTableCommand({
        TableName: ledger,
        BillingMode: "PAY_PER_REQUEST",
        AttributeDefinitions: [
          { AttributeName: "pk", AttributeType: "S" },
          { AttributeName: "sk", AttributeType: "S" },
        ],
        KeySchema: [
          { AttributeName: "pk", KeyType: "HASH" },
          { AttributeName: "sk", KeyType: "RANGE" },
        ],
      }),
    );
  }

  /** Does what a build does last: Parquet, delta, and the lake's current content. */
  async build(build: Build): Promise<Delta> {
    const delta = await this.writeDelta(build);
    await this.publish(build.table, build.snapshot);
    return delta;
  }

  async writeDelta(build: Build): Promise<Delta> {
    const { table, snapshot, rows = [], deletes = [] } = build;
    const kind = build.kind ?? "merge";
    const file = rows.length + deletes.length === 0 ? [] : [await this.#writeParquet(build, kind)];
    const delta = deltaSchema.parse({
      format: 1,
      table,
      kind,
      snapshot,
      parent: build.parent,
      createdAt: "2026-07-01T00:00:00Z",
      run: "run-1",
      key: build.key ?? ["id"],
      columns: build.columns.map(({ name, type }) => ({
        name,
        type,
        redshift: build.redshift?.[name] ?? redshiftType(type),
      })),
      files: file,
      rows: rows.length,
      deletes: deletes.length,
      ...build.claims,
    });
    await this.put(keys.delta(table, snapshot), JSON.stringify(delta));
    return delta;
  }

  async #writeParquet(build: Build, kind: Delta["kind"]): Promise<Delta["files"][number]> {
    const { columns, rows = [], deletes = [] } = build;
    const columnsHeld = columns.map(({ name, type }) => ({ name, type: parquetType(type) }));
    const tombstones = deletes.map((values) => columns.map((_, index) => values[index] ?? null));
    const request =
      kind === "replace"
        ? { columns: columnsHeld, rows }
        : {
            columns: [...columnsHeld, { name: "_deleted", type: "boolean" }],
            rows: [
              ...rows.map((row) => [...row, false]),
              ...tombstones.map((row) => [...row, true]),
            ],
          };
    const path = join(this.#folder, `${build.table}-${build.snapshot}.parquet`);
    await this.#writer.write({ ...request, path });
    const body = await readFile(path);
    const key = `deltas/${build.table}/attempt-${build.snapshot}/part-0.parquet`;
    await this.put(key, body);
    return {
      url: `s3://${bucket}/${key}`,
      contentLength: body.length,
      rows: rows.length + deletes.length,
    };
  }

  /** Makes a content the lake's current one, in metadata as Iceberg writes it. */
  async publish(table: string, contentId: string): Promise<void> {
    const key = `lake/${table}/metadata/${contentId}.metadata.json`;
    const refs =
      `"main":{"snapshot-id":${contentId},"type":"branch"},` +
      `"sluice.1.0123456789ab.${contentId}":{"snapshot-id":${contentId},"type":"tag"}`;
    await this.put(
      key,
      `{"format-version":2,"current-snapshot-id":${contentId},` +
        `"snapshots":[{"snapshot-id":${contentId},"timestamp-ms":1}],"refs":{${refs}}}`,
    );
    const input = {
      DatabaseName: lake,
      TableInput: {
        Name: table,
        Parameters: { metadata_location: `s3://${bucket}/${key}`, table_type: "ICEBERG" },
      },
    };
    await (this.#built.has(table)
      ? this.#glue.send(new UpdateTableCommand(input))
      : this.#glue.send(new CreateGlueTableCommand(input)));
    this.#built.add(table);
  }

  async put(key: string, body: string | Uint8Array): Promise<void> {
    await this.#s3.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: body }));
  }

  /** Puts a definition where CloudFormation would. */
  async declare(table: Table): Promise<void> {
    await this.#glue.send(
      new CreateGlueTableCommand({
        DatabaseName: definitionsDatabase(deployment, 0),
        TableInput: encodeEntry(table, { deployment }),
      }),
    );
  }

  /** The environment of the load Lambda. */
  get environment(): Record<string, string> {
    return {
      AWS_ENDPOINT_URL: this.#client.endpoint,
      AWS_REGION: this.#client.region,
      AWS_ACCESS_KEY_ID: "local",
      AWS_SECRET_ACCESS_KEY: "local",
      SLUICE_DEPLOYMENT: deployment,
      SLUICE_BUCKET: bucket,
      SLUICE_LEDGER: ledger,
      SLUICE_CATALOG_STACKS: "1",
      SLUICE_WORKGROUP: address.workgroup,
      SLUICE_DATABASE: address.database,
      SLUICE_WAREHOUSE_SECRET_ARN: address.secretArn,
      SLUICE_COPY_ROLE_ARN: copyRole,
    };
  }

  parts(definition: Definition): LoadParts {
    const s3 = this.#s3;
    return {
      warehouse: this.warehouse,
      copyRole,
      readDefinition: () => Promise.resolve(definition),
      readContentId: (table) => readCurrentContentId({ glue: this.#glue, s3 }, lake, table),
      readDelta: (table, snapshot) => readDelta(s3, bucket, table, snapshot),
      manifestUrl: (delta) => `s3://${bucket}/${keys.copyManifest(delta.table, delta.snapshot)}`,
      writeCopyManifest: (delta) => writeCopyManifest(s3, bucket, delta),
      ledger: this.ledger,
      putProblem: (problem) =>
        this.#store.put(keys.loadProblem(problem.run, problem.table), problem),
      isByName: (run) => Promise.resolve(this.byName.has(run)),
      now: () => this.nowMillis,
      log: {
        info: () => undefined,
        warn: () => undefined,
        error: (message, details = {}) => this.errors.push({ message, details }),
      },
    };
  }

  /** Calls the load as the state machine does, but without waiting between the calls. */
  async load(
    definition: Definition,
    parts = this.parts(definition),
    run = "run-1",
  ): Promise<LoadResult> {
    let input: LoadInput = { run, table: definition.name, polls: 0 };
    for (;;) {
      const result = await load(input, Date.now() + 20_000, parts);
      if (result.status !== "wait") return result;
      input = result;
    }
  }

  /** Rows as the Data API gives them, all values as text. */
  async query(sql: string): Promise<(string | null)[][]> {
    return this.warehouse.query(sql, Date.now() + 20_000);
  }

  /** Runs a query in another role, straight on the database. */
  async queryAs(role: string, sql: string): Promise<z.infer<typeof responseSchema>> {
    const { stdout } = await run(this.#servers.SLUICE_PYTHON, [
      join(here, "query_as.py"),
      this.#servers.SLUICE_TEST_POSTGRES,
      role,
      sql,
    ]);
    return responseSchema.parse(JSON.parse(stdout));
  }

  /** The ledger's request to replace the table, if there is one. */
  async replaceRequest(table: string): Promise<ReplaceRecord | undefined> {
    return (await this.ledger.loads.read(table)).replace;
  }

  /** What the ledger keeps of the table's failing load. */
  async failure(table: string): Promise<LoadRecord | undefined> {
    return (await this.ledger.loads.read(table)).load;
  }

  /** Why the table could not be loaded in a run. */
  async problem(run: string, table: string): Promise<LoadProblem | undefined> {
    return this.#store.find(keys.loadProblem(run, table), loadProblemSchema);
  }

  /** Does of a request what a build does once the whole copy is written. */
  async noteWritten(table: string, contentId: string, run: string): Promise<void> {
    const before = await this.replaceRequest(table);
    if (before?.state !== "asked") throw new Error(`no whole copy of ${table} is asked for`);
    const written = { writtenAt: this.nowMillis, writtenRun: run, writtenContentId: contentId };
    await this.ledger.loads.askReplace(table, { ...before, state: "written", ...written }, before);
  }
}

function parquetType(type: ColumnType): string {
  if (typeof type !== "string") {
    return "decimal" in type ? `decimal(${type.decimal.join()})` : "string";
  }
  return type === "json" || type === "binary" ? "string" : type;
}

/** One process for all files, for most of the time to write one is Python's start. */
class ParquetWriter {
  readonly #process: ChildProcessByStdio<Writable, Readable, null>;
  readonly #responses: AsyncIterator<string>;

  constructor(python: string) {
    this.#process = spawn(python, [join(here, "write_parquet.py")], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    this.#responses = createInterface(this.#process.stdout)[Symbol.asyncIterator]();
  }

  async write(request: { readonly path: string }): Promise<void> {
    this.#process.stdin.write(`${JSON.stringify(request)}\n`);
    const { done } = await this.#responses.next();
    if (done === true) throw new Error(`no Parquet at ${request.path}: the writer ended`);
  }

  async stop(): Promise<void> {
    const ended = once(this.#process, "exit");
    this.#process.stdin.end();
    await ended;
  }
}

/** As the build writes it. */
function redshiftType(type: ColumnType): string {
  const text = TYPE_MAP[typeKind(type)].redshift;
  if (typeof type === "string" || !("decimal" in type)) return text;
  const [precision, scale] = type.decimal;
  return text.replace("{precision}", String(precision)).replace("{scale}", String(scale));
}
