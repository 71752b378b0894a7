// Gives each test a folder that servers can enter, and removes it afterwards.
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";

/** An empty folder that lasts as long as the test that calls this. */
export function scratchFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "sluice-test-"));
  chmodSync(folder, 0o755);
  onTestFinished(() => {
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}

/** Waits until the condition holds. Throws when it does not within the deadline. */
export async function until(what: string, holds: () => boolean, seconds = 10): Promise<void> {
  const deadline = Date.now() + seconds * 1000;
  while (!holds()) {
    if (Date.now() > deadline) throw new Error(`It took over ${seconds} s until ${what}.`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
