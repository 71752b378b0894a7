// Which deployment `status` and `query` are about: the named one, or the stack that runs here.
import { runningStack } from "../local/control.ts";
import { connect, type Connection } from "./connection.ts";

/** @throws Error if no name was given and nothing runs on this machine */
export async function chooseConnection(deployed: string | undefined): Promise<Connection> {
  if (deployed !== undefined) return connect({ deployed });
  const stack = runningStack();
  if (stack?.status !== "ready") {
    throw new Error(
      "No stack runs on this machine. Start one with `npm run sluice -- up`, or name a deployed one with --deployed NAME.",
    );
  }
  return connect({ local: stack });
}
