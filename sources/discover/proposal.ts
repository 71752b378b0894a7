// From what was discovered to a catalog entry to begin with: its key, cursor and deletes, and what a person must decide.
import { MAX_ENTRY_NAME_LENGTH } from "../../catalog/names.ts";
import type { Column, Cursor, Deletes } from "../../catalog/table.ts";
import { isPlain, MAX_COLUMNS } from "../../catalog/validate-columns.ts";
import { canBeAsked, cursorCandidate, verdictOn } from "./cursor-choice.ts";
import type { Discovery, FoundField } from "./discovery.ts";
import { columnName, fieldName, unrepeated } from "./names.ts";
import { guessPersonal } from "./personal.ts";
import type { JsonObject } from "../../contract/json.ts";
import { declarationOf } from "../declarations.ts";

export interface ProposedColumn extends Column {
  /** What a person should look at. */
  readonly remarks: readonly string[];
}

export interface Proposal {
  readonly name: string;
  readonly owner: string;
  readonly description: string;
  /** The source's name. */
  readonly source: string;
  readonly from: JsonObject;
  /** `from` as people write it. */
  readonly place: string;
  readonly key: readonly string[];
  /** Null: the whole table is read again and again. */
  readonly cursor: Cursor | null;
  readonly deletes: Deletes;
  readonly columns: readonly ProposedColumn[];
  /** What is ambiguous in the table as a whole, each with what to do. */
  readonly remarks: readonly string[];
}

const TODO = "TODO";
/** For clocks that differ, added to the time that a row takes to become searchable. */
const CLOCK_SKEW_SECONDS = 1;
const OVERLAP_SECONDS = 60;
const SCAN_HOURS = 24;

/** @param tableName to use in place of the one that the place suggests */
export function propose(discovery: Discovery, source: string, tableName?: string): Proposal {
  const proposer = new Proposer(discovery, tableName ?? nameOf(discovery));
  return proposer.propose(source);
}

function nameOf({ system, place }: Discovery): string {
  return columnName(declarationOf(system).nameOf(place), "table").slice(0, MAX_ENTRY_NAME_LENGTH);
}

interface Named {
  readonly field: FoundField;
  readonly name: string;
}

class Proposer {
  readonly #discovery: Discovery;
  readonly #name: string;
  readonly #remarks: string[];

  constructor(discovery: Discovery, name: string) {
    this.#discovery = discovery;
    this.#name = name;
    this.#remarks = [...discovery.remarks];
  }

  propose(source: string): Proposal {
    const { description, system, place: from } = this.#discovery;
    let fields = this.#nameFields();
    const cursor = this.#chooseCursor(fields);
    const { key, documentId } = this.#chooseKey(fields);
    const never = new Set([...key, cursor?.column]);
    // What is never null marks nothing.
    const nullable = fields.filter(({ name }) => !never.has(name));
    const deletes = this.#chooseDeletes(nullable, cursor !== null);
    const needed = [...key, cursor?.column, "column" in deletes ? deletes.column : undefined];
    fields = this.#limit(fields, new Set(needed), documentId === null ? 0 : 1);
    this.#reportNulls(fields, never);
    const isFirst = ({ name }: Named): boolean => key.includes(name);
    const columns = [
      ...(documentId === null ? [] : [documentId]),
      ...[...fields.filter(isFirst), ...fields.filter((field) => !isFirst(field))].map(
        ({ field, name }) => columnOf(field, name, never.has(name)),
      ),
    ];
    return {
      ...{ name: this.#name, owner: TODO, source, from, key, cursor, deletes, columns },
      description: description ?? `${TODO}: say in a sentence what one row is.`,
      place: declarationOf(system).showPlace(from),
      remarks: this.#remarks,
    };
  }

  #nameFields(): Named[] {
    const named: Named[] = [];
    for (const field of this.#discovery.fields) {
      const plain = field.path.join("_");
      const isTime = field.type === "timestamp" || field.type === "date";
      const name = unrepeated(
        columnName(plain, isTime ? "at" : "value"),
        named.map((other) => other.name),
      );
      named.push({ field, name });
    }
    return named;
  }

