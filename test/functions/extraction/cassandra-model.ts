// What a Cassandra table must hold after random writes with timestamps of their own: the last write of each cell wins.
import { setTimeout } from "node:timers/promises";
import fc from "fast-check";
import type { CassandraTable } from "./cassandra-table.ts";
import { canonical, type Doc, type Json, type Rows } from "./live-table.ts";

export interface RandomStatement {
  readonly pk: number;
  readonly ck: number;
  readonly as:
    | "insert"
    | "set name"
    | "set tags"
    | "add tag"
    | "remove tag"
    | "set note"
    | "delete row"
    | "delete partition";
  readonly name: string | null;
  readonly number: number | null;
  readonly tags: readonly string[];
  /** True: written with a timestamp in the past, so that it may change nothing. */
  readonly isBackDated: boolean;
  /** True: it expires after a second. */
  readonly isShortLived: boolean;
}

const partitions = 6;
/** Of a row that no random write touches. */
const lastPartition = partitions;
const tagNames = ["a", "b", "c"];

export const cassandraWrite: fc.Arbitrary<RandomStatement> = fc.record({
  pk: fc.nat(partitions - 1),
  ck: fc.nat(4),
  as: fc.constantFrom(
    ...(["insert", "insert", "insert", "insert", "set name", "set name", "set tags"] as const),
    ...(["add tag", "remove tag", "set note", "delete row", "delete partition"] as const),
  ),
  name: fc.option(fc.constantFrom("x", "y", "a 'quoted' name", "")),
  number: fc.option(fc.maxSafeInteger()),
  tags: fc.uniqueArray(fc.constantFrom(...tagNames), { maxLength: 3 }),
  isBackDated: fc.nat(5).map((one) => one === 0),
  isShortLived: fc.nat(5).map((one) => one === 0),
});

/** A cell: what it holds, since when; null is a tombstone. */
interface Cell {
  readonly at: number;
  readonly value: Json;
}

class ModelRow {
  /** When the row itself was inserted. */
  marker: Cell = { at: 0, value: null };
  readonly cells = new Map<string, Cell>();
  /** Everything written until then is gone. */
  deletedAt = 0;
  /** The set as a whole was overwritten then. */
  tagsClearedAt = 0;

  set(column: string, value: Json, at: number): void {
    const before = this.cells.get(column);
    if (before === undefined || before.at < at) this.cells.set(column, { at, value });
  }

  get(column: string, deletedAt: number): Json {
    const cell = this.cells.get(column);
    const isSet = column.startsWith("tag ");
    const gone = Math.max(this.deletedAt, deletedAt, isSet ? this.tagsClearedAt : 0);
    return cell === undefined || cell.at <= gone ? null : cell.value;
  }
}

interface Partition {
  deletedAt: number;
  note: Cell;
  readonly rows: Map<number, ModelRow>;
}

export class CassandraModel {
  readonly table: CassandraTable;
  readonly #partitions = new Map<number, Partition>();
  /** The last timestamp given, microseconds. Later runs of a test overwrite what earlier ones wrote. */
  #at = Date.now() * 1000;
  #hasShortLived = false;

  constructor(table: CassandraTable) {
    this.table = table;
  }

  async clear(): Promise<void> {
    this.#partitions.clear();
    // Past all that was written before, also what was written for the past.
    this.#at += 1_000_000;
    for (let pk = 0; pk < partitions + 2; pk += 1)
      await this.table.execute(`DELETE FROM {t} USING TIMESTAMP ${this.#at} WHERE pk = ${pk}`);
    this.#at += 1_000_000;
    this.#hasShortLived = false;
  }

