// Decides whether a deployment may begin, by what exists under the names that it is about to give.
import type { Found, RetainedKind, RetainedName } from "./names.ts";

interface PreflightInput {
  readonly stack: string;
  readonly names: readonly RetainedName[];
  /** Names that the stack had before: what is there is its own. */
  readonly before: readonly RetainedName[];
  /** The deployment takes over what an earlier one left. */
  readonly adopt: boolean;
}

/** Names that were not looked at by an earlier preflight of the same stack. */
export function newNames({ names, before }: PreflightInput): RetainedName[] {
  const known = new Set(before.map(keyOf));
  return names.filter((name) => !known.has(keyOf(name)));
}

const keyOf = ({ kind, name }: RetainedName): string => `${kind} ${name}`;

const WORDS: Record<RetainedKind, string> = {
  bucket: "bucket",
  table: "DynamoDB table",
  database: "Glue database",
  secret: "secret",
};

/** The property by which CloudFormation identifies what it imports. */
const IDENTIFIER: Record<RetainedKind, string> = {
  bucket: "BucketName",
  table: "TableName",
  database: "DatabaseName",
  secret: "Id",
};

const describe = ({ kind, name }: RetainedName): string => `${WORDS[kind]} ${name}`;

/** What `cdk import --resource-mapping` reads. */
export function resourceMapping(found: readonly Found[]): Record<string, Record<string, string>> {
  return Object.fromEntries(
    found.map(({ kind, logicalId, identifier }) => [logicalId, { [IDENTIFIER[kind]]: identifier }]),
  );
}

/**
 * Why the deployment can't begin, or nothing if it can.
 * @param found what exists of the input's new names
 * @param fits whether a message fits into the response; the mapping is left out, and then names, until it does
 */
export function decide(
  input: PreflightInput,
  found: readonly Found[],
  fits: (message: string) => boolean,
): string | undefined {
  const blocked = found.filter(({ obstacle }) => obstacle !== undefined);
  if (input.adopt) {
    return torn(input, found) ?? (blocked.length === 0 ? undefined : listing(blocked, fits));
  }
  return found.length === 0 ? undefined : listing(found, fits, howToAdopt(input, found));
}

/** Bucket, ledger and lake database are one: progress without data, or data without progress, would lose rows. */
function torn(input: PreflightInput, found: readonly Found[]): string | undefined {
  const data = newNames(input).filter(({ isData }) => isData === "true");
  const there = new Set(found.map(keyOf));
  const missing = data.filter((name) => !there.has(keyOf(name)));
  if (missing.length === 0 || missing.length === data.length) return undefined;
  const left = data.filter((name) => there.has(keyOf(name)));
  return (
    `Only a part of an earlier deployment's data is left: ${left.map(describe).join(", ")} ` +
    `exists, ${missing.map(describe).join(", ")} does not. Neither is of use without the other, ` +
    "and rows would be lost unseen. Restore what is missing from its backup, or delete what is left and start again."
  );
}

function howToAdopt({ stack }: PreflightInput, found: readonly Found[]): string {
  return (
    `Save as import.json: ${JSON.stringify(resourceMapping(found))} and set adopt to true in the deployment's ` +
    `configuration, then: npx cdk import ${stack} --resource-mapping import.json -c import=true, then deploy as before.`
  );
}

const INTRODUCTION =
  "Nothing was created, for an earlier deployment of this name left, with its data: ";
const ADVICE =
  " To take it over, or to delete it for good, see Taking it down in docs/deploying.md; or choose another name.";

function listing(
  found: readonly Found[],
  fits: (message: string) => boolean,
  ...more: string[]
): string {
  const lines = found.map((one) =>
    one.obstacle === undefined ? describe(one) : `${describe(one)} (${one.obstacle})`,
  );
  const whole = `${INTRODUCTION}${lines.join("; ")}.${ADVICE}`;
  const longest = [whole, ...more].join(" ");
  if (fits(longest)) return longest;
  for (let shown = lines.length; shown > 0; shown -= 1) {
    const rest = lines.length - shown;
    const message = `${INTRODUCTION}${lines.slice(0, shown).join("; ")}${rest === 0 ? "" : `; and ${rest} more`}.${ADVICE}`;
    if (fits(message)) return message;
  }
  return `${INTRODUCTION}${lines.length} things.${ADVICE}`;
}