  #chooseKey(fields: readonly Named[]): {
    key: string[];
    documentId: ProposedColumn | null;
  } {
    const { idColumn } = declarationOf(this.#discovery.system);
    if (idColumn === undefined) {
      const key = fields.filter(({ field }) => field.isKey).map(({ name }) => name);
      return { key, documentId: null };
    }
    const { sampledIds, sampledDocuments } = this.#discovery;
    const ids = new Set(sampledIds);
    const scalar = fields.filter(
      ({ field: { type, observed } }) =>
        (type === "string" || type === "long" || type === "int") &&
        sampledDocuments > 1 &&
        observed !== null &&
        observed.distinct.size === sampledDocuments &&
        observed.lists === 0,
    );
    const same = scalar.find(
      ({ field }) =>
        field.observed !== null && [...field.observed.distinct].every((value) => ids.has(value)),
    );
    if (same !== undefined && ids.size === sampledDocuments) {
      this.#remarks.push(
        `Key: ${same.name} equals ${idColumn.path} in all ${sampledDocuments} sampled documents. Make sure that it always does, or use the path ["${idColumn.path}"].`,
      );
      return { key: [same.name], documentId: null };
    }
    const taken = fields.map(({ name }) => name);
    const name = unrepeated(taken.includes("id") ? "document_id" : "id", taken);
    const others = scalar
      .filter(({ name: candidate }) => /(^|_)(id|uuid|key|number|code)$/.test(candidate))
      .map(({ name: candidate }) => candidate);
    if (others.length > 0)
      this.#remarks.push(
        `Key: the document's ${idColumn.path}. Unique in the ${sampledDocuments} sampled documents too: ${others.join(", ")}.`,
      );
    return {
      key: [name],
      documentId: {
        ...{ name, type: "string", path: [idColumn.path], nullable: false, remarks: [] },
        description: idColumn.description,
      },
    };
  }

  #chooseCursor(fields: readonly Named[]): Cursor | null {
    if (declarationOf(this.#discovery.system).cursorField !== "cursor") return null;
    const candidates = fields
      .flatMap(({ field, name }) => {
        const candidate = cursorCandidate(field);
        if (candidate === null) return [];
        const verdict = verdictOn(field, candidate, this.#discovery.sampledDocuments);
        return [{ field, name, ...candidate, verdict }];
      })
      .sort((a, b) => b.rank - a.rank);
    const borneOut = candidates.filter(({ verdict }) => verdict.isBorneOut);
    const [best] = borneOut;
    if (best === undefined) this.#reportNoCursor(fields, candidates);
    for (const { name, verdict } of candidates)
      if (!verdict.isBorneOut) this.#remarks.push(`Cursor: not ${name}: ${verdict.reason}.`);
    if (best === undefined) return null;
    const alike = borneOut.filter(({ rank }) => rank === best.rank);
    if (alike.length > 1)
      this.#remarks.push(
        `Cursor: ${alike
          .map(({ name }) => name)
          .join(" and ")} look alike; find out which one grows with every change of a document.`,
      );
    else if (best.meaning === "creation")
      this.#remarks.push(
        `Cursor: ${best.name} looks like the time of creation. Changed documents are found by it only if each change sets it; else leave cursor out, so that the whole index is read each time.`,
      );
    if (best.verdict.isBorneOut)
      for (const remark of best.verdict.remarks)
        this.#remarks.push(`Cursor: ${best.name}: ${remark}.`);
    const refresh = this.#discovery.refreshSeconds ?? 1;
    return {
      column: best.name,
      lagSeconds: Math.ceil(refresh) + CLOCK_SKEW_SECONDS,
      overlapSeconds: best.field.type === "long" ? 0 : OVERLAP_SECONDS,
    };
  }

  #reportNoCursor(fields: readonly Named[], candidates: readonly Named[]): void {
    const tried = new Set(candidates.map(({ name }) => name));
    const others = fields
      .filter(
        ({ field, name }) => field.type === "timestamp" && canBeAsked(field) && !tried.has(name),
      )
      .map(({ name }) => name);
    const none =
      candidates.length === 0
        ? "no field looks as if each change raised it"
        : "none of the fields that look like one is confirmed by the documents";
    const isEmpty = this.#discovery.sampledDocuments === 0;
    this.#remarks.push(
      `Cursor: ${none}, so the whole index is read each time. ` +
        (isEmpty && candidates.length > 0
          ? "Discover it again with documents to sample. "
          : candidates.length + others.length === 0
            ? "Ask the writers for a field with the time of the last change. "
            : "") +
        (others.length === 0
          ? ""
          : `If each change raises one of these, name it in cursor and make it nullable: false: ${others.join(", ")}.`),
    );
  }

  #chooseDeletes(fields: readonly Named[], hasCursor: boolean): Deletes {
    const marks = fields.filter(
      ({ name, field: { type } }) =>
        (type === "boolean" && /(^|_)(is_?)?(deleted|removed|archived)$/.test(name)) ||
        (type === "timestamp" && /(^|_)(deleted|removed)(_?(at|on|date|time))?$/.test(name)),
    );
    const [mark] = marks;
    if (mark !== undefined) {
      this.#remarks.push(
        `Deletes: ${marks.map(({ name }) => name).join(" and ")} ${marks.length > 1 ? "look" : "looks"} like a mark of deleted rows. If rows are also removed outright, it does not show those.`,
      );
      return { strategy: "soft-delete", column: mark.name };
    }
    this.#remarks.push(
      !hasCursor
        ? 'Deletes: rows that a complete reading did not see are taken as deleted. Write {strategy: "none"} if rows are never removed.'
        : `Deletes: no field marks deleted rows, so all keys are compared every ${SCAN_HOURS} hours. Write {strategy: "none"} if rows are never removed.`,
    );
    return !hasCursor
      ? { strategy: "full-scan" }
      : { strategy: "key-scan", everyHours: SCAN_HOURS };
  }

  #reportNulls(fields: readonly Named[], never: ReadonlySet<string | undefined>): void {
    const { sampledDocuments } = this.#discovery;
    if (sampledDocuments === 0) return;
    const full = fields.filter(
      ({ name, field }) => !never.has(name) && field.observed?.present === sampledDocuments,
    );
    if (full.length > 0)
      this.#remarks.push(
        `Never null in ${sampledDocuments} sampled documents: ${full.map(({ name }) => name).join(", ")}. Write nullable: false where a null would be a mistake, whose row is then quarantined.`,
      );
  }

  /** Redshift takes so many columns; what most documents have comes first. */
  #limit(
    fields: readonly Named[],
    needed: ReadonlySet<string | undefined>,
    already: number,
  ): Named[] {
    const room = MAX_COLUMNS - already;
    if (fields.length <= room) return [...fields];
    const weight = ({ field, name }: Named): number =>
      needed.has(name) ? Infinity : (field.observed?.present ?? 0);
    const kept = new Set([...fields].sort((a, b) => weight(b) - weight(a)).slice(0, room));
    const left = fields.filter((field) => !kept.has(field));
    this.#remarks.push(
      `It has ${fields.length} fields, and a table has at most ${MAX_COLUMNS} columns. Left out: ${left.map(({ field }) => field.path.join(".")).join(", ")}.`,
    );
    return fields.filter((field) => kept.has(field));
  }
}

