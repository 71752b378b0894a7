// Makes the made-up system known, as a module outside of Sluice would.
import { registerClient } from "../../../sources/clients.ts";
import { registerDeclaration } from "../../../sources/declarations.ts";
import { connectJsonLines } from "./client.ts";
import { jsonLines } from "./declaration.ts";

declare module "../../../sources/declarations.ts" {
  interface SourceSystems {
    jsonl: typeof jsonLines;
  }
}

registerDeclaration(jsonLines);
registerClient(jsonLines.name, connectJsonLines);
