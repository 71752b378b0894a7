// The CDK app: all stacks of the deployment that `-c deployment=NAME` names, by its file in deployments/.
import { runApp } from "sluice/cdk";

await runApp();
