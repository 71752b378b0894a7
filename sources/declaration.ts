// What a source system must declare of itself: all that the catalog and the command line know of it. No driver is loaded.
import { z } from "zod";
import type { ColumnType, TypeKind } from "../contract/column-types.ts";
import type { JsonObject } from "../contract/json.ts";
import { type Mistake, shown } from "../contract/mistake.ts";
import type { Cursor } from "./table-fields.ts";

/** A column as a table declares it. */
export interface DeclaredColumn {
  readonly name: string;
  readonly type: ColumnType;
  readonly path?: readonly string[] | undefined;
  readonly nullable?: boolean | undefined;
}

/** What a table's own fields mean. */
export interface Reading<Place> {
  /** Where it is read from, as the Data Catalog holds it. */
  readonly from: Place;
  /** What changes are found by; null where they are found otherwise, or not at all. */
  readonly cursor: Cursor | null;
  /** True if each pass reads all rows, so that what it does not see is gone. */
  readonly readsAllRows: boolean;
}

/** A table's own fields, as they were written and parsed. */
type OwnFields<From extends z.ZodType, Fields extends z.ZodRawShape> = {
  readonly columns: readonly DeclaredColumn[];
  readonly from: z.output<From>;
} & z.output<z.ZodObject<Fields>>;

interface Spec<
  Name extends string,
  From extends z.ZodType<JsonObject>,
  Fields extends z.ZodRawShape,
  Place extends z.ZodType<JsonObject>,
  Budget extends z.ZodRawShape,
  Secret extends z.ZodType<JsonObject>,
> {
  /** As `system` of a source says it; also the name of the command line's option. */
  readonly name: Name;
  /** As people write it. */
  readonly title: string;

  /** `from`, as it is written in a table. */
  readonly from: From;
  /** What `from` names: `an Elasticsearch index`. */
  readonly placeWords: string;
  /** How a place is typed: `KEYSPACE.TABLE`. */
  readonly placeForm: string;
  /** @returns undefined for a text that is not of that form; what it names is checked by the schema */
  readonly parsePlace: (typed: string) => z.output<From> | undefined;
  readonly showPlace: (from: z.output<From>) => string;
  /** A name for the table that a place suggests. */
  readonly nameOf: (from: z.output<From>) => string;

  /** The fields that a table of this system has besides those of all tables, `from` and `deletes`. */
  readonly fields: Fields;
  /** The field that a cursor stands in, where tables can have one. */
  readonly cursorField?: string & keyof Fields;
  /** `from`, as the Data Catalog holds it, with all that the client needs of the other fields. */
  readonly place: Place;
  readonly reading: (table: OwnFields<From, Fields>) => Reading<z.output<Place>>;
  /** What is wrong with the fields together with each other and the columns; each alone is right. */
  readonly mistakes?: (table: OwnFields<From, Fields>, place: string) => Iterable<Mistake>;

  /** The fields that a budget of this system has besides those of all budgets, each with a default. */
  readonly budget: Budget;
  /** The share of one of the source's threads that a lane may use, where another than the catalog's default. */
  readonly dutyCycle?: number;

  /** For each type of the catalog the system's types that may be declared so. */
  readonly types: Readonly<Record<TypeKind, readonly string[]>>;
  /** Types whose values are lists. Values of any other type may be lists too, where a schema does not say. */
  readonly listTypes: readonly string[];
  /** What a type is called that stands for lists of another one. */
  readonly listsOf?: Readonly<Record<string, string>>;
  /** The key that is not a field of a row, and the path that it is declared by. It can't be a cursor. */
  readonly idColumn?: { readonly path: string; readonly description: string };
  /** What shows which of a row's versions is the later: its cursor, or the number of the pass that read it. */
  readonly versions: "cursor" | "pass";
  /** True if a table is read although a declared field is nowhere in its schema. */
  readonly readsWithoutField: boolean;

  readonly secret: Secret;
  /** The shortest secret, for messages. */
  readonly leastSecret: string;
  /** Where a secret leads to, without credentials. */
  readonly showAddress: (secret: z.output<Secret>) => string;
  /** How an address is typed: short for the help, and in words with an example. */
  readonly addressForm: { readonly short: string; readonly example: string; readonly long: string };
  /** @returns undefined for a text that is not an address; throws URIError for one that is badly encoded */
  readonly parseAddress: (typed: string) => z.output<Secret> | undefined;
}

