// What a role may do with databases of the Data Catalog.
import { Stack } from "aws-cdk-lib";
import type { IGrantable } from "aws-cdk-lib/aws-iam";
import type { IConstruct } from "constructs";
import { acknowledgePattern, allow } from "./grants.ts";

/**
 * Lets a role act on one database and all of its tables.
 * @param scope whose stack says the account and the region
 * @param database its name, or IAM's pattern for the names of several
 */
export function allowDatabase(
  scope: IConstruct,
  grantee: IGrantable,
  database: string,
  actions: readonly string[],
): void {
  const stack = Stack.of(scope);
  const arn = (resource: string, resourceName: string): string =>
    stack.formatArn({ service: "glue", resource, resourceName });
  const tables = arn("table", `${database}/*`);
  allow(grantee, actions, [
    // Glue requires permission on everything that contains the table.
    stack.formatArn({ service: "glue", resource: "catalog" }),
    arn("database", database),
    tables,
  ]);
  acknowledgePattern(
    grantee,
    tables,
    "All tables of Sluice's own databases; which there are is said by the catalog",
  );
}
