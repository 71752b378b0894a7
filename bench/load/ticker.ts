// A thread that says when the next request is due, more exactly than timers of an event loop do.
import { parentPort, workerData } from "node:worker_threads";
import { z } from "zod";
import { randomAt } from "../../examples/web-analytics/sample-data/random.ts";
import { monotonicMillis } from "./settings.ts";

const settings = z
  .strictObject({ requestsPerSecond: z.number().positive(), seed: z.int() })
  .parse(workerData);
const never = new Int32Array(new SharedArrayBuffer(4));
const random = randomAt(settings.seed, "ticks");
const EVERY_MILLIS = 1000 / settings.requestsPerSecond;
const BEGIN = monotonicMillis();

// One request in each slot, somewhere in it: a steady rate that no rhythm of a reader can fall in step with. It never
// waits for responses.
for (let slot = 0; ; slot += 1) {
  const dueMillis = BEGIN + (slot + random.unit()) * EVERY_MILLIS;
  const wait = dueMillis - monotonicMillis();
  if (wait > 0) Atomics.wait(never, 0, 0, wait);
  parentPort?.postMessage(dueMillis);
}
