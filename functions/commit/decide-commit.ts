// What a table's next manifest holds and how its progress moves: a pure decision over what the ledger has recorded.
import { ProtocolError } from "../../contract/errors.ts";
import type { Manifest } from "../../contract/manifest.ts";
import type { ObjectRecord, Progress } from "../../contract/records.ts";
import { isComplete, nextWatermark, type PassContent } from "./watermark.ts";

interface Commit {
  /** Null if there is nothing in it that a build could use: then progress moves alone. */
  readonly manifest: Manifest | null;
  readonly after: Progress;
}

export const committedKey = (pass: string, split: string): string => `${pass}/${split}`;

/**
 * @returns nothing if no object is new and no pass is complete
 * @throws ProtocolError if the object records do not match what the splits count
 */
export function decideCommit(args: {
  table: string;
  run: string;
  createdAt: string;
  progress: Progress;
  passes: readonly PassContent[];
}): Commit | undefined {
  const { table, run, createdAt, progress, passes } = args;
  const fresh = passes.map((content) => ({
    content,
    objects: newObjects(table, progress, content),
  }));
  const objects = fresh.flatMap((one) => one.objects);
  const complete = passes.filter(({ splits }) => isComplete(splits.map(({ split }) => split)));
  if (objects.length === 0 && complete.length === 0) return undefined;

  const open = passes.filter((content) => !complete.includes(content));
  const watermark = passes.reduce(nextWatermark, progress.watermark);
  const after = {
    ...{ ...progress, watermark },
    ...(watermark === null ? {} : unitOfWatermark(passes, progress)),
    ...markOf(complete),
    passes: Object.fromEntries(open.map(({ pass }) => [pass.kind, pass])),
    committed: Object.fromEntries(
      open.flatMap(({ pass, splits }) =>
        splits
          .filter(({ split }) => split.objects > 0)
          .map(({ split }) => [committedKey(pass.id, split.split), split.objects]),
      ),
    ),
  };
  // From a completed pass the build concludes which keys are missing, and nothing else.
  if (objects.length === 0 && !complete.some(({ pass }) => pass.findsDeletes)) {
    return { manifest: null, after };
  }
  const number = progress.lastManifest + 1;
  const withWindow = fresh.find(
    ({ content, objects: its }) =>
      content.pass.window !== null && (its.length > 0 || complete.includes(content)),
  );
  return {
    manifest: {
      format: 1,
      table,
      number,
      run,
      createdAt,
      objects,
      rows: sumRows(objects, "upsert"),
      keys: sumRows(objects, "key"),
      window: withWindow?.content.pass.window ?? null,
      completed: complete.map(({ pass, splits }) => ({
        pass: pass.id,
        kind: pass.kind,
        number: pass.number,
        startedAt: pass.startedAt,
        sinceManifest: pass.sinceManifest,
        findsDeletes: pass.findsDeletes,
        objects: splits.flatMap((split) => split.objects.map(({ key }) => key)),
      })),
    },
    after: { ...after, lastManifest: number },
  };
}

/** A completed pass leaves its own mark, or none: then an earlier one says nothing of its window. */
function markOf(complete: readonly PassContent[]): { writeMark?: string | undefined } {
  const rows = complete.find(({ pass }) => pass.kind === "rows");
  return rows === undefined ? {} : { writeMark: rows.pass.writeMark };
}

/** What the watermark counts by the pass that moves it, else what it counted before. */
function unitOfWatermark(
  passes: readonly PassContent[],
  progress: Progress,
): Pick<Progress, "watermarkUnit"> {
  const unit = passes.find(({ pass }) => pass.kind === "rows")?.pass.unit;
  const known = unit ?? progress.watermarkUnit;
  return known === undefined ? {} : { watermarkUnit: known };
}

/** The objects that are in no manifest yet; together with those before they must be as many as the split counts. */
function newObjects(
  table: string,
  progress: Progress,
  { pass, splits }: PassContent,
): ObjectRecord[] {
  return splits.flatMap(({ split, objects }) => {
    const committed = progress.committed[committedKey(pass.id, split.split)] ?? 0;
    const fresh = objects.filter(({ sequence }) => sequence >= committed);
    const isWhole =
      fresh.length === split.objects - committed &&
      fresh.every(({ sequence }, index) => sequence === committed + index);
    if (!isWhole) {
      throw new ProtocolError(
        `table ${table}, pass ${pass.id}, split ${split.split}: the ledger counts ${split.objects} objects, ${committed} of them ` +
          `committed, but holds the records ${JSON.stringify(fresh.map(({ sequence }) => sequence))}`,
      );
    }
    return fresh;
  });
}

function sumRows(objects: readonly ObjectRecord[], op: ObjectRecord["op"]): number {
  return objects.filter((object) => object.op === op).reduce((sum, { rows }) => sum + rows, 0);
}
