// Which names an entry, a column and a field of a struct may have.
import type { Mistake } from "../contract/mistake.ts";

/** Glue lower-cases names, so only names that it leaves alone are let in. */
const NAME = /^[a-z][a-z0-9_]*$/;

/** PostgreSQL, which stands in for Redshift on one machine, cuts longer names; Redshift itself takes 127. */
const MAX_NAME_LENGTH = 63;

/** A load locks the table `lock_<name>`, whose name has the same limit. */
export const MAX_ENTRY_NAME_LENGTH = MAX_NAME_LENGTH - "lock_".length;

/** Redshift's reserved words, and the names of its system columns. */
export const RESERVED_WORDS: ReadonlySet<string> = new Set(
  `aes128 aes256 all allowoverwrite analyse analyze and any array as asc authorization az64 backup between binary
  blanksasnull both bytedict bzip2 case cast check collate column connect constraint create credentials cross
  current_date current_time current_timestamp current_user current_user_id default deferrable deflate defrag delta
  delta32k desc disable distinct do else emptyasnull enable encode encrypt encryption end except explicit false for
  foreign freeze from full globaldict256 globaldict64k grant group gzip having identity ignore ilike in initially
  inner intersect interval into is isnull join language leading left like limit localtime localtimestamp lun luns
  lzo lzop minus mostly16 mostly32 mostly8 natural new not notnull null nulls off offline offset oid old on only open
  or order outer overlaps parallel partition percent permissions pivot placing primary qualify raw readratio recover
  references rejectlog resort respect restore right select session_user similar snapshot some sysdate system table
  tag tdes text255 text32k then timestamp to top trailing true truncatecolumns union unique unnest unpivot user using
  verbose wallet when where with without cmax cmin ctid deletexid insertxid tableoid xmax xmin`.split(
    /\s+/,
  ),
);

/** Mistakes in the name of a table or a model. */
export function* mistakesInEntryName(name: string, place: string): Generator<Mistake> {
  yield* mistakesInName(name, place, MAX_ENTRY_NAME_LENGTH);
}

/** Mistakes in the name of a source, a column or a check. */
export function* mistakesInName(
  name: string,
  place: string,
  maxLength = MAX_NAME_LENGTH,
): Generator<Mistake> {
  yield* mistakesInFieldName(name, place, maxLength);
  if (RESERVED_WORDS.has(name)) {
    yield {
      place,
      problem: `the name ${JSON.stringify(name)} is a reserved word of Redshift`,
      fix: `choose a name that says more, such as ${JSON.stringify(`${name}_name`)}`,
    };
  }
}

/** Mistakes in the name of a field of a struct, which may be a reserved word. */
export function* mistakesInFieldName(
  name: string,
  place: string,
  maxLength = MAX_NAME_LENGTH,
): Generator<Mistake> {
  if (!NAME.test(name)) {
    yield {
      place,
      problem: `the name ${JSON.stringify(name)} is not lower-case letters, digits and underscores after a letter`,
      fix: `write ${JSON.stringify(suggestion(name))}, and keep the source's own name in "path" or "from"`,
    };
  } else if (name.length > maxLength) {
    yield {
      place,
      problem: `the name ${JSON.stringify(name)} has ${name.length} characters`,
      fix: `use at most ${maxLength} characters`,
    };
  }
}

/** The names that stand more than once in a list, however their letters are written. */
export function repeatedNames(names: readonly string[]): string[] {
  const seen = new Set<string>();
  const repeated = new Set<string>();
  for (const name of names) {
    const lower = name.toLowerCase();
    if (seen.has(lower)) repeated.add(name);
    seen.add(lower);
  }
  return [...repeated];
}

/** A name as CloudFormation's logical ids have it, which do not allow underscores: `OrderLines` for `order_lines`. */
export function logicalName(name: string): string {
  return name
    .split("_")
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join("");
}

function suggestion(name: string): string {
  const snake = name
    .replaceAll(/([a-z0-9])([A-Z])/g, "$1_$2")
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "_")
    .replaceAll(/^[_0-9]+|_+$/g, "");
  return snake === "" ? "a_name" : snake;
}
