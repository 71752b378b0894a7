// How a mistake in what people write is reported: the place, the value and the fix.

/** One thing that is wrong in what somebody wrote. */
export interface Mistake {
  /** The entry, and the column or property in it: `table leads, column email`. */
  readonly place: string;
  /** What is wrong, with the value as it was found. */
  readonly problem: string;
  /** What to write in its place. */
  readonly fix: string;
}

/** A mistake as one line of text. */
export function describeMistake({ place, problem, fix }: Mistake): string {
  return `${place}: ${problem}. Fix: ${fix}`;
}

const MOST_CHARACTERS = 200;

/** A value as it was written, cut where it is long; JSON has no words for NaN and undefined. */
export function shown(value: unknown): string {
  const text = jsonOf(value) ?? String(value);
  return text.length > MOST_CHARACTERS ? `${text.slice(0, MOST_CHARACTERS)}…` : text;
}

function jsonOf(value: unknown): string | undefined {
  if (typeof value === "number") return undefined;
  try {
    // Undefined for what JSON has no word for, whatever its type says.
    return JSON.stringify(value);
  } catch {
    // A value that holds itself, or a bigint.
    return undefined;
  }
}