function columnOf(field: FoundField, name: string, isNeverNull: boolean): ProposedColumn {
  const { path, type, description, observed, sourceType } = field;
  const personal = guessPersonal(fieldName(path.join("_")), sourceType, observed);
  const remarks = [...field.remarks, ...remarksOnNumbers(field, name)];
  if (personal !== null) remarks.push(`personal data? ${personal}`);
  // Cassandra's keys may be lists and fractions, of which a warehouse makes no key.
  const keyType = isNeverNull && isNoKey(type) ? "string" : type;
  if (keyType !== type)
    remarks.push(
      `a key of the type ${sourceType}: declared as text, which works for numbers; other values are quarantined`,
    );
  return {
    name,
    type: keyType,
    ...(path.length === 1 && path[0] === name ? {} : { path }),
    ...(isNeverNull ? { nullable: false } : {}),
    ...(personal === null ? {} : { personal: true }),
    description: description ?? `${TODO}: say what a value means, with its unit (${sourceType}).`,
    remarks,
  };
}

const SECONDS = [1_000_000_000n, 4_102_444_800n] as const;
const TIMES_NAME = /(^|_)(at|on|date|time|ts|timestamp|since|until|created|updated)($|_)/;
const AMOUNT_NAME =
  /(^|_)(price|amount|revenue|budget|costs?|total|salary|fee|tax|balance|discount)($|_)/;

function remarksOnNumbers({ type, observed }: FoundField, name: string): string[] {
  if (observed === null) return [];
  const { least, greatest, scale } = observed;
  if ((type === "long" || type === "int") && TIMES_NAME.test(name) && least !== null) {
    const isWithin = (factor: bigint): boolean =>
      least >= SECONDS[0] * factor && (greatest ?? least) <= SECONDS[1] * factor;
    if (isWithin(1n))
      return ['its values look like seconds since 1970: declare {timestamp: "epoch_seconds"}'];
    if (isWithin(1000n))
      return ['its values look like milliseconds since 1970: declare "timestamp"'];
  }
  if ((type === "double" || type === "float") && AMOUNT_NAME.test(name))
    return [
      `an amount? {decimal: [18, ${Math.max(2, scale)}]} keeps every digit; sampled values have at most ${scale} decimals, and one with more would be quarantined`,
    ];
  return [];
}

function isNoKey(type: FoundField["type"]): boolean {
  return !isPlain(type) || type === "float" || type === "double";
}
