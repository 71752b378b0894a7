// A part of the catalog: one Glue table an entry, and the scripts of models as assets.
import { CfnResource, Stack, type App } from "aws-cdk-lib";
import { Asset } from "aws-cdk-lib/aws-s3-assets";
import { fileURLToPath } from "node:url";
import { encodeEntry } from "../../catalog/schema/glue.ts";
import type { Model, Table } from "../../catalog/schema/table.ts";
import type { Config } from "../config.ts";
import type { CoreStack } from "./core-stack.ts";

export interface CatalogStackProps {
  readonly config: Config;
  readonly core: CoreStack;
  readonly entries: readonly (Table | Model)[];
}

const logicalId = (name: string): string =>
  name
    .split("_")
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join("");

export class CatalogStack extends Stack {
  constructor(scope: App, id: string, props: CatalogStackProps) {
    const { config, core } = props;
    super(scope, id, {
      description: "Sluice: tables and models of the catalog",
      env: { account: config.account, region: config.region },
    });
    for (const entry of props.entries) {
      const isModel = "script" in entry;
      let script: { scriptUri: string; scriptHash: string } | undefined;
      if (isModel) {
        const asset = new Asset(this, `${logicalId(entry.name)}Script`, {
          path: fileURLToPath(entry.script),
        });
        script = { scriptUri: asset.s3ObjectUrl, scriptHash: asset.assetHash };
      }
      const table = new CfnResource(
        this,
        `${isModel ? "Model" : "Table"}${logicalId(entry.name)}`,
        {
          type: "AWS::Glue::Table",
          properties: {
            CatalogId: this.account,
            DatabaseName: isModel ? core.databases.models : core.databases.raw,
            TableInput: encodeEntry(entry, {
              deployment: config.deployment,
              bucket: core.data.bucket.bucketName,
              ...script,
            }),
          },
        },
      );
      table.node.addDependency(core);
    }
  }
}