  async write(writes: readonly RandomStatement[]): Promise<void> {
    for (const write of writes) await this.table.execute(this.#apply(write));
  }

  /** Waits until what was written to expire has expired: a row that is written last lives as long as any other. */
  async settle(): Promise<void> {
    if (!this.#hasShortLived) return;
    this.#at += 10;
    await this.table.execute(
      `INSERT INTO {t} (pk, ck) VALUES (${lastPartition}, 0) USING TIMESTAMP ${this.#at} AND TTL 1`,
    );
    const deadline = Date.now() + 20_000;
    while ([...(await this.table.rows()).keys()].includes(canonical([lastPartition, 0]))) {
      if (Date.now() > deadline) throw new Error("a row of one second is still there after twenty");
      await setTimeout(20);
    }
  }

  rows(): Rows {
    const rows: Rows = new Map();
    for (const [pk, partition] of this.#partitions) {
      const note = partition.note.at > partition.deletedAt ? partition.note.value : null;
      let count = 0;
      for (const [ck, row] of partition.rows) {
        const doc = docOf(row, partition);
        if (doc === null) continue;
        count += 1;
        rows.set(canonical([pk, ck]), canonical({ ...doc, pk, ck, note }));
      }
      // A partition of nothing but a static column shows itself as a row without a clustering key.
      if (count === 0 && note !== null)
        rows.set(canonical([pk, null]), canonical({ ...empty, pk, ck: null, note }));
    }
    return rows;
  }

  #apply(write: RandomStatement): string {
    const { pk, ck, as, name, number, tags, isBackDated } = write;
    const isShortLived =
      write.isShortLived && (as === "insert" || as === "set name" || as === "set note");
    this.#at += 10;
    // No two writes have the same timestamp, for ties are decided by the values.
    const at = isBackDated ? this.#at - 995 : this.#at;
    const partition = this.#partition(pk);
    const row = this.#row(partition, ck);
    const where = `WHERE pk = ${pk} AND ck = ${ck}`;
    const using = `USING TIMESTAMP ${at}${isShortLived ? " AND TTL 1" : ""}`;
    this.#hasShortLived ||= isShortLived;
    // What expires is a tombstone of its own timestamp in the end.
    const kept = (value: Json): Json => (isShortLived ? null : value);
    switch (as) {
      case "insert":
        if (row.marker.at < at) row.marker = { at, value: kept(true) };
        row.set("name", kept(name), at);
        row.set("n", kept(number), at);
        return (
          `INSERT INTO {t} (pk, ck, name, n) VALUES (${pk}, ${ck}, ${quoted(name)}, ` +
          `${String(number)}) ${using}`
        );
      case "set name":
        row.set("name", kept(name), at);
        return `UPDATE {t} ${using} SET name = ${quoted(name)} ${where}`;
      case "set tags":
        row.tagsClearedAt = Math.max(row.tagsClearedAt, at - 1);
        for (const tag of tags) row.set(`tag ${tag}`, true, at);
        return `UPDATE {t} ${using} SET tags = {${tags.map(quoted).join(", ")}} ${where}`;
      case "add tag":
      case "remove tag": {
        const isAdded = as === "add tag";
        const [tag = "a"] = tags;
        row.set(`tag ${tag}`, isAdded ? true : null, at);
        return `UPDATE {t} ${using} SET tags = tags ${isAdded ? "+" : "-"} {${quoted(tag)}} ${where}`;
      }
      case "set note":
        if (partition.note.at < at) partition.note = { at, value: kept(name) };
        return `UPDATE {t} ${using} SET note = ${quoted(name)} WHERE pk = ${pk}`;
      case "delete row":
        row.deletedAt = Math.max(row.deletedAt, at);
        return `DELETE FROM {t} ${using} ${where}`;
      case "delete partition":
        partition.deletedAt = Math.max(partition.deletedAt, at);
        return `DELETE FROM {t} ${using} WHERE pk = ${pk}`;
    }
  }

  #partition(pk: number): Partition {
    const known = this.#partitions.get(pk);
    if (known !== undefined) return known;
    const made: Partition = { deletedAt: 0, note: { at: 0, value: null }, rows: new Map() };
    this.#partitions.set(pk, made);
    return made;
  }

  #row({ rows }: Partition, ck: number): ModelRow {
    const known = rows.get(ck);
    if (known !== undefined) return known;
    const made = new ModelRow();
    rows.set(ck, made);
    return made;
  }
}

const empty = { name: null, n: null, tags: null, attributes: null };

function docOf(row: ModelRow, { deletedAt }: Partition): Doc | null {
  const gone = Math.max(row.deletedAt, deletedAt);
  const name = row.get("name", deletedAt);
  const n = row.get("n", deletedAt);
  const found = tagNames.filter((tag) => row.get(`tag ${tag}`, deletedAt) === true);
  const tags = found.length === 0 ? null : found;
  const isInserted = row.marker.value === true && row.marker.at > gone;
  return isInserted || name !== null || n !== null || tags !== null
    ? { ...empty, name, n, tags }
    : null;
}

function quoted(text: string | null): string {
  return text === null ? "null" : `'${text.replaceAll("'", "''")}'`;
}
