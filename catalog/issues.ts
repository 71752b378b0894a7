// From what zod finds in a value that a person wrote to mistakes: the value, the place and the fix.
import { z } from "zod";
import { type Mistake, shown } from "../contract/mistake.ts";
import { nearest } from "./nearest.ts";

type Issue = z.core.$ZodIssue;
export type Path = readonly PropertyKey[];

/**
 * All mistakes that zod found, each with its fix. An unknown field that looks like a missing one is reported once.
 *
 * The message of a schema's own check is the fix, in the imperative; a check that has to say what is wrong as well
 * adds a custom issue whose message is the problem and whose `params.fix` is the fix.
 *
 * @param value what was parsed
 * @param place names a path in it: `deployments/prod.json, network.vpcId`
 */
export function mistakesFromIssues(
  schema: z.ZodType,
  value: unknown,
  found: readonly Issue[],
  place: (path: Path) => string,
): Mistake[] {
  const issues = found.flatMap(insideUnion);
  const isMissing = (issue: Issue): boolean =>
    issue.code !== "unrecognized_keys" &&
    (issue.code !== "custom" || wantedBy(issue) !== undefined) &&
    valueAt(value, issue.path) === undefined;
  const missing = new Map(
    issues.filter(isMissing).map((issue) => [issue.path.map(String).join("\0"), issue]),
  );
  const mistakes: Mistake[] = [];
  for (const issue of issues) {
    if (issue.code !== "unrecognized_keys") continue;
    const known = fieldNamesAt(schema, issue.path, value);
    const parent = valueAt(value, issue.path);
    for (const key of issue.keys) {
      const unused = known.filter((name) => valueAt(parent, [name]) === undefined);
      const meant = nearest(key, unused) ?? nearest(key, known);
      if (meant !== undefined) missing.delete([...issue.path.map(String), meant].join("\0"));
      mistakes.push({
        place: place([...issue.path, key]),
        problem: `there is no field ${JSON.stringify(key)} (its value is ${shown(valueAt(parent, [key]))})`,
        fix:
          meant === undefined
            ? `remove it; there are ${known.join(", ")}`
            : `write ${JSON.stringify(meant)}`,
      });
    }
  }
  for (const issue of issues) {
    if (issue.code === "unrecognized_keys") continue;
    if (isMissing(issue)) {
      if (!missing.delete(issue.path.map(String).join("\0"))) continue;
      const name = String(issue.path.at(-1));
      mistakes.push({
        place: place(issue.path),
        problem: "it is missing",
        fix: `add ${JSON.stringify(name)}: ${descriptionAt(schema, issue.path, value) ?? wantedBy(issue) ?? fixOf(issue)}`,
      });
    } else {
      const written = valueAt(value, issue.path);
      mistakes.push({
        place: place(issue.path),
        problem: problemOf(issue, written),
        fix: fixOf(issue, written),
      });
    }
  }
  return mistakes;
}

/** What the fitting member of a union found: the only one that the value has the kind of. */
function insideUnion(issue: Issue): Issue[] {
  if (issue.code !== "invalid_union") return [issue];
  const fitting = issue.errors.filter((issues) =>
    issues.every(({ path, code }) => path.length > 0 || code === "unrecognized_keys"),
  );
  // Where several fit, the one with the fewest mistakes was meant.
  const [best] = fitting.sort((a, b) => a.length - b.length);
  if (best === undefined) return [issue];
  return best
    .map((inner) => ({ ...inner, path: [...issue.path, ...inner.path] }))
    .flatMap(insideUnion);
}

function problemOf(issue: Issue, written: unknown): string {
  if (issue.code === "custom") return issue.message;
  return issue.code === "invalid_union" && issue.discriminator !== undefined
    ? `the ${issue.discriminator} ${shown(written)} is not known`
    : `${shown(written)} is not allowed here`;
}

/** What a checked value must be; undefined for a check of another kind. */
function wantedBy(issue: Issue): string | undefined {
  const wanted: unknown = issue.code === "custom" ? issue.params?.wanted : undefined;
  return typeof wanted === "string" ? wanted : undefined;
}

