// The catalog's entries, each in the stack that its name says. They are stacks of their own, since a template takes 500
// resources and 1,000,000 bytes, and not nested ones, so that each is deployed for itself.
import type { Environment } from "aws-cdk-lib";
import type { IGrantable } from "aws-cdk-lib/aws-iam";
import { Construct } from "constructs";
import {
  catalogStackOf,
  definitionsDatabasePattern,
  deployedBefore,
} from "../../catalog/placement.ts";
import type { Catalog, Model, Table } from "../../catalog/table.ts";
import { CatalogStack } from "../stacks/catalog-stack.ts";
import { allowDatabase } from "./glue-database.ts";

export interface DefinitionsProps {
  readonly deployment: string;
  readonly catalog: Catalog;
  /** A power of two. */
  readonly catalogStacks: number;
  readonly env: Environment;
}

export class Definitions extends Construct {
  readonly stacks: readonly CatalogStack[];
  readonly #deployment: string;

  /** @throws CatalogError naming each text of an entry that Glue would reject */
  constructor(scope: Construct, id: string, props: DefinitionsProps) {
    super(scope, id);
    const { deployment, catalog, catalogStacks, env } = props;
    this.#deployment = deployment;
    const entries: (Table | Model)[][] = Array.from({ length: catalogStacks }, () => []);
    for (const entry of [...catalog.tables, ...catalog.models]) {
      entries[catalogStackOf(entry.name, catalogStacks)]?.push(entry);
    }
    this.stacks = entries.map(
      (own, number) =>
        new CatalogStack(this, String(number), {
          ...{ deployment, catalogStacks, env, number, entries: own },
        }),
    );
    for (const [number, stack] of this.stacks.entries()) {
      for (const before of deployedBefore(number, catalogStacks)) {
        const other = this.stacks[before];
        if (other !== undefined) stack.addStackDependency(other);
      }
    }
  }

  /** Lets a role read what the catalog declares. */
  grantRead(grantee: IGrantable): void {
    // Any number of catalog stacks: entries may still be in those that a smaller number leaves over.
    const databases = definitionsDatabasePattern(this.#deployment);
    allowDatabase(this, grantee, databases, ["glue:GetTable", "glue:GetTables"]);
  }
}
