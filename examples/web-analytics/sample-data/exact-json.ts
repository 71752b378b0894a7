// JSON whose numbers may be longer than a double is exact: as it is sent to Elasticsearch.

/** A number by its digits, for a decimal that no double holds. */
export interface ExactNumber {
  readonly kind: typeof EXACT_NUMBER;
  readonly digits: string;
}

const EXACT_NUMBER = Symbol("exact number");

export function exactNumber(digits: string): ExactNumber {
  return { kind: EXACT_NUMBER, digits };
}

export type ExactJson =
  | null
  | boolean
  | number
  | bigint
  | string
  | ExactNumber
  | readonly ExactJson[]
  | { readonly [name: string]: ExactJson | undefined };

/** JSON text with every digit; members that are undefined are left out. */
export function exactJsonText(value: ExactJson): string {
  if (value === null || typeof value !== "object") {
    return typeof value === "bigint" ? String(value) : JSON.stringify(value);
  }
  if (isExactNumber(value)) return value.digits;
  if (isList(value)) return `[${value.map(exactJsonText).join(",")}]`;
  const members: string[] = [];
  for (const [name, member] of Object.entries(value)) {
    if (member !== undefined) members.push(`${JSON.stringify(name)}:${exactJsonText(member)}`);
  }
  return `{${members.join(",")}}`;
}

function isList(value: ExactJson): value is readonly ExactJson[] {
  return Array.isArray(value);
}

function isExactNumber(value: object): value is ExactNumber {
  return "kind" in value && value.kind === EXACT_NUMBER;
}
