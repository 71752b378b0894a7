// Writes lib/deployment.schema.json, by which editors complete and check a deployment's file: run it after a change of lib/config.ts.
import { writeFileSync } from "node:fs";
import { jsonSchema } from "../config.ts";

const file = new URL("../deployment.schema.json", import.meta.url);
writeFileSync(file, `${JSON.stringify(jsonSchema(), null, 2)}\n`);
