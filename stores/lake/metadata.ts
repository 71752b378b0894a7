// Reads an Iceberg table's metadata for the one thing that other parts need: which content its readers see.
import { z } from "zod";
import { ProtocolError } from "../../contract/errors.ts";

const metadataSchema = z.object({
  "format-version": z.int(),
  "current-snapshot-id": z.string().nullish(),
  snapshots: z
    .array(z.object({ "snapshot-id": z.string(), "parent-snapshot-id": z.string().nullish() }))
    .default([]),
  refs: z
    .record(z.string(), z.object({ "snapshot-id": z.string(), type: z.enum(["branch", "tag"]) }))
    .default({}),
});

/** The part of Iceberg's table metadata that says what its readers see. Snapshot ids are text: they exceed 2^53. */
type IcebergMetadata = z.infer<typeof metadataSchema>;

/** Older writers say "no snapshot" so. */
const NO_SNAPSHOT = "-1";

/**
 * Parses Iceberg's metadata JSON.
 *
 * @param place where the text came from, for the error
 * @throws ProtocolError if it is not such metadata
 */
export function parseMetadata(text: string, place: string): IcebergMetadata {
  let value: unknown;
  try {
    value = JSON.parse(text, keepSnapshotIds);
  } catch (error) {
    throw new ProtocolError(`${place} is not JSON (${String(error)}); was it cut off?`);
  }
  const parsed = metadataSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new ProtocolError(`${place} is not Iceberg metadata: ${z.prettifyError(parsed.error)}`);
}

/** Keeps a snapshot id as the digits that were written: as a number it would be rounded. */
function keepSnapshotIds(key: string, value: unknown, context?: { source?: string }): unknown {
  return typeof value === "number" && key.endsWith("snapshot-id")
    ? (context?.source ?? value)
    : value;
}

/**
 * The content id that the table's readers see: that of the newest tag of Sluice in main's ancestry. Null if there is
 * none, which is so before the first build. Tags of branches that were left behind do not count.
 */
export function currentContentId(metadata: IcebergMetadata): string | null {
  const tags = tagsBySnapshot(metadata);
  const parents = new Map(
    metadata.snapshots.map((snapshot) => [
      snapshot["snapshot-id"],
      snapshot["parent-snapshot-id"] ?? null,
    ]),
  );
  const seen = new Set<string>();
  let at = mainHead(metadata);
  // An expired parent is named but not among the snapshots: the ancestry ends there.
  while (at !== null && parents.has(at) && !seen.has(at)) {
    const tag = tags.get(at);
    if (tag !== undefined) return tag.contentId;
    seen.add(at);
    at = parents.get(at) ?? null;
  }
  return null;
}

function mainHead(metadata: IcebergMetadata): string | null {
  const head = metadata.refs.main?.["snapshot-id"] ?? metadata["current-snapshot-id"] ?? null;
  return head === NO_SNAPSHOT ? null : head;
}

interface SluiceTag {
  /** The manifest through which a table is applied; 0 for a model. */
  readonly appliedThrough: number;
  readonly contentId: string;
}

/** `sluice.<applied through>.<fingerprint>.<content id>` of a table, `sluice.<hash>.<content id>` of a model. */
const TAG_NAME = /^sluice\.(?:(\d+)\.)?[0-9a-f]{12}\.(\d+)$/;

function tagsBySnapshot(metadata: IcebergMetadata): Map<string, SluiceTag> {
  const tags = new Map<string, SluiceTag>();
  for (const [name, ref] of Object.entries(metadata.refs)) {
    const [, appliedThrough = "0", contentId] = TAG_NAME.exec(name) ?? [];
    if (ref.type !== "tag" || contentId === undefined) continue;
    const tag = { appliedThrough: Number(appliedThrough), contentId };
    const other = tags.get(ref["snapshot-id"]);
    if (other === undefined || other.appliedThrough < tag.appliedThrough) {
      tags.set(ref["snapshot-id"], tag);
    }
  }
  return tags;
}