function fixOf(issue: Issue, written?: unknown): string {
  if (issue.code === "custom") return String(issue.params?.fix ?? "correct it");
  const options =
    issue.code === "invalid_value"
      ? issue.values.map(String)
      : issue.code === "invalid_union"
        ? ("options" in issue ? (issue.options ?? []) : []).map(String)
        : [];
  if (options.length > 0) {
    const meant = typeof written === "string" ? nearest(written, options) : undefined;
    return meant === undefined
      ? `write ${options.map((option) => JSON.stringify(option)).join(" or ")}`
      : `write ${JSON.stringify(meant)}`;
  }
  // Zod's own words, where the schema has none.
  return issue.message.replace(/^Invalid input: expected (\w+).*$/, "write a value of type $1");
}

/** A path as it is written in JavaScript: `network.subnetIds[1]`. */
export function pathText(path: Path): string {
  return path
    .map((part, index) =>
      typeof part === "number" ? `[${part}]` : `${index === 0 ? "" : "."}${String(part)}`,
    )
    .join("");
}

function valueAt(value: unknown, path: Path): unknown {
  let at = value;
  for (const part of path) {
    if (typeof at !== "object" || at === null || !Object.hasOwn(at, part)) return undefined;
    // The check above: it has this property.
    at = (at as Record<PropertyKey, unknown>)[part];
  }
  return at;
}

function unwrapped(schema: unknown): unknown {
  return schema instanceof z.ZodOptional ||
    schema instanceof z.ZodDefault ||
    schema instanceof z.ZodNullable ||
    schema instanceof z.ZodReadonly
    ? unwrapped(schema.unwrap())
    : schema;
}

/** The schema of what a path leads to; in a union the first member that has such a path and fits its discriminator. */
function schemaAt(schema: unknown, path: Path, value: unknown): unknown {
  const outer = unwrapped(schema);
  if (outer instanceof z.ZodDiscriminatedUnion || outer instanceof z.ZodUnion) {
    const options: readonly unknown[] = outer.options;
    const fitting = options.filter((option) => fitsDiscriminator(outer, option, value));
    return fitting.map((option) => schemaAt(option, path, value)).find(isObject);
  }
  const [first, ...rest] = path;
  if (first === undefined) return schema;
  const inner = valueAt(value, [first]);
  if (outer instanceof z.ZodArray) return schemaAt(outer.element, rest, inner);
  if (outer instanceof z.ZodRecord) return schemaAt(outer.valueType, rest, inner);
  if (!(outer instanceof z.ZodObject)) return undefined;
  const shape: Record<string, unknown> = outer.shape;
  return schemaAt(shape[String(first)], rest, inner);
}

const isObject = (schema: unknown): boolean => unwrapped(schema) instanceof z.ZodObject;

function fitsDiscriminator(union: z.ZodUnion, option: unknown, value: unknown): boolean {
  if (!(union instanceof z.ZodDiscriminatedUnion)) return true;
  const { discriminator } = union.def;
  if (!(option instanceof z.ZodObject)) return false;
  const shape: Record<string, unknown> = option.shape;
  const field = shape[discriminator];
  return field instanceof z.ZodType && field.safeParse(valueAt(value, [discriminator])).success;
}

function fieldNamesAt(schema: z.ZodType, path: Path, value: unknown): string[] {
  const found = unwrapped(schemaAt(schema, path, value));
  return found instanceof z.ZodObject ? Object.keys(found.shape) : [];
}

function descriptionAt(schema: z.ZodType, path: Path, value: unknown): string | undefined {
  const found = schemaAt(schema, path, value);
  return found instanceof z.ZodType ? found.description : undefined;
}

/** Mistakes in the fields of a value, without I/O; none if the schema takes it. */
export function mistakesInFields(
  schema: z.ZodType,
  value: unknown,
  place: (path: Path) => string,
): Mistake[] {
  const { error } = schema.safeParse(value);
  return error === undefined ? [] : mistakesFromIssues(schema, value, error.issues, place);
}
