// The CDK app of this repository, for the deployment that is named.
import { runApp } from "./synthesize.ts";

await runApp();
