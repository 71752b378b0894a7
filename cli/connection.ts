// Where a deployment is: on this machine, or in the AWS account that the usual credentials name.
import { CloudWatchClient } from "@aws-sdk/client-cloudwatch";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { RedshiftDataClient } from "@aws-sdk/client-redshift-data";
import { S3Client } from "@aws-sdk/client-s3";
import { SFNClient } from "@aws-sdk/client-sfn";
import { GetParameterCommand, ParameterNotFound, SSMClient } from "@aws-sdk/client-ssm";
import {
  deploymentRecordName,
  deploymentRecordSchema,
  type DeploymentRecord,
} from "../contract/deployment-record.ts";
import { describedDeployment } from "../lib/deployment/read.ts";
import { LOCAL_CREDENTIALS, LOCAL_REGION, type RunningStack } from "../local/state.ts";

/** Where AWS is; what is not there comes from the environment and the usual files. */
interface ClientConfig {
  readonly endpoint?: string;
  readonly region?: string;
  readonly credentials?: typeof LOCAL_CREDENTIALS;
}

/** AWS clients and the names of a deployment's parts. */
export interface Connection {
  readonly deployment: DeploymentRecord;
  readonly local: RunningStack | undefined;
  /** What each further client is made with. */
  readonly clientConfig: ClientConfig;
  readonly s3: S3Client;
  readonly dynamodb: DynamoDBClient;
  readonly sfn: SFNClient;
  readonly redshift: RedshiftDataClient;
  readonly cloudwatch: CloudWatchClient;
}

/**
 * Connects to a stack on this machine, or to a deployed one: in the region that its file in deployments/ names, else in
 * the one that is configured for AWS.
 *
 * @param project the folder that has deployments/, if it is not this one
 * @throws Error if there is no deployment of that name, or it is in another account than its file says
 */
export async function connect(
  to: { local: RunningStack } | { deployed: string },
  project?: string,
): Promise<Connection> {
  const local = "local" in to ? to.local : undefined;
  const described = "local" in to ? undefined : describedDeployment(to.deployed, project);
  const config: ClientConfig =
    local === undefined
      ? described === undefined
        ? {}
        : { region: described.region }
      : {
          endpoint: local.endpoint ?? "http://127.0.0.1:0",
          region: LOCAL_REGION,
          credentials: LOCAL_CREDENTIALS,
        };
  const name = "local" in to ? to.local.deployment : to.deployed;
  const ssm = new SSMClient(config);
  let text: string | undefined;
  try {
    const response = await ssm.send(new GetParameterCommand({ Name: deploymentRecordName(name) }));
    text = response.Parameter?.Value;
  } catch (error) {
    if (!(error instanceof ParameterNotFound)) throw error;
    throw new Error(
      `There is no deployment named ${JSON.stringify(name)}: the parameter ${deploymentRecordName(name)} does not exist in ${described === undefined ? "this account and region" : `${described.region} in this account (deployments/${name}.json names ${described.account})`}. Deploy it with \`npx cdk deploy --all -c deployment=${name}\`, or give another name with --deployed.`,
      { cause: error },
    );
  } finally {
    ssm.destroy();
  }
  const deployment = deploymentRecordSchema.parse(JSON.parse(text ?? "null"));
  const [, , , , account] = deployment.stateMachineArn.split(":");
  if (described !== undefined && account !== described.account) {
    throw new Error(
      `The credentials are of account ${account ?? "?"}, and deployments/${name}.json names ${described.account}: use credentials of that account, or correct the file.`,
    );
  }
  return {
    deployment,
    local,
    clientConfig: config,
    s3: new S3Client({ ...config, forcePathStyle: local !== undefined }),
    dynamodb: new DynamoDBClient(config),
    sfn: new SFNClient(config),
    redshift: new RedshiftDataClient(config),
    cloudwatch: new CloudWatchClient(config),
  };
}
