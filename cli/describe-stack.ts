// How to look further: addresses and commands for a stack on this machine.
import { declarationOf } from "../sources/declarations.ts";
import type { RunningStack } from "../local/state.ts";
import type { Connection } from "./connection.ts";

/** Lines that say where everything is. */
export function describeStack(connection: Connection, stack: RunningStack): string[] {
  const { deployment } = connection;
  const lines = ["How to look further:"];
  const add = (what: string, where: string): void => {
    lines.push(`  ${what.padEnd(16)} ${where}`);
  };
  if (stack.postgres !== undefined) {
    const { host, port, user, database } = stack.postgres;
    add(
      "BI tool / psql",
      `postgresql://${user}@${host}:${String(port)}/${database}   (views are in the schema mart)`,
    );
  }
  add("query", `npm run sluice -- query "select * from mart.companies limit 5"`);
  for (const [system, secret] of Object.entries(stack.secrets)) {
    const { title, showAddress } = declarationOf(system);
    add(title, showAddress(secret));
  }
  if (stack.endpoint !== undefined) {
    add(
      "objects",
      `s3://${deployment.bucket}/ (raw, manifests, lake, deltas) at ${stack.endpoint}`,
    );
    add(
      "list them",
      `AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local AWS_REGION=us-east-1 aws --endpoint-url ${stack.endpoint} s3 ls --recursive s3://${deployment.bucket}/`,
    );
  }
  add("logs", stack.logFolder);
  return lines;
}