/**
 * A system for callers that do not know it by name: everything of its own comes as JSON, and is parsed here.
 * The type parameters carry what people write to the types of the catalog's language.
 */
export interface SourceDeclaration<
  Name extends string = string,
  From extends z.ZodType<JsonObject> = z.ZodType<JsonObject>,
  Fields extends z.ZodRawShape = z.ZodRawShape,
  Budget extends z.ZodRawShape = z.ZodRawShape,
  Place extends z.ZodType<JsonObject> = z.ZodType<JsonObject>,
  Secret extends z.ZodType<JsonObject> = z.ZodType<JsonObject>,
> extends Omit<
  Spec<Name, From, Fields, Place, Budget, Secret>,
  | ("parsePlace" | "showPlace" | "nameOf" | "reading" | "mistakes" | "showAddress")
  | ("parseAddress" | "cursorField")
> {
  readonly cursorField?: string;
  readonly parsePlace: (typed: string) => JsonObject | undefined;
  readonly showPlace: (from: JsonObject) => string;
  readonly nameOf: (from: JsonObject) => string;
  /** @returns null for a table whose own fields are not all right */
  readonly reading: (table: WrittenTable) => Reading<JsonObject> | null;
  readonly mistakes: (table: WrittenTable, place: string) => Iterable<Mistake>;
  readonly showAddress: (secret: JsonObject) => string;
  readonly parseAddress: (typed: string) => JsonObject | undefined;
}

/** A table as it was written, of which only the columns are known. */
interface WrittenTable {
  readonly columns: readonly DeclaredColumn[];
  readonly from: unknown;
}

/** Makes a declaration from what is particular to a system. */
export function declareSystem<
  const Name extends string,
  From extends z.ZodType<JsonObject>,
  Fields extends z.ZodRawShape,
  Place extends z.ZodType<JsonObject>,
  Budget extends z.ZodRawShape,
  Secret extends z.ZodType<JsonObject>,
>(
  spec: Spec<Name, From, Fields, Place, Budget, Secret>,
): SourceDeclaration<Name, From, Fields, Budget, Place, Secret> {
  const fields = z.object(spec.fields);
  const own = (table: WrittenTable): OwnFields<From, Fields> | null => {
    const from = spec.from.safeParse(table.from);
    const parsed = fields.safeParse(table);
    if (!from.success || !parsed.success) return null;
    return { ...parsed.data, columns: table.columns, from: from.data };
  };
  return {
    ...spec,
    parsePlace: (typed) => spec.from.safeParse(spec.parsePlace(typed)).data,
    showPlace: (from) => spec.showPlace(spec.from.parse(from)),
    nameOf: (from) => spec.nameOf(spec.from.parse(from)),
    reading: (table) => {
      const written = own(table);
      return written === null ? null : spec.reading(written);
    },
    mistakes: (table, place) => {
      const written = own(table);
      return written === null ? [] : (spec.mistakes?.(written, place) ?? []);
    },
    showAddress: (secret) => spec.showAddress(spec.secret.parse(secret)),
  };
}

/** The exact name of a declared column in the source, dotted. */
export function sourceField(columns: readonly DeclaredColumn[], column: string): string {
  const path = columns.find(({ name }) => name === column)?.path ?? [column];
  return path.join(".");
}

/** The mistake that a table names a column which it does not declare. */
export function notAColumn(
  columns: readonly DeclaredColumn[],
  name: string,
  place: string,
): Mistake {
  return {
    place,
    problem: `${shown(name)} is not a column`,
    fix: `name one of ${columns.map((column) => column.name).join(", ")}`,
  };
}
