// From what zod finds in a value that a person wrote to mistakes: the value, the place and the fix.
import { z } from "zod";
import type { Mistake } from "./errors.ts";
import { nearest } from "./nearest.ts";

type Issue = z.core.$ZodIssue;
export type Path = readonly PropertyKey[];

/**
 * All mistakes that zod found, each with its fix. An unknown field that looks like a missing one is told once.
 *
 * The message of a schema's own check is the fix, in the imperative; a check that wants to say what is wrong as well
 * adds a custom issue whose message is the problem and whose `params.fix` is the fix.
 *
 * @param value what was parsed
 * @param place names a path in it: `deployments/prod.json, network.vpcId`
 */
export function mistakesFromIssues(
  schema: z.ZodType,
  value: unknown,
  issues: readonly Issue[],
  place: (path: Path) => string,
): Mistake[] {
  const isMissing = (issue: Issue): boolean =>
    issue.code !== "unrecognized_keys" &&
    issue.code !== "custom" &&
    valueAt(value, issue.path) === undefined;
  const missing = new Map(
    issues.filter(isMissing).map((issue) => [issue.path.map(String).join("\0"), issue]),
  );
  const mistakes: Mistake[] = [];
  for (const issue of issues) {
    if (issue.code !== "unrecognized_keys") continue;
    const known = fieldNamesAt(schema, issue.path);
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
        fix: `add ${JSON.stringify(name)}: ${descriptionAt(schema, issue.path) ?? fixOf(issue)}`,
      });
    } else {
      const found = valueAt(value, issue.path);
      const isCustom = issue.code === "custom";
      mistakes.push({
        place: place(issue.path),
        problem: isCustom ? issue.message : `${shown(found)} is not allowed here`,
        fix: fixOf(issue, found),
      });
    }
  }
  return mistakes;
}

function fixOf(issue: Issue, found?: unknown): string {
  if (issue.code === "custom") return String(issue.params?.fix ?? "correct it");
  if (issue.code === "invalid_value" && typeof found === "string") {
    const meant = nearest(found, issue.values.map(String));
    if (meant !== undefined) return `write ${JSON.stringify(meant)}`;
  }
  // Zod's own words, where the schema has none.
  return issue.message.replace(/^Invalid input: expected (\w+).*$/, "write a value of type $1");
}

/** A value as it was written; JSON has no words for NaN and undefined. */
export function shown(value: unknown): string {
  return typeof value === "number" || value === undefined ? String(value) : JSON.stringify(value);
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

function schemaAt(schema: unknown, path: Path): unknown {
  const [first, ...rest] = path;
  if (first === undefined) return schema;
  const outer = unwrapped(schema);
  if (outer instanceof z.ZodArray) return schemaAt(outer.element, rest);
  if (outer instanceof z.ZodRecord) return schemaAt(outer.valueType, rest);
  if (!(outer instanceof z.ZodObject)) return undefined;
  const shape: Record<string, unknown> = outer.shape;
  return schemaAt(shape[String(first)], rest);
}

function fieldNamesAt(schema: z.ZodType, path: Path): string[] {
  const found = unwrapped(schemaAt(schema, path));
  return found instanceof z.ZodObject ? Object.keys(found.shape as object) : [];
}

function descriptionAt(schema: z.ZodType, path: Path): string | undefined {
  const found = schemaAt(schema, path);
  return found instanceof z.ZodType ? found.description : undefined;
}
