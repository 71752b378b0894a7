// A sample company: its contents, the document that search holds, and the row that the warehouse should have.
import { exactNumber, type ExactJson } from "./exact-json.ts";
import { cursorOf, fold, rowRandomAt, type History, type RowRandom, type Step } from "./history.ts";
import { randomAt } from "./random.ts";
import type { TruthRow } from "./truth-row.ts";
import * as words from "./words.ts";

interface Technology {
  readonly name: string;
  readonly category: string | null;
  readonly since: string | null;
}

interface Address {
  readonly street: string | null;
  readonly city: string;
  readonly zip: string;
  readonly country: string;
  readonly geo: { readonly lat: number; readonly lon: number } | null;
}

interface Company {
  readonly name: string;
  readonly domain: string | null;
  readonly industry: string | null;
  readonly employees: bigint | null;
  readonly revenue: string | null;
  readonly foundedOn: string | null;
  readonly address: Address | null;
  readonly tags: readonly string[] | null;
  readonly technologies: readonly Technology[] | null;
}

const ID_DIGITS = 8;
const MOST_DOUBLE_DIGITS = 15;

export function companyId(row: number): string {
  return `c${String(row).padStart(ID_DIGITS, "0")}`;
}

function fresh(history: History, row: number, round: number): Company {
  const random = rowRandomAt(history, "companies", row, round);
  const orNull = <Value>(probability: number, make: () => Value): Value | null =>
    random.chance(probability) ? null : make();
  const size = sizeOf(random);
  return {
    name: words.companyName(random),
    domain: orNull(0.03, () => `${random.pick(words.WORDS)}-${row}.example`),
    industry: orNull(0.05, () => random.pick(words.INDUSTRIES)),
    employees: orNull(0.05, () => employees(random, size)),
    revenue: orNull(0.1, () => revenue(random, size)),
    foundedOn: orNull(0.1, () => foundedOn(random)),
    address: orNull(0.1, () => address(random)),
    tags: orNull(0.2, () => list(random, 4, () => words.text(random, random.pick(words.WORDS)))),
    technologies: orNull(0.2, () =>
      list(random, 3, () => ({
        name: words.text(random, random.pick(words.WORDS)),
        category: random.chance(0.2) ? null : random.pick(["cms", "crm", "cdn", ""]),
        since: random.chance(0.3) ? null : words.dayOf(random.integer(0, 1_700_000_000) * 1000),
      })),
    ),
  };
}

/** How many people work there: most companies are small, and a few have ten thousand. */
function sizeOf(random: RowRandom): number {
  return Math.ceil(10 ** (4 * random.unit() ** 1.5));
}

function employees(random: RowRandom, size: number): bigint {
  // No company is so large; a loader that passes longs through doubles is caught by these.
  if (random.edge(0.01)) return 2n ** 53n + BigInt(random.integer(1, 999) * 2 + 1);
  return BigInt(random.edge(0.01) ? 0 : size);
}

/** What it sells in a year, in euros: by and large what so many people sell. */
function revenue(random: RowRandom, size: number): string {
  if (random.edge(0.01)) return "123456789012345678.91";
  return words.decimalText(random, size * random.integer(60_000, 400_000), 2);
}

function foundedOn(random: RowRandom): string {
  const year = random.edge(0.3) ? random.integer(1650, 1900) : random.integer(1900, 2024);
  const month = String(random.integer(1, 12)).padStart(2, "0");
  return `${year}-${month}-${String(random.integer(1, 28)).padStart(2, "0")}`;
}

function address(random: RowRandom): Address {
  return {
    street: random.chance(0.1) ? null : words.text(random, `Main Street ${random.integer(1, 200)}`),
    city: words.city(random),
    zip: String(random.integer(0, 99_999)).padStart(5, "0"),
    country: random.pick(words.COUNTRIES),
    geo: random.chance(0.2)
      ? null
      : {
          lat: random.integer(-90_000, 90_000) / 1000,
          lon: random.integer(-180_000, 180_000) / 1000,
        },
  };
}

function list<Item>(random: RowRandom, most: number, make: () => Item): Item[] {
  return Array.from({ length: random.integer(0, most) }, make);
}

function changed(history: History, row: number, before: Company, step: Step): Company {
  switch (step.change) {
    case "null":
      return { ...before, employees: null };
    case "shrink":
      return {
        ...before,
        tags: before.tags?.slice(1) ?? null,
        technologies: before.technologies?.slice(0, -1) ?? null,
      };
    case "delete":
      return before;
    case "insert":
    case "reborn":
    case "rewrite":
      return fresh(history, row, step.round);
  }
}

function contents(history: History, row: number, steps: readonly Step[]): Company {
  return (
    fold(
      steps,
      (step) => fresh(history, row, step.round),
      (before, step) => changed(history, row, before, step),
    ) ?? fresh(history, row, 0)
  );
}

/** The document after the steps. What is null is sometimes left out, and a list of one sometimes has no brackets. */
export function companyDocument(history: History, row: number, steps: readonly Step[]): ExactJson {
  const company = contents(history, row, steps);
  const form = randomAt(history.seed, "companies/form", row, steps.length);
  const missing = <Value>(value: Value | null): Value | null | undefined =>
    value === null && form.chance(0.5) ? undefined : value;
  const loose = (items: readonly ExactJson[]): ExactJson =>
    items.length === 1 && form.chance(0.5) ? (items[0] ?? null) : items;
  return {
    companyId: companyId(row),
    name: company.name,
    domain: missing(company.domain),
    industry: missing(company.industry),
    employees: missing(company.employees),
    revenue: company.revenue === null ? missing(null) : revenueValue(company.revenue),
    foundedOn: missing(company.foundedOn),
    address: company.address === null ? missing(null) : addressDocument(company.address, missing),
    tags: company.tags === null ? missing(null) : loose(company.tags),
    technologies:
      company.technologies === null
        ? missing(null)
        : loose(company.technologies.map((technology) => ({ ...technology }))),
    updatedAt: words.isoOf(cursorOf(history, "companies", row, steps)),
    // A field that is not declared.
    internalNote: form.chance(0.2) ? "not for the warehouse" : undefined,
  };
}

/** Elasticsearch passes fractions through doubles when it filters a document, so long ones are sent as text. */
function revenueValue(digits: string): ExactJson {
  return digits.length > MOST_DOUBLE_DIGITS ? digits : exactNumber(digits);
}

function addressDocument(
  { street, zip, geo, ...rest }: Address,
  missing: <Value>(value: Value | null) => Value | null | undefined,
): ExactJson {
  return { street: missing(street), zipCode: zip, geo: missing(geo), ...rest };
}

export function companyRow(history: History, row: number, steps: readonly Step[]): TruthRow {
  const company = contents(history, row, steps);
  return {
    company_id: companyId(row),
    name: company.name,
    domain: company.domain,
    industry: company.industry,
    employees: company.employees,
    revenue: company.revenue,
    founded_on: company.foundedOn,
    address: company.address && { ...company.address },
    tags: company.tags,
    technologies: company.technologies?.map((technology) => ({ ...technology })) ?? null,
    updated_at: words.isoOf(cursorOf(history, "companies", row, steps)),
  };
}
