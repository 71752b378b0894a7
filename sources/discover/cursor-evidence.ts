// Whether what an index holds confirms a field as the cursor: pure decisions over what was asked of it.
import { cursorTime, cursorWords } from "../../contract/cursor-time.ts";
import type { CursorUnit } from "../../contract/records.ts";

/** What was asked of an index about one field that may be the cursor. */
export interface CursorEvidence {
  readonly unit: CursorUnit;
  /** Documents of the index. */
  readonly documents: number;
  /** Those of them without a value. */
  readonly missing: number;
  /** Over all documents, in the unit; null if none has a value. */
  readonly least: bigint | null;
  readonly greatest: bigint | null;
  /** Documents whose time lies after `nowMillis` by more than clocks differ. */
  readonly future: number;
  /**
   * Values of documents in the order in which they were written last, one series for each numbering of writes. They
   * are the earliest and the latest ones of a shard.
   */
  readonly written: readonly (readonly (readonly bigint[])[])[];
  /** When it was asked, milliseconds since 1970. */
  readonly nowMillis: number;
}

/** What the field says of a document. */
export type CursorMeaning = "change" | "creation" | "count";

export type CursorVerdict =
  | { readonly isBorneOut: true; readonly remarks: readonly string[] }
  | { readonly isBorneOut: false; readonly reason: string };

/** By so much clocks may differ. */
export const CLOCKS_DIFFER_MILLIS = 5 * 60_000;
const RECENT_MILLIS = 30 * 86_400_000;
const RECENT_WORDS = "the last 30 days";
/** Fewer documents are in an order by chance. */
const FEWEST_IN_ORDER = 5;
/** Writers that work side by side turn few pairs round. */
const SHARE_IN_ORDER = 0.95;
/** Half of the pairs are in order by chance. */
const SHARE_THAT_FOLLOWS = 0.75;
const MOST_MISSING_SHARE = 0.05;
const MOST_FUTURE_SHARE = 0.01;
const GREATEST_LONG = 2n ** 63n - 1n;

/**
 * A cursor must differ between documents, be there in nearly all, and not lie in the future; and it must be recent in
 * some documents, or grow with the order of writing. A count is never recent, and a time of creation may be recent
 * although changes do not set it, so both must grow.
 */
export function decideCursor(evidence: CursorEvidence, meaning: CursorMeaning): CursorVerdict {
  const reason = objectionTo(evidence) ?? null;
  if (reason !== null) return { isBorneOut: false, reason };
  const remarks = remarksOn(evidence);
  const order = orderOf(evidence.written);
  const isRecent = isRecentIn(evidence);
  if (meaning !== "creation" && isRecent) {
    const isTurned =
      order.sampled >= FEWEST_IN_ORDER && order.share !== null && order.share < SHARE_THAT_FOLLOWS;
    const turned = isTurned
      ? [
          "it does not follow the order of writing (nor does it in an index that was copied), so find out whether each change sets it",
        ]
      : [];
    return { isBorneOut: true, remarks: [...remarks, ...turned] };
  }
  const against = objectionToOrder(order, evidence, meaning);
  if (against === null) {
    const seen = `in ${order.sampled} sampled documents it grows with the order of writing`;
    const old =
      meaning === "count" || isRecent ? "" : `, though its latest value is ${latest(evidence)}`;
    return {
      isBorneOut: true,
      remarks: [...remarks, `${seen}${old}; make sure that each change raises it`],
    };
  }
  const notRecent =
    meaning === "count" || isRecent
      ? ""
      : `its latest value, ${latest(evidence)}, is not of ${RECENT_WORDS}, and `;
  return { isBorneOut: false, reason: `${notRecent}${against}` };
}

/** Why no order of writing and no recent value could confirm the field. */
function objectionTo(evidence: CursorEvidence): string | undefined {
  const { documents, missing, least, greatest, future, written, unit } = evidence;
  const present = documents - missing;
  if (documents === 0) return "there are no documents yet, so nothing shows whether it is one";
  if (greatest === null || least === null || present <= 0) return "no document has it";
  if (written.some((series) => series.some((values) => values.length > 1)))
    return "documents have several values of it";
  if (missing > documents * MOST_MISSING_SHARE)
    return `${missing} of ${documents} documents have no value, and would never be read`;
  if (present === 1) return "one document cannot show whether it differs";
  if (least === greatest)
    return `it is ${cursorWords(String(greatest), unit)} in all ${present} documents, so later ones would never be found`;
  if (greatest === GREATEST_LONG) return "a document has the greatest value that there is";
  if (future > documents * MOST_FUTURE_SHARE)
    return `${future} of ${documents} documents have a time in the future, up to ${latest(evidence)}`;
  return undefined;
}

