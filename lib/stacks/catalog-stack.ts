// A part of the catalog: a Glue database of its own with one table an entry, and the scripts of models as assets.
import { CfnResource, Stack, type Environment } from "aws-cdk-lib";
import { CfnDatabase } from "aws-cdk-lib/aws-glue";
import { Asset } from "aws-cdk-lib/aws-s3-assets";
import type { Construct } from "constructs";
import { createHash } from "node:crypto";
import { fileURLToPath } from "node:url";
import { CatalogError } from "../../catalog/errors.ts";
import { encodeEntry, mistakesForGlue, type GlueTableInput } from "../../catalog/glue.ts";
import { definitionsDatabase, encodeStamp } from "../../catalog/placement.ts";
import type { Model, Table } from "../../catalog/table.ts";
import { hyphened } from "../deployment/service-names.ts";

export interface CatalogStackProps {
  readonly deployment: string;
  /** How many of them there are. */
  readonly catalogStacks: number;
  readonly env: Environment;
  /** Which of the catalog stacks this is, from 0. */
  readonly number: number;
  readonly entries: readonly (Table | Model)[];
}

/**
 * The same as long as the entry has its name, whatever it is, so that an entry that becomes a model is an update; and no
 * two entries have the same, though only letters and digits may be in it.
 */
function logicalId(name: string): string {
  const words = name.split("_").map((word) => word.charAt(0).toUpperCase() + word.slice(1));
  return words.join("") + createHash("sha256").update(name).digest("hex").slice(0, 8);
}

export class CatalogStack extends Stack {
  /** The definitions by their entries' names. */
  readonly definitions: ReadonlyMap<string, CfnResource>;
  readonly #database: CfnDatabase;

  /** @throws CatalogError naming each text of an entry that Glue would reject */
  constructor(scope: Construct, id: string, props: CatalogStackProps) {
    const { deployment, catalogStacks, env, number, entries } = props;
    super(scope, id, {
      // The same wherever it stands in an app: people look for it, and delete it when there are fewer.
      stackName: `${hyphened(deployment)}-catalog-${number}`,
      description: "Sluice: tables and models of the catalog",
      env,
      suppressTemplateIndentation: true,
    });
    this.#database = new CfnDatabase(this, "Database", {
      catalogId: this.account,
      databaseInput: {
        name: definitionsDatabase(deployment, number),
        description: "Definitions of Sluice's tables and models, written by its deployment",
      },
    });
    const definitions = new Map<string, CfnResource>();
    const mistakes = [];
    for (const entry of entries) {
      const table = encodeEntry(entry, { deployment, ...this.#script(entry) });
      mistakes.push(...mistakesForGlue(table));
      definitions.set(entry.name, this.#table(logicalId(entry.name), table));
    }
    if (mistakes.length > 0) throw new CatalogError(mistakes);
    const stamp = this.#table("Stamp", encodeStamp(catalogStacks));
    // Written when all entries are: from then on readers look for them here alone.
    for (const table of definitions.values()) stamp.addResourceDependency(table);
    this.definitions = definitions;
  }

  #script(entry: Table | Model): { scriptUri?: string; scriptHash?: string } {
    if (!("script" in entry)) return {};
    const asset = new Asset(this, `${logicalId(entry.name)}Script`, {
      path: fileURLToPath(entry.script),
    });
    return { scriptUri: asset.s3ObjectUrl, scriptHash: asset.assetHash };
  }

  #table(id: string, input: GlueTableInput): CfnResource {
    return new CfnResource(this, id, {
      type: "AWS::Glue::Table",
      properties: {
        CatalogId: this.account,
        DatabaseName: this.#database.ref,
        TableInput: input,
      },
    });
  }
}
