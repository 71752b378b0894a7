// Which fields look as if they were the cursor, and which of them is one: by their names, and by what the index holds.
import { type CursorMeaning, type CursorVerdict, decideCursor } from "./cursor-evidence.ts";
import type { FoundField } from "./discovery.ts";
import { columnName } from "./names.ts";

/** A field of a name that a cursor may have. Higher ranks are more likely ones. */
export interface CursorCandidate {
  readonly rank: number;
  readonly meaning: CursorMeaning;
}

/** @returns nothing for a name that no cursor has */
export function cursorCandidate(field: FoundField): CursorCandidate | null {
  if (field.path.length > 2) return null;
  const isTime = field.type === "timestamp" || field.type === "date";
  const name = columnName(field.path.join("_"), isTime ? "at" : "value");
  if (/deleted|removed|birth|expire|due|start|end(ed)?_/.test(name)) return null;
  if (CHANGE.test(name)) return { rank: isTime ? 5 : 3, meaning: "change" };
  if (isNumber(field)) return COUNT.test(name) ? { rank: 3, meaning: "count" } : null;
  if (MOMENT.test(name)) return { rank: 4, meaning: "change" };
  return CREATION.test(name) ? { rank: 2, meaning: "creation" } : null;
}

const CHANGE =
  /(^|_)(updated?|modified|modification|changed?|last_?(update|change|modified)\w*)(_|$)/;
const MOMENT = /^(timestamp|timestamp_at|at_timestamp|ts|event_time|ingested_at|indexed_at)$/;
const CREATION = /(^|_)(created?|creation|inserted|recorded|logged)(_|$)/;
const COUNT = /(^|_)(version|revision|sequence|seq|seq_no)$/;

function isNumber({ type }: FoundField): boolean {
  return type === "long" || type === "int";
}

/** True if the source can be asked whether the field is a cursor. */
export function canBeAsked({ isSortable, type }: FoundField): boolean {
  return isSortable && (type === "timestamp" || type === "long");
}

/**
 * Whether a candidate is the cursor.
 * @param sampledDocuments about which nothing may have been asked: then nothing is confirmed
 */
export function verdictOn(
  field: FoundField,
  { meaning }: CursorCandidate,
  sampledDocuments: number,
): CursorVerdict {
  const no = (reason: string): CursorVerdict => ({ isBorneOut: false, reason });
  const { type, observed, sourceType, cursorEvidence } = field;
  if (observed !== null && observed.lists > 0) return no("documents have several values of it");
  if (type === "string")
    return no(`it is ${sourceType}, which is compared as text and not as a time`);
  if (typeof type === "object" && "timestamp" in type)
    return no(
      'it is written in seconds since 1970; if each change raises it, declare it as "long" and name it in cursor',
    );
  if (type !== "timestamp" && type !== "long")
    return no(`a cursor is a time with its seconds or a long, and it is ${sourceType}`);
  if (!field.isSortable)
    return no("it is mapped so that the index cannot be searched and sorted by it");
  if (cursorEvidence === null)
    return no(
      sampledDocuments === 0
        ? "no document was sampled, so nothing shows whether it is one"
        : "it was not asked about, since there are likelier ones",
    );
  return decideCursor(cursorEvidence, meaning);
}
