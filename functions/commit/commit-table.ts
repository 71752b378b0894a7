// Commits one table: fences it, writes the next manifest from what the ledger recorded, and moves progress.
import { randomUUID } from "node:crypto";
import { StaleProgressError } from "../../stores/ledger/errors.ts";
import type { Ledger } from "../../stores/ledger/ledger.ts";
import { keys } from "../../contract/keys.ts";
import type { Manifest } from "../../contract/manifest.ts";
import { openPasses } from "../../contract/passes.ts";
import type { Pass, Progress } from "../../contract/records.ts";
import type { CommitResult } from "../../contract/run-files.ts";
import type { JsonStore } from "../../stores/bucket/json-store.ts";
import { committedKey, decideCommit } from "./decide-commit.ts";
import { isComplete, type PassContent, type SplitContent } from "./watermark.ts";

export interface CommitContext {
  readonly run: string;
  readonly ledger: Pick<Ledger, "leases" | "progress" | "splits" | "transactions">;
  readonly store: JsonStore;
}

type Done = Exclude<CommitResult, { status: "failed" }>;

// A twin of this invocation can win the race for the manifest, once.
const MAX_ATTEMPTS = 3;

/**
 * Doing it again, after a crash anywhere, is a success and gives the same result.
 * @param token what Plan leased the table under
 * @throws FencedError if another run took the table over; ProtocolError if the ledger's records do not fit together
 */
export async function commitTable(
  context: CommitContext,
  table: string,
  token: number,
): Promise<Done> {
  const fenced = await context.ledger.leases.fence(table, token);
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await commitFenced(context, table, fenced);
    } catch (error) {
      if (!(error instanceof StaleProgressError) || attempt >= MAX_ATTEMPTS) throw error;
    }
  }
}

async function commitFenced(context: CommitContext, table: string, token: number): Promise<Done> {
  const { run, ledger, store } = context;
  const progress = await ledger.progress.read(table);
  const passes: PassContent[] = [];
  for (const pass of openPasses(progress))
    passes.push(await readPass(ledger, table, pass, progress));
  const createdAt = new Date().toISOString();
  const commit = decideCommit({ table, run, createdAt, progress, passes });
  if (commit === undefined) return describeLast(context, table, progress, passes);

  const { manifest, after } = commit;
  if (manifest === null) {
    await ledger.transactions.moveProgress({ table, token, before: progress, after });
    return describeLast(context, table, after, passes);
  }
  const written = await writeManifest(store, manifest, token);
  const totals = {
    rows: manifest.rows,
    keys: manifest.keys,
    objects: manifest.objects.length,
    bytes: manifest.objects.reduce((sum, { bytes }) => sum + bytes, 0),
  };
  await ledger.transactions.commitManifest({
    table,
    token,
    before: progress,
    after,
    manifest: { number: manifest.number, ...written, ...totals, run },
  });
  return {
    status: "committed",
    table,
    manifest: manifest.number,
    ...totals,
    watermark: after.watermark,
    watermarkUnit: after.watermarkUnit ?? null,
    passes: describePasses(passes),
  };
}

async function readPass(
  ledger: CommitContext["ledger"],
  table: string,
  pass: Pass,
  progress: Progress,
): Promise<PassContent> {
  const records = await ledger.splits.list(table, pass);
  // A completed pass names all its objects, whichever manifests they came in.
  const fromStart = isComplete(records);
  const splits: SplitContent[] = [];
  for (const split of records) {
    const committed = progress.committed[committedKey(pass.id, split.split)] ?? 0;
    const from = fromStart ? 0 : committed;
    const objects =
      split.objects > from
        ? await ledger.splits.listObjects(table, pass.id, split.split, from)
        : [];
    splits.push({ split, objects });
  }
  return { pass, splits };
}

async function writeManifest(
  store: JsonStore,
  manifest: Manifest,
  token: number,
): Promise<{ key: string; etag: string }> {
  for (;;) {
    const { table, number } = manifest;
    const key = keys.manifest({ table, number, token, attempt: randomUUID() });
    const written = await store.putNew(key, manifest);
    // Taken: a response was lost and the client sent it again. What is there can't be read back, so it is left alone.
    if (written !== undefined) return { key, etag: written.etag };
  }
}

/** What an earlier attempt of this run committed, if it did, or else that there was nothing to commit. */
async function describeLast(
  { run, ledger }: CommitContext,
  table: string,
  progress: Progress,
  passes: readonly PassContent[],
): Promise<Done> {
  const { lastManifest, watermark, watermarkUnit = null } = progress;
  const last =
    lastManifest === 0 ? undefined : await ledger.progress.readManifest(table, lastManifest);
  const passLines = describePasses(passes);
  if (last?.run !== run) {
    const manifest = lastManifest === 0 ? null : lastManifest;
    return { status: "nothing", table, manifest, watermark, watermarkUnit, passes: passLines };
  }
  const { number, rows, keys: keyLines, objects, bytes } = last;
  return {
    status: "committed",
    table,
    manifest: number,
    ...{ rows, keys: keyLines, objects, bytes },
    ...{ watermark, watermarkUnit },
    passes: passLines,
  };
}

function describePasses(passes: readonly PassContent[]): Done["passes"] {
  return passes.map(({ pass, splits }) => ({
    pass: pass.id,
    kind: pass.kind,
    splits: splits.length,
    splitsDone: splits.filter(({ split }) => split.done).length,
  }));
}
