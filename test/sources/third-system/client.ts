// Reads files of JSON lines: the whole file in each pass.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import type { TableDefinition } from "../../../catalog/definition.ts";
import { SourceConfigurationError } from "../../../contract/errors.ts";
import type { JsonObject } from "../../../contract/json.ts";
import type { Bounds } from "../../../contract/records.ts";
import type { Discovery, FoundField } from "../../../sources/discover/discovery.ts";
import { observe } from "../../../sources/discover/observe.ts";
import type { SourceShape } from "../../../sources/discover/shape.ts";
import { placeIn } from "../../../sources/place.ts";
import type {
  Batch,
  ConnectSource,
  OpenRequest,
  SourceClient,
  SplitReader,
} from "../../../sources/source.ts";
import {
  budgetFields,
  jsonLines,
  placeSchema,
  secretSchema,
  storedPlaceSchema,
} from "./declaration.ts";

const rowSchema = z.record(z.string(), z.json());
type Row = z.infer<typeof rowSchema>;

const budgetSchema = z.strictObject(budgetFields);

export const connectJsonLines: ConnectSource = ({ budget }, secret) =>
  new JsonLines(secretSchema.parse(secret).folder, budgetSchema.parse(budget.own).linesAtOnce);

class JsonLines implements SourceClient {
  readonly #folder: string;
  readonly #linesAtOnce: number;

  constructor(folder: string, linesAtOnce: number) {
    this.#folder = folder;
    this.#linesAtOnce = linesAtOnce;
  }

  planWindow(): Promise<null> {
    return Promise.resolve(null);
  }

  async planRows(table: TableDefinition): Promise<Bounds[]> {
    await this.#rows(placeIn(storedPlaceSchema, table.from, jsonLines));
    return [{ by: "whole" }];
  }

  planKeys(): Promise<Bounds[]> {
    return Promise.resolve([]);
  }

  async open({ table, position, passNumber }: OpenRequest): Promise<SplitReader> {
    const rows = await this.#rows(placeIn(storedPlaceSchema, table.from, jsonLines));
    let next = position === null ? 0 : Number(position);
    return {
      next: (rowLimit): Promise<Batch> => {
        const observedAt = Date.now();
        const batch = rows.slice(next, next + Math.min(rowLimit, this.#linesAtOnce));
        next += batch.length;
        const lines = batch.map((doc) =>
          JSON.stringify({
            ...{ op: "upsert", id: null, version: [passNumber, 0, 0] },
            ...{ observed_at: observedAt, doc },
          }),
        );
        return Promise.resolve({
          lines: Buffer.from(lines.map((line) => `${line}\n`).join("")),
          rows: batch.length,
          ...{ observedAt, sourceMillis: 0, position: String(next) },
          done: next >= rows.length,
        });
      },
      close: () => Promise.resolve(),
    };
  }

  async describe(place: JsonObject): Promise<SourceShape> {
    const rows = await this.#rows(anyPlaceIn(place));
    const fields = rows.flatMap((row) => Object.entries(row));
    return {
      fields: Object.fromEntries(fields.map(([name, value]) => [name, { types: [typeOf(value)] }])),
      hidesFields: false,
    };
  }

  async discover(
    place: JsonObject,
    { documents }: { readonly documents: number },
  ): Promise<Discovery> {
    const rows = (await this.#rows(anyPlaceIn(place))).slice(0, documents);
    const observed = observe(rows);
    return {
      ...{ system: jsonLines.name, place, description: null, refreshSeconds: null, remarks: [] },
      sampledIds: [],
      sampledDocuments: rows.length,
      fields: [...observed.children].map(([name, seen]): FoundField => {
        const isWhole = seen.isOnly("whole");
        return {
          ...{ path: [name], type: isWhole ? "long" : "string" },
          ...{ sourceType: isWhole ? "number" : "text", isSortable: false, isKey: name === "id" },
          ...{ description: null, observed: seen, cursorEvidence: null, remarks: [] },
        };
      }),
    };
  }

  release(): Promise<void> {
    return Promise.resolve();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  async #rows({ file, comment }: z.output<typeof storedPlaceSchema>): Promise<Row[]> {
    const text = await readFile(join(this.#folder, file), "utf8").catch((error: unknown) => {
      throw new SourceConfigurationError(`${this.#folder} has no file ${file}.`, { cause: error });
    });
    const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith(comment));
    return lines.map((line) => rowSchema.parse(JSON.parse(line)));
  }
}

/** A place as `from` says it, or as the Data Catalog holds it. */
function anyPlaceIn(place: JsonObject): z.output<typeof storedPlaceSchema> {
  const { file } = placeIn(z.object(placeSchema.shape), place, jsonLines);
  return { file, comment: "#" };
}

function typeOf(value: Row[string]): string {
  if (Array.isArray(value)) return "array";
  if (typeof value === "object") return "object";
  if (typeof value === "string") return "text";
  return typeof value === "number" ? "number" : "flag";
}
