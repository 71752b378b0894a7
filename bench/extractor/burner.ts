// Burns the CPU that the extractor burnt, in the same bursts, and sends no database a request.
import { readFileSync } from "node:fs";
import { z } from "zod";
import { PausableClock } from "./pause.ts";
import { burstSchema, commandSchema, type ReaderReport } from "./settings.ts";

const bursts = z
  .array(burstSchema)
  .min(1)
  .parse(JSON.parse(readFileSync(process.argv[2] ?? "", "utf8")));
const clock = new PausableClock(true);
process.on("message", (message) => {
  const command = commandSchema.parse(message);
  if (command === "go") clock.go();
  else if (command === "pause") clock.pause();
  else process.send?.({ rows: 0, batches: 0, bursts: [] } satisfies ReaderReport);
});
process.on("disconnect", () => process.exit());

function burn(micros: number): void {
  const begin = process.cpuUsage();
  let used = 0;
  let sum = 0;
  while (used < micros) {
    for (let step = 0; step < 2000; step += 1) sum = Math.imul(sum ^ step, 0x9e3779b1);
    const { user, system } = process.cpuUsage(begin);
    used = user + system;
  }
  if (sum === 1) console.error("cannot be");
}

for (;;) {
  for (const { pauseMillis, askMillis, cpuMicros } of bursts) {
    await clock.sleep(pauseMillis + askMillis);
    burn(cpuMicros);
  }
}
