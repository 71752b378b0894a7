// A team's project: the nearest folder, upwards from the current one, whose package.json says where its catalog is.
import { dirname, join } from "node:path";
import { z } from "zod";
import { readJsonFile } from "./json-file.ts";

export interface Project {
  readonly folder: string;
  /** The module that exports its catalog, relative to the folder. */
  readonly catalog: string;
}

const EXAMPLE = '"sluice": { "catalog": "catalog/index.ts" }';
const manifestSchema = z.looseObject({ sluice: z.unknown().optional() });
const markSchema = z.strictObject({ catalog: z.string().min(1) });

/**
 * The project that a folder is in, or undefined if it is in none.
 *
 * @throws Error if a package.json on the way is not JSON, or has values that are not understood
 */
export function findProject(from = process.cwd()): Project | undefined {
  const file = join(from, "package.json");
  const mark = readMark(file);
  if (mark !== undefined) return { folder: from, ...mark };
  const parent = dirname(from);
  return parent === from ? undefined : findProject(parent);
}

/**
 * The project that this process works on.
 *
 * @throws Error if the current folder is in none
 */
export function projectHere(): Project {
  const project = findProject();
  if (project !== undefined) return project;
  throw new Error(
    `${process.cwd()} is not in a Sluice project: neither it nor a folder above has a package.json with ${EXAMPLE}. Go into a project, or make one with \`npx sluice init FOLDER\`.`,
  );
}

function readMark(file: string): z.infer<typeof markSchema> | undefined {
  const { sluice } = manifestSchema.safeParse(readJsonFile(file)).data ?? {};
  if (sluice === undefined) return undefined;
  const mark = markSchema.safeParse(sluice);
  if (mark.success) return mark.data;
  throw new Error(`${file}, sluice: ${JSON.stringify(sluice)} is given. Fix: write ${EXAMPLE}`);
}
