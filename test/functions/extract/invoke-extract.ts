// Invokes a bundled extract function invocation after invocation, as its Lambda would be, and prints what memory that took.
//
// Usage: invoke-extract.ts <bundle> <state>; prints the last state and the peak of resident memory as JSON.
import { existsSync, readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { z } from "zod";
import { laneStateSchema } from "../../../contract/state.ts";

type Handler = (event: unknown, context: object) => Promise<unknown>;

const [bundle = "", stateText = "{}"] = process.argv.slice(2);
const loaded: unknown = await import(pathToFileURL(bundle).href);
const isHandler = (value: unknown): value is Handler => typeof value === "function";
const { handler } = z.object({ handler: z.custom<Handler>(isHandler) }).parse(loaded);

const invocationMillis = 60_000;
let state: unknown = JSON.parse(stateText);
do {
  const deadline = Date.now() + invocationMillis;
  state = await handler(state, { getRemainingTimeInMillis: () => deadline - Date.now() });
} while (!laneStateSchema.parse(state).done);
console.log(JSON.stringify({ state, peakRssBytes: peakRssBytes() }));
process.exit();

/** Of this program alone: on Linux what resourceUsage() says begins with what its parent had. */
function peakRssBytes(): number {
  const status = "/proc/self/status";
  if (!existsSync(status)) return process.resourceUsage().maxRSS * 1024;
  return Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(status, "utf8"))?.[1]) * 1024;
}
