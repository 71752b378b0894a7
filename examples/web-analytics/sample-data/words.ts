// The words that sample rows are made of, in many alphabets, and those that are awkward on purpose.
import type { RowRandom } from "./history.ts";
import type { Random } from "./random.ts";

export const INDUSTRIES = [
  "Automotive",
  "Banking & Insurance",
  "Chemistry",
  "Construction",
  "Education",
  "Energy",
  "Food",
  "Healthcare",
  "Logistics",
  "Machinery",
  "Software",
  "Wholesale",
] as const;

const COMPANY_WORDS = [
  "Nord",
  "Alpen",
  "Delta",
  "Quantum",
  "Müller",
  "Søndergaard",
  "Kraków",
  "Zürich",
  "日本",
  "Яндар",
  "O'Neill",
  "Blue",
  "Crown",
  "Iron",
  "Lumen",
  "Orbit",
] as const;
const COMPANY_ENDS = ["GmbH", "AG", "Ltd", "S.A.", "Oy", "Inc.", "株式会社", "& Söhne KG"] as const;
const FIRST_NAMES = [
  "Ada",
  "Björn",
  "Chloé",
  "Dmitri",
  "Eßa",
  "Fatima",
  "Grace",
  "Hiro",
  "Ítalo",
  "José",
] as const;
const LAST_NAMES = [
  "Lovelace",
  "O'Hara",
  "Ångström",
  "Smith",
  "Nguyễn",
  "Müller-Lüdenscheidt",
  "王",
] as const;
const CITIES = ["Berlin", "Kraków", "Tromsø", "São Paulo", "Paris", "New York", "東京"] as const;
export const COUNTRIES = ["DE", "PL", "NO", "BR", "FR", "US", "JP"] as const;
export const WORDS = [
  "alpha",
  "beta",
  "gamma",
  "delta",
  "épsilon",
  "zeta",
  "eta",
  "theta",
] as const;

/** Texts that have broken a loader somewhere: quotes, separators, escapes, line ends, other planes, things that look like null. */
const AWKWARD_TEXTS = [
  'say "hello"',
  "it's; -- not a comment",
  "back\\slash and C:\\new",
  "two\nlines",
  "carriage\r\nreturn\tand tab",
  "emoji 👩‍👩‍👧 and 𝔘nicode",
  "שלום and مرحبا",
  "NULL",
  "null",
  "\\N",
  '{"json": [1, 2]}',
  "comma,semicolon;pipe|",
  " spaces around ",
  "line\u2028separator and zero\u200bwidth",
  "e\u0301 composed of two",
  "%s ${env} {{mustache}}",
  "<script>alert(1)</script>",
  "€".repeat(100),
] as const;

/** Now and then an awkward text in place of a tame one, where the history has edge cases. */
export function text(random: RowRandom, tame: string): string {
  return random.edge(0.06) ? random.pick(AWKWARD_TEXTS) : tame;
}

export function companyName(random: RowRandom): string {
  return text(
    random,
    `${random.pick(COMPANY_WORDS)} ${random.pick(COMPANY_WORDS)} ${random.pick(COMPANY_ENDS)}`,
  );
}

export function personName(random: RowRandom): string {
  return text(random, `${random.pick(FIRST_NAMES)} ${random.pick(LAST_NAMES)}`);
}

export function city(random: Random): string {
  return random.pick(CITIES);
}

/** So many digits after the point, exactly; as an edge case below nought. */
export function decimalText(
  random: RowRandom,
  mostBeforePoint: number,
  digitsAfterPoint: number,
): string {
  const sign = random.edge(0.1) ? "-" : "";
  const whole = random.integer(0, mostBeforePoint);
  const fraction = String(random.integer(0, 10 ** digitsAfterPoint - 1)).padStart(
    digitsAfterPoint,
    "0",
  );
  const digits = `${whole}.${fraction}`;
  return /[1-9]/.test(digits) ? sign + digits : digits;
}

/** `YYYY-MM-DD` of a moment, UTC. */
export function dayOf(millis: number): string {
  return new Date(millis).toISOString().slice(0, 10);
}

/** The milliseconds of a moment as ISO-8601 text, UTC. */
export function isoOf(millis: number): string {
  return new Date(millis).toISOString();
}
