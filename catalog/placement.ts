// Where the definition of each entry lies: by its name alone, so that no entry moves when another comes or goes.
import { createHash } from "node:crypto";
import { DEFINITION_FORMAT, type GlueTable, type GlueTableInput } from "./glue.ts";

/** The most catalog stacks that a deployment can have; IAM's and Glue's names of them have three digits. */
export const MAX_CATALOG_STACKS = 128;

/** Of the table that a catalog stack writes last. An entry's name begins with a letter, so no entry has this name. */
export const STAMP_NAME = "_stack";

/**
 * The number of the stack that an entry belongs to. It depends on the entry's name and the number of stacks alone; when
 * that is doubled, half of the entries stay, and each other one goes to the stack whose number is higher by the old
 * number of stacks.
 *
 * @param stacks a power of two
 */
export function catalogStackOf(entry: string, stacks: number): number {
  return createHash("sha256").update(entry).digest().readUInt32BE() % stacks;
}

/**
 * The stacks that must be deployed before another one: those to which its entries go when the number of stacks is raised
 * from any power of two, so that each is created there before it is deleted here. (When the number becomes smaller
 * nothing is deleted: the stacks that are left over stay as they are.)
 *
 * @returns the nearest of them; they name the others
 */
export function deployedBefore(stack: number, stacks: number): number[] {
  const before: number[] = [];
  for (let step = 1; stack + step < stacks; step *= 2) if (step > stack) before.push(stack + step);
  return before;
}

/**
 * The database of a catalog stack's definitions. It belongs to this stack alone, however many there are, so that an
 * entry that moves never meets itself in the database that it moves to.
 */
export function definitionsDatabase(deployment: string, stack: number): string {
  return `${deployment}_definitions_${String(stack).padStart(3, "0")}`;
}

/** IAM's pattern for the databases of all catalog stacks that a deployment has, had or will have. */
export function definitionsDatabasePattern(deployment: string): string {
  return `${deployment}_definitions_???`;
}

/** The database of the Iceberg tables. */
export function lakeDatabase(deployment: string): string {
  return `${deployment}_lake`;
}

/** The table that a catalog stack writes after all its entries: so many stacks there were when they were written. */
export function encodeStamp(stacks: number): GlueTableInput {
  return {
    Name: STAMP_NAME,
    Description: "Written by the deployment after all definitions of this database.",
    TableType: "EXTERNAL_TABLE",
    Parameters: {
      "sluice.format": DEFINITION_FORMAT,
      "sluice.kind": "stack",
      "sluice.stacks": String(stacks),
    },
    StorageDescriptor: {
      Columns: [{ Name: "stacks", Type: "int", Comment: "The number of catalog stacks." }],
      InputFormat: "org.apache.hadoop.mapred.TextInputFormat",
      OutputFormat: "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
      SerdeInfo: { SerializationLibrary: "org.openx.data.jsonserde.JsonSerDe" },
    },
  };
}

/** The number of stacks that a stamp says; null if there is none, or one that this version does not know. */
export function decodeStamp(table: GlueTable | undefined): number | null {
  if (table?.Name !== STAMP_NAME || table.Parameters?.["sluice.format"] !== DEFINITION_FORMAT)
    return null;
  const stacks = Number(table.Parameters["sluice.stacks"]);
  return Number.isInteger(stacks) && stacks >= 1 && stacks <= MAX_CATALOG_STACKS ? stacks : null;
}
