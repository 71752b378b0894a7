// Lets a catalog outside of this repository import "sluice", as it would where the package is installed.
import { mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { ENGINE_FOLDER } from "./state.ts";

/** Makes `folder/node_modules/sluice` a link to this repository. */
export function linkEngine(folder: string): void {
  mkdirSync(join(folder, "node_modules"), { recursive: true });
  symlinkSync(ENGINE_FOLDER, join(folder, "node_modules/sluice"));
}
