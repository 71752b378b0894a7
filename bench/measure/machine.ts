// The machine that a benchmark ran on, and how busy others kept it.
import { cpus, loadavg, totalmem } from "node:os";

export interface Machine {
  readonly cores: number;
  readonly model: string;
  readonly memoryBytes: number;
  readonly node: string;
  /** When the measurement began, ISO 8601. */
  readonly at: string;
  /** The load average of the minute before. */
  readonly loadBefore: number;
}

export function describeMachine(): Machine {
  return {
    cores: cpus().length,
    model: cpus()[0]?.model ?? "",
    memoryBytes: totalmem(),
    node: process.versions.node,
    at: new Date().toISOString(),
    loadBefore: loadavg()[0] ?? 0,
  };
}