function remarksOn({ documents, missing, future }: CursorEvidence): string[] {
  return [
    ...(missing > 0
      ? [`${missing} of ${documents} documents have no value, and would never be found by it`]
      : []),
    ...(future > 0 ? [`${future} of ${documents} documents have a time in the future`] : []),
  ];
}

interface Order {
  readonly sampled: number;
  readonly distinct: number;
  /** Different values in the later half of each series. */
  readonly distinctLast: number;
  /** Of pairs with different values, those whose later written one has the greater value; null if there is no pair. */
  readonly share: number | null;
}

function orderOf(written: CursorEvidence["written"]): Order {
  let sampled = 0;
  let growing = 0;
  let falling = 0;
  const distinct = new Set<bigint>();
  const last = new Set<bigint>();
  for (const series of written) {
    const values = series.flatMap(([value]) => (value === undefined ? [] : [value]));
    sampled += values.length;
    for (const [index, value] of values.entries()) {
      distinct.add(value);
      if (index >= Math.floor(values.length / 2)) last.add(value);
      for (const later of values.slice(index + 1)) {
        if (later > value) growing += 1;
        else if (later < value) falling += 1;
      }
    }
  }
  const pairs = growing + falling;
  return {
    ...{ sampled, distinct: distinct.size, distinctLast: last.size },
    share: pairs === 0 ? null : growing / pairs,
  };
}

function objectionToOrder(
  { sampled, distinct, distinctLast, share }: Order,
  { unit }: CursorEvidence,
  meaning: CursorMeaning,
): string | null {
  if (sampled === 0) return "nothing shows that it grows with the order of writing";
  if (sampled < FEWEST_IN_ORDER)
    return `${sampled} sampled documents are too few to show whether it grows with the order of writing`;
  if (share === null || distinctLast < 2)
    return `the documents written last all have the same value, so later ones would never be found`;
  if (share < SHARE_IN_ORDER)
    return meaning === "creation"
      ? "documents written later have earlier values: it is a time of creation, which a change does not set"
      : "it does not grow with the order of writing";
  if (unit === "value" && distinct * 2 < sampled)
    return `it has ${distinct} different values in ${sampled} sampled documents, so later ones may never be found`;
  return null;
}

/** True if a document's time is of the last days, be it a date or a whole number of seconds or milliseconds. */
function isRecentIn({ least, greatest, unit, written, nowMillis }: CursorEvidence): boolean {
  const isOfNow = (value: bigint): boolean => {
    const millis = millisOf(value, unit);
    return (
      millis !== null &&
      millis >= nowMillis - RECENT_MILLIS &&
      millis <= nowMillis + CLOCKS_DIFFER_MILLIS
    );
  };
  if (least === null || greatest === null) return false;
  // A whole number is a time only if all of them are.
  if (unit === "value" && millisOf(least, unit) === null) return false;
  return isOfNow(greatest) || written.some((series) => series.flat().some(isOfNow));
}

const SECONDS = [1_000_000_000n, 4_102_444_800n] as const;

/** The moment in milliseconds; null for a whole number that counts no time since 1970 in a usual unit. */
export function millisOf(value: bigint, unit: CursorUnit): number | null {
  if (unit === "ms") return Number(value);
  if (unit === "ns") return Number(value / 1_000_000n);
  const [from, to] = SECONDS;
  if (value >= from && value <= to) return Number(value) * 1000;
  if (value >= from * 1000n && value <= to * 1000n) return Number(value);
  return null;
}

function latest({ greatest, unit }: CursorEvidence): string {
  if (greatest === null) return "none";
  const millis = millisOf(greatest, unit);
  return (
    cursorTime(String(greatest), unit) ??
    (millis === null ? String(greatest) : `${greatest} (${new Date(millis).toISOString()})`)
  );
}
