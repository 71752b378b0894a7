// Imports a proposed entry from a folder of its own, as the catalog would: its own validation checks it.
import { copyFile, mkdtemp, mkdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { check } from "prettier";
import { linkEngine } from "../../../local/link-engine.ts";
import { formatted } from "../../../cli/new-file.ts";
import type { Table } from "../../../catalog/table.ts";
import type { Proposal } from "../../../sources/discover/proposal.ts";
import { exportName, renderEntry } from "../../../sources/discover/render.ts";

const catalog = fileURLToPath(new URL("../../shop", import.meta.url));

/** @throws CatalogError if the entry has a mistake; Error if the file is not formatted as the project's */
export async function importProposal(proposal: Proposal): Promise<{ entry: Table; text: string }> {
  const folder = await mkdtemp(join(tmpdir(), "sluice-entry-"));
  try {
    linkEngine(folder);
    await copyFile(join(catalog, "sources.ts"), join(folder, "sources.ts"));
    await mkdir(join(folder, "tables"));
    const sourceVariable = proposal.source;
    const text = await formatted(renderEntry(proposal, { sourceVariable }));
    if (!(await check(text, { parser: "typescript", printWidth: 100 })))
      throw new Error(`not formatted:\n${text}`);
    const file = join(folder, "tables", `${proposal.name}.ts`);
    await writeFile(file, text);
    const module = (await import(pathToFileURL(file).href)) as Readonly<Record<string, Table>>;
    const entry = module[exportName(proposal.name, sourceVariable)];
    if (entry === undefined) throw new Error(`${proposal.name} is not exported:\n${text}`);
    return { entry, text };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
