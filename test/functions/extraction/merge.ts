// What a warehouse makes of a table's manifests: the documented merge rule, written again and apart from the build.
import { gunzipSync } from "node:zlib";
import { GetObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import { z } from "zod";
import type { TableDefinition } from "../../../catalog/definition.ts";
import type { Ledger } from "../../../stores/ledger/ledger.ts";
import { type Manifest, manifestSchema } from "../../../contract/manifest.ts";
import { objectLineSchema, type ObjectLine } from "../../../contract/object-line.ts";
import { canonical, contentHash, type Doc, type Json, type Rows } from "./live-table.ts";

const jsonSchema: z.ZodType<Json> = z.json();

type Version = Extract<ObjectLine, { op: "upsert" }>["version"];

interface Line {
  readonly key: string;
  readonly op: ObjectLine["op"];
  readonly version: Version | null;
  readonly observedAt: number;
  readonly doc: Doc;
}

/** A manifest with all that its objects hold. */
export interface AppliedManifest {
  readonly manifest: Manifest;
  readonly lines: ReadonlyMap<string, readonly Line[]>;
}

interface LakeRow {
  readonly isTombstone: boolean;
  readonly version: Version | null;
  readonly observedAt: number;
  readonly text: string;
}

export interface Stored {
  readonly s3: S3Client;
  readonly bucket: string;
  readonly ledger: Pick<Ledger, "progress">;
}

/**
 * All manifests of a table in order, as the ledger names them, each checked against what is stored.
 * @throws Error if one is missing, is not what was recorded, or names an object that is not as recorded, or names it again
 */
export async function readManifests(
  stored: Stored,
  definition: TableDefinition,
): Promise<AppliedManifest[]> {
  const { lastManifest } = await stored.ledger.progress.read(definition.name);
  const manifests: AppliedManifest[] = [];
  const seen = new Set<string>();
  for (let number = 1; number <= lastManifest; number += 1) {
    const entry = await stored.ledger.progress.readManifest(definition.name, number);
    if (entry === undefined) throw new Error(`manifest ${number} is not in the ledger`);
    const { etag, bytes } = await read(stored, entry.key);
    if (etag !== entry.etag) throw new Error(`manifest ${number} is not what was recorded`);
    const manifest = manifestSchema.parse(JSON.parse(bytes.toString("utf8")));
    if (manifest.number !== number || manifest.table !== definition.name)
      throw new Error(`${entry.key} is manifest ${manifest.number} of ${manifest.table}`);
    const lines = new Map<string, readonly Line[]>();
    for (const object of manifest.objects) {
      if (seen.has(object.key)) throw new Error(`${object.key} is in two manifests`);
      seen.add(object.key);
      const body = await read(stored, object.key);
      const parsed = parseObject(body.bytes, definition);
      const isAsRecorded =
        body.etag === object.etag &&
        body.bytes.length === object.bytes &&
        parsed.length === object.rows &&
        parsed.every(({ op }) => op === object.op);
      if (!isAsRecorded) throw new Error(`${object.key} is not as its record says`);
      lines.set(object.key, parsed);
    }
    if (sum(lines, "upsert") !== manifest.rows || sum(lines, "key") !== manifest.keys)
      throw new Error(`manifest ${number} counts other rows than its objects hold`);
    for (const { pass, objects } of manifest.completed) {
      const lost = objects.find((key) => !seen.has(key));
      if (lost !== undefined) throw new Error(`${lost} of the completed ${pass} is in no manifest`);
    }
    manifests.push({ manifest, lines });
  }
  return manifests;
}

/**
 * The live rows after all manifests.
 * @param batches how many manifests each build applies at once, in turn; the last number counts for all others
 */
export function applyManifests(
  definition: TableDefinition,
  manifests: readonly AppliedManifest[],
  batch: number,
): Rows {
  const lake = new Map<string, LakeRow>();
  for (let first = 0; first < manifests.length; first += batch) {
    const present = manifests.slice(first, first + batch);
    merge(lake, present);
    markAbsent(lake, present, manifests.slice(0, first + present.length));
  }
  const live = [...lake].filter(([, row]) => !row.isTombstone && !isSoftDeleted(definition, row));
  return new Map(live.map(([key, row]) => [key, row.text]));
}

function merge(lake: Map<string, LakeRow>, manifests: readonly AppliedManifest[]): void {
  const latest = new Map<string, Line>();
  for (const line of linesOf(manifests)) {
    if (line.op !== "upsert") continue;
    const before = latest.get(line.key);
    if (before === undefined || !isNewer(before, line)) latest.set(line.key, line);
  }
  for (const [key, line] of latest) {
    const before = lake.get(key);
    const text = canonical(line.doc);
    const row = { ...line, text, isTombstone: false };
    if (before === undefined) lake.set(key, row);
    else if (
      before.version === null ? line.observedAt >= before.observedAt : isNewer(line, before)
    ) {
      // A row that is unchanged stays as it is, with its older observation.
      if (before.isTombstone || contentHash(text) !== contentHash(before.text)) lake.set(key, row);
    }
  }
}

function markAbsent(
  lake: Map<string, LakeRow>,
  present: readonly AppliedManifest[],
  known: readonly AppliedManifest[],
): void {
  const gone = new Map<string, number>();
  for (const { manifest } of present) {
    for (const pass of manifest.completed) {
      if (!pass.findsDeletes) continue;
      const own = new Set(pass.objects);
      const seen = new Set<string>();
      for (const one of known) {
        for (const [object, lines] of one.lines) {
          const isLater = one.manifest.number > pass.sinceManifest;
          for (const { key, op, observedAt } of lines) {
            if (own.has(object)) seen.add(key);
            else if (isLater && op === "upsert" && observedAt >= pass.startedAt) seen.add(key);
          }
        }
      }
      for (const [key, row] of lake) {
        if (row.isTombstone || row.observedAt >= pass.startedAt || seen.has(key)) continue;
        gone.set(key, Math.max(gone.get(key) ?? 0, pass.startedAt));
      }
    }
  }
  for (const [key, observedAt] of gone)
    lake.set(key, { isTombstone: true, version: null, observedAt, text: "" });
}

/** True if `a` is a later version than `b`, or the same one observed later. */
function isNewer(
  a: { version: Version | null; observedAt: number },
  b: { version: Version | null; observedAt: number },
): boolean {
  for (const index of [0, 1, 2] as const) {
    const difference = (a.version?.[index] ?? 0) - (b.version?.[index] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return a.observedAt > b.observedAt;
}

function isSoftDeleted({ deletes }: TableDefinition, { text }: LakeRow): boolean {
  if (deletes.strategy !== "soft-delete") return false;
  const doc = docSchema.parse(JSON.parse(text));
  const mark = doc[deletes.column] ?? null;
  return mark !== null && mark !== false;
}

const docSchema = z.record(z.string(), jsonSchema);

function* linesOf(manifests: readonly AppliedManifest[]): Generator<Line> {
  for (const { lines } of manifests) for (const some of lines.values()) yield* some;
}

function sum(lines: ReadonlyMap<string, readonly Line[]>, op: Line["op"]): number {
  return [...lines.values()].flat().filter((line) => line.op === op).length;
}

function parseObject(bytes: Buffer, { key, columns }: TableDefinition): Line[] {
  const texts = gunzipSync(bytes).toString("utf8").split("\n");
  if (texts.pop() !== "") throw new Error("the last line of an object is not ended");
  const paths = key.map((name) => columns.find((column) => column.name === name)?.path ?? [name]);
  return texts.map((text) => {
    const line = objectLineSchema.parse(JSON.parse(text));
    const doc = docSchema.parse(line.doc);
    const values = paths.map((path) => (path[0] === "_id" ? line.id : at(doc, path)));
    return {
      key: canonical(values),
      op: line.op,
      version: line.op === "upsert" ? line.version : null,
      observedAt: line.observed_at,
      doc,
    };
  });
}

function at(doc: Doc, path: readonly string[]): Json {
  let value: Json = doc;
  for (const name of path) {
    if (value === null || typeof value !== "object" || Array.isArray(value)) return null;
    value = value[name] ?? null;
  }
  return value;
}

async function read({ s3, bucket }: Stored, key: string): Promise<{ etag: string; bytes: Buffer }> {
  const response = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
  const bytes = Buffer.from((await response.Body?.transformToByteArray()) ?? []);
  return { etag: (response.ETag ?? "").replaceAll('"', ""), bytes };
}
