// The writes that span stores, each of them whole or not at all, and only under a table's lease: whoever lost the lease
// cannot record any more.
import { isDeepStrictEqual } from "node:util";
import { ProtocolError } from "../../contract/errors.ts";
import { itemKeys } from "../../contract/ledger-keys.ts";
import { readsPastRows } from "../../contract/passes.ts";
import type { ObjectRecord, Pass, Progress, SplitRecord } from "../../contract/records.ts";
import { StaleProgressError, StaleSplitError } from "./errors.ts";
import { fencedError, hasToken } from "./lease.ts";
import type { LedgerTable } from "./ledger-table.ts";
import type { Operation } from "./operations.ts";
import { moveSplit, PassSplits, putObject, putSplit } from "./pass-splits.ts";
import { moveProgress, putManifest, type ManifestEntry } from "./table-progress.ts";

// A transaction holds 100 operations; one of them is the check of the token.
const SPLITS_A_TRANSACTION = 99;

export class Transactions {
  readonly #ledgerTable: LedgerTable;
  readonly #splits: PassSplits;

  constructor(ledgerTable: LedgerTable) {
    this.#ledgerTable = ledgerTable;
    this.#splits = new PassSplits(ledgerTable);
  }

  /**
   * Opens a pass: its splits first, then the progress that names them, so that nothing half open is ever seen.
   * @returns the progress with the pass in it
   * @throws FencedError if the token is no longer the lease's; StaleProgressError if progress moved since `before`
   */
  async openPass(args: {
    table: string;
    token: number;
    before: Progress;
    pass: Pass;
    splits: readonly SplitRecord[];
  }): Promise<Progress> {
    const { table, token, before, pass, splits } = args;
    for (let first = 0; first < splits.length; first += SPLITS_A_TRANSACTION) {
      const some = splits.slice(first, first + SPLITS_A_TRANSACTION);
      const puts = some.map((split) => putSplit(table, split));
      const failed = await this.#ledgerTable.transact([checkToken(table, token), ...puts]);
      if (failed !== undefined) throw fencedError(itemKeys.lease(table), token);
    }
    const after: Progress = {
      ...before,
      passNumber: pass.number,
      passes: { ...before.passes, [pass.kind]: pass },
      lastKeysPassStartedAt: pass.kind === "keys" ? pass.startedAt : before.lastKeysPassStartedAt,
      lastLatePassStartedAt: readsPastRows(pass) ? pass.startedAt : before.lastLatePassStartedAt,
    };
    await this.#moveProgress(table, token, before, after);
    return after;
  }

  /**
   * Records a finished object together with where reading goes on, or, without an object, only the latter.
   * It is the only way an object comes to count. Doing it again is a success.
   * @param args.before the split as it was read, or as the last call returned it
   * @returns the split as it is now
   * @throws FencedError if the token is no longer the lease's; StaleSplitError if somebody else moved the split
   */
  async recordObject(args: {
    table: string;
    token: number;
    before: SplitRecord;
    position: string | null;
    done: boolean;
    object: ObjectRecord | null;
  }): Promise<SplitRecord> {
    const { table, token, before, object } = args;
    if (object !== null && object.sequence !== before.objects) {
      throw new ProtocolError(
        `object ${object.key} has sequence ${object.sequence}, but the split's next is ${before.objects}`,
      );
    }
    const after: SplitRecord = {
      ...before,
      position: args.position,
      done: args.done,
      objects: before.objects + (object === null ? 0 : 1),
      rows: before.rows + (object?.rows ?? 0),
    };
    const failed = await this.#ledgerTable.transact([
      checkToken(table, token),
      moveSplit(table, before, after),
      ...(object === null ? [] : [putObject(table, object)]),
    ]);
    if (failed === undefined) return after;
    if (await this.#isRecorded(table, after, object)) return after;
    if (failed.failedIndex === 0) throw fencedError(itemKeys.lease(table), token);
    throw new StaleSplitError(
      `split ${before.split} of pass ${before.pass} of table ${table} moved on from ` +
        `${before.objects} objects and position ${before.position ?? "null"}: another attempt is recording it`,
    );
  }

  /**
   * Makes a manifest the table's next one, and moves progress with it.
   * @throws FencedError if the token is no longer the lease's; StaleProgressError if progress moved since `before`
   */
  async commitManifest(args: {
    table: string;
    token: number;
    before: Progress;
    after: Progress;
    manifest: ManifestEntry;
  }): Promise<void> {
    const { table, token, before, after, manifest } = args;
    const { number } = manifest;
    if (number !== before.lastManifest + 1 || after.lastManifest !== number) {
      throw new ProtocolError(
        `manifest ${number} of table ${table} does not follow ${before.lastManifest} (progress would say ${after.lastManifest})`,
      );
    }
    await this.#moveProgress(table, token, before, after, putManifest(table, manifest));
  }

  /**
   * Moves progress where passes ended and there is nothing for a manifest. Doing it again is a success.
   * @throws FencedError if the token is no longer the lease's; StaleProgressError if progress moved since `before`
   */
  async moveProgress(args: {
    table: string;
    token: number;
    before: Progress;
    after: Progress;
  }): Promise<void> {
    const { table, token, before, after } = args;
    if (after.lastManifest !== before.lastManifest || after.passNumber !== before.passNumber) {
      throw new ProtocolError(
        `progress of table ${table} cannot move to manifest ${after.lastManifest}, pass ${after.passNumber} ` +
          `without a manifest or a pass (it is at ${before.lastManifest}, ${before.passNumber})`,
      );
    }
    await this.#moveProgress(table, token, before, after);
  }

  async #moveProgress(
    table: string,
    token: number,
    before: Progress,
    after: Progress,
    ...more: Operation[]
  ): Promise<void> {
    const failed = await this.#ledgerTable.transact([
      checkToken(table, token),
      moveProgress(table, before, after),
      ...more,
    ]);
    if (failed === undefined) return;
    if (failed.failedIndex === 0) throw fencedError(itemKeys.lease(table), token);
    throw new StaleProgressError(
      `progress of table ${table} moved on from manifest ${before.lastManifest}, pass ${before.passNumber}`,
    );
  }

  /** True if an earlier attempt of the very same call was written although its response was lost. */
  async #isRecorded(
    table: string,
    after: SplitRecord,
    object: ObjectRecord | null,
  ): Promise<boolean> {
    const { pass, split } = after;
    if (object === null) {
      return isDeepStrictEqual(await this.#splits.read(table, pass, split), after);
    }
    const [recorded] = await this.#splits.listObjects(table, pass, split, object.sequence);
    // Keys hold the attempt's random id, so the same key is the same attempt.
    return recorded?.key === object.key;
  }
}

function checkToken(table: string, token: number): Operation {
  return { kind: "check", key: itemKeys.lease(table), condition: hasToken(token) };
}
