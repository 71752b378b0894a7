// What sampled documents show of a field that its declared type leaves open: lists, nulls, ranges, kinds of text.
import { ExactNumber } from "./exact-json.ts";

export type ValueKind = "text" | "whole" | "fraction" | "boolean" | "object";

/** What was seen of one field over all sampled documents. */
export class Observation {
  /** Documents (or objects around the field) that have it with a value. */
  present = 0;
  nulls = 0;
  /** Times that it was a list. */
  lists = 0;
  longestList = 0;
  hasListsInLists = false;
  /** True if one of the document's own keys had dots in it on the way to a field below this one. */
  hasDottedKeys = false;
  readonly kinds = new Map<ValueKind, number>();
  /** Most digits before and behind the decimal point. */
  wholeDigits = 0;
  scale = 0;
  least: bigint | null = null;
  greatest: bigint | null = null;
  readonly texts = { count: 0, emails: 0, addresses: 0, dates: 0, moments: 0, longest: 0 };
  /** Single values as text, to see whether they are unique. */
  readonly distinct = new Set<string>();
  readonly children = new Map<string, Observation>();

  count(kind: ValueKind): number {
    return this.kinds.get(kind) ?? 0;
  }

  /** True if a value was seen and all were of these kinds. */
  isOnly(...kinds: readonly ValueKind[]): boolean {
    return this.kinds.size > 0 && [...this.kinds.keys()].every((kind) => kinds.includes(kind));
  }
}

const EMAIL = /^[^\s@]+@[^\s@]+\.[a-z]{2,}$/i;
const INTERNET_ADDRESS = /^(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9a-f]{0,4}(?::[0-9a-f]{0,4}){2,7})$/i;
const DATE = /^\d{4}-\d{2}-\d{2}$/;
/** What the build reads as a time. */
const MOMENT =
  /^\d{4}-\d{2}-\d{2}[T ]\d{2}(?::?\d{2}){0,2}(?:[.,]\d+)?(?:Z|[+-]\d{2}(?::?\d{2})?)?$/;

/** Looks at documents as `parseExact` gives them. */
export function observe(documents: readonly unknown[]): Observation {
  const root = new Observation();
  for (const document of documents) see(root, document);
  return root;
}

function see(node: Observation, value: unknown): void {
  if (value === null || value === undefined) {
    node.nulls += 1;
    return;
  }
  node.present += 1;
  seeValue(node, value, false);
}

function seeValue(node: Observation, value: unknown, isInList: boolean): void {
  if (Array.isArray(value)) {
    node.lists += 1;
    node.longestList = Math.max(node.longestList, value.length);
    if (isInList) node.hasListsInLists = true;
    for (const element of value as unknown[]) if (element !== null) seeValue(node, element, true);
  } else if (value instanceof ExactNumber) {
    seeNumber(node, value.text);
    if (!isInList) node.distinct.add(value.text);
  } else if (typeof value === "string") {
    tally(node, "text");
    seeText(node, value);
    if (!isInList) node.distinct.add(value);
  } else if (typeof value === "boolean") {
    tally(node, "boolean");
  } else if (typeof value === "object" && value !== null) {
    tally(node, "object");
    for (const [name, member] of Object.entries(value)) seeMember(node, name, member);
  }
}

/** A key with dots means the same to the source as objects inside each other. */
function seeMember(node: Observation, name: string, value: unknown): void {
  const [first = name, ...rest] = name.split(".");
  if (rest.length === 0 || rest.includes("") || first === "") {
    see(childOf(node, name), value);
    return;
  }
  node.hasDottedKeys = true;
  const child = childOf(node, first);
  child.present += 1;
  tally(child, "object");
  seeMember(child, rest.join("."), value);
  child.hasDottedKeys = true;
}

function childOf(node: Observation, name: string): Observation {
  const known = node.children.get(name);
  if (known !== undefined) return known;
  const child = new Observation();
  node.children.set(name, child);
  return child;
}

function tally(node: Observation, kind: ValueKind): void {
  node.kinds.set(kind, node.count(kind) + 1);
}

function seeNumber(node: Observation, text: string): void {
  const match = /^-?(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(text);
  const [, whole = "", fraction = "", exponent = "0"] = match ?? [];
  const shift = Number(exponent);
  const scale = Math.max(0, fraction.replace(/0+$/, "").length - shift);
  node.scale = Math.max(node.scale, scale);
  const digits = whole.replace(/^0+/, "").length;
  node.wholeDigits = Math.max(node.wholeDigits, digits === 0 ? 0 : Math.max(0, digits + shift));
  if (scale > 0 || shift !== 0 || fraction !== "") {
    tally(node, "fraction");
    return;
  }
  tally(node, "whole");
  const number = BigInt(text);
  if (node.least === null || number < node.least) node.least = number;
  if (node.greatest === null || number > node.greatest) node.greatest = number;
}

function seeText(node: Observation, text: string): void {
  const { texts } = node;
  texts.count += 1;
  texts.longest = Math.max(texts.longest, text.length);
  if (EMAIL.test(text)) texts.emails += 1;
  if (INTERNET_ADDRESS.test(text)) texts.addresses += 1;
  if (DATE.test(text)) texts.dates += 1;
  else if (MOMENT.test(text)) texts.moments += 1;
}
