// Fills in the template of cassandra.yaml.

type Value = string | number | boolean | Readonly<Record<string, string | number | boolean>>;
export type TemplateValues = Readonly<Record<string, Value>>;

/** The template with each `{name}` replaced by its value. Throws for a name without a value. */
export function fillTemplate(template: string, values: TemplateValues): string {
  return template
    .split("\n")
    .map((line) => (line.startsWith("#") ? line : fillLine(line, values)))
    .join("\n");
}

function fillLine(line: string, values: TemplateValues): string {
  return line.replaceAll(/\{(\w+)\}/g, (_, name: string) => {
    const value = values[name];
    if (value === undefined)
      throw new Error(`cassandra.yaml.template needs a value for {${name}}.`);
    // Any JSON value is YAML too, and a path may hold any character.
    return JSON.stringify(value);
  });
}
