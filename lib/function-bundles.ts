// Where the bundled code of each Lambda function lies: in the package it was built before; in the repository it is built
// when one of its sources has changed.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
} from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const ENGINE_FOLDER = fileURLToPath(new URL("..", import.meta.url));
const PACKAGED_FOLDER = join(ENGINE_FOLDER, "bundles");
const BUILT_FOLDER = join(ENGINE_FOLDER, ".sluice/bundles");
/** What a handler may import. */
const SOURCES = ["contract", "catalog", "sources", "stores", "functions"];
/** After this, no process still reads a bundle of older sources. */
const KEPT_MILLIS = 24 * 60 * 60 * 1000;

const OPTIONS = [
  ...["--bundle", "--platform=node", "--format=esm", "--target=node24"],
  ...["--main-fields=module,main", "--sourcemap", "--sources-content=false"],
  // cassandra-driver asks for it only when Kerberos is configured.
  "--external:kerberos",
  // CommonJS dependencies inside an ES module still ask for `require`.
  "--banner:js=import { createRequire } from 'node:module';const require = createRequire(import.meta.url);",
  ...["--outbase=functions", "--entry-names=[dir]/index", "--out-extension:.js=.mjs"],
  "--log-level=warning",
];

/**
 * The folder of a function's bundle, with its handler in `index.mjs`.
 *
 * @param name its folder in `functions/`
 * @throws Error with esbuild's messages
 */
export function functionBundle(name: string): string {
  return join(functionBundles(), name);
}

let bundles: string | undefined;

/**
 * The folder that has one for each function. Processes may call this at the same time.
 *
 * @throws Error with esbuild's messages
 */
export function functionBundles(): string {
  bundles ??= existsSync(PACKAGED_FOLDER) ? PACKAGED_FOLDER : built();
  return bundles;
}

function built(): string {
  const folder = join(BUILT_FOLDER, fingerprint());
  if (existsSync(folder)) return folder;
  mkdirSync(BUILT_FOLDER, { recursive: true });
  removeOld();
  // As deep as it will lie, so that the paths in the source maps are right.
  const making = mkdtempSync(`${folder}.making-`);
  bundle(making);
  try {
    renameSync(making, folder);
  } catch (error) {
    rmSync(making, { recursive: true });
    if (!existsSync(folder)) throw error;
  }
  return folder;
}

function bundle(folder: string): void {
  const entries = readdirSync(join(ENGINE_FOLDER, "functions"))
    .map((name) => `functions/${name}/handler.ts`)
    .filter((file) => existsSync(join(ENGINE_FOLDER, file)));
  const { status, stderr, error } = spawnSync(
    join(ENGINE_FOLDER, "node_modules/.bin/esbuild"),
    [...entries, ...OPTIONS, `--outdir=${folder}`],
    { cwd: ENGINE_FOLDER, encoding: "utf8" },
  );
  if (status === 0) return;
  rmSync(folder, { recursive: true });
  throw new Error(`The functions could not be bundled: ${error?.message ?? stderr}`);
}

function fingerprint(): string {
  const hash = createHash("sha256").update(JSON.stringify(OPTIONS));
  const add = (file: string): void => {
    hash.update(`${file}\n`).update(readFileSync(join(ENGINE_FOLDER, file)));
  };
  add("package-lock.json");
  add("glue-jobs/sluice_build/contract/type_map.json");
  for (const source of SOURCES) {
    const files = readdirSync(join(ENGINE_FOLDER, source), { recursive: true, encoding: "utf8" });
    for (const file of files.sort()) if (file.endsWith(".ts")) add(join(source, file));
  }
  return hash.digest("hex").slice(0, 16);
}

function removeOld(): void {
  for (const name of readdirSync(BUILT_FOLDER)) {
    const folder = join(BUILT_FOLDER, name);
    const age = Date.now() - (statSync(folder, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
    if (age > KEPT_MILLIS) rmSync(folder, { recursive: true, force: true });
  }
}
