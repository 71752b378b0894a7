// Which names the parts of a deployment get, and what each AWS service that gets one allows: one table.
import type { Mistake } from "../../contract/mistake.ts";
import { RESERVED_WORDS } from "../../catalog/names.ts";

/** What names are made from. */
export interface Named {
  readonly deployment: string;
  /** The sources' names. */
  readonly sources: readonly string[];
  readonly account: string;
  readonly region: string;
}

/** What one service allows for the names that a deployment gives it. */
export interface NameRule {
  /** The CloudFormation type and property that hold the name. */
  readonly type: string;
  readonly property: string;
  readonly what: string;
  readonly names: (named: Named) => readonly string[];
  readonly least: number;
  readonly most: number;
  readonly pattern: RegExp;
  /** True if the service rejects the reserved words of its database. */
  readonly reservedWords?: true;
  /** Where the rule is written down. */
  readonly page: string;
}

/** The functions of the pipeline: folders under `functions/`. */
export const FUNCTION_NAMES = [
  "plan",
  "extract",
  "commit",
  "decide",
  "load",
  "report",
  "preflight",
] as const;

/** A deployment's name where underscores are not allowed. */
export const hyphened = (deployment: string): string => deployment.replaceAll("_", "-");

const DOCS = "https://docs.aws.amazon.com";

/**
 * All names that stand in the templates. What has no name here (roles, other log groups, alarms, the topic) is named by CloudFormation, which cuts the name to what the service allows. A test compares this table with
 * the synthesized templates.
 */
export const NAME_RULES: readonly NameRule[] = [
  {
    ...{ type: "AWS::CloudFormation::Stack", property: "StackName", what: "a stack" },
    names: ({ deployment }) => [`${hyphened(deployment)}-core`, `${hyphened(deployment)}-catalog`],
    // Room for the number of a catalog stack.
    ...{ least: 1, most: 128 - "-99999".length, pattern: /^[A-Za-z][A-Za-z0-9-]*$/ },
    page: `${DOCS}/AWSCloudFormation/latest/APIReference/API_CreateStack.html`,
  },
  {
    ...{ type: "AWS::RedshiftServerless::Namespace", property: "NamespaceName" },
    what: "Redshift Serverless's namespace",
    names: ({ deployment }) => [hyphened(deployment)],
    ...{ least: 3, most: 64, pattern: /^[a-z0-9-]+$/, reservedWords: true },
    page: `${DOCS}/redshift-serverless/latest/APIReference/API_CreateNamespace.html`,
  },
  {
    ...{ type: "AWS::RedshiftServerless::Workgroup", property: "WorkgroupName" },
    what: "Redshift Serverless's workgroup",
    names: ({ deployment }) => [hyphened(deployment)],
    ...{ least: 3, most: 64, pattern: /^[a-z0-9-]+$/, reservedWords: true },
    page: `${DOCS}/redshift-serverless/latest/APIReference/API_CreateWorkgroup.html`,
  },
  {
    ...{ type: "AWS::Lambda::Function", property: "FunctionName", what: "a function of Lambda" },
    names: ({ deployment }) => FUNCTION_NAMES.map((name) => `${deployment}-${name}`),
    ...{ least: 1, most: 64, pattern: /^[A-Za-z0-9_-]+$/ },
    page: `${DOCS}/lambda/latest/api/API_CreateFunction.html`,
  },
  {
    ...{ type: "AWS::StepFunctions::StateMachine", property: "StateMachineName" },
    what: "the state machine of Step Functions",
    names: ({ deployment }) => [deployment],
    ...{ least: 1, most: 80, pattern: /^[A-Za-z0-9_-]+$/ },
    page: `${DOCS}/step-functions/latest/apireference/API_CreateStateMachine.html`,
  },
  {
    ...{ type: "AWS::Scheduler::Schedule", property: "Name" },
    what: "the schedule of EventBridge Scheduler",
    names: ({ deployment }) => [`${deployment}-all`],
    ...{ least: 1, most: 64, pattern: /^[0-9A-Za-z_.-]+$/ },
    page: `${DOCS}/scheduler/latest/APIReference/API_CreateSchedule.html`,
  },
  {
    ...{ type: "AWS::Glue::Job", property: "Name", what: "Glue's job" },
    names: ({ deployment }) => [`${deployment}-build`],
    ...{ least: 1, most: 255, pattern: /^[a-z0-9_-]+$/ },
    page: `${DOCS}/glue/latest/webapi/API_CreateJob.html`,
  },
  {
    ...{ type: "AWS::Glue::Database", property: "DatabaseInput.Name" },
    what: "a database of the Data Catalog",
    names: ({ deployment }) => [`${deployment}_lake`],
    // Athena takes lower-case letters, digits and underscores without quotes.
    ...{ least: 1, most: 255, pattern: /^[a-z][a-z0-9_]*$/ },
    page: `${DOCS}/glue/latest/webapi/API_DatabaseInput.html`,
  },
  {
    ...{ type: "AWS::S3::Bucket", property: "BucketName", what: "a bucket" },
    names: ({ deployment, account, region }) =>
      ["data", "logs"].map((part) => `${hyphened(deployment)}-${part}-${account}-${region}`),
    ...{ least: 3, most: 63, pattern: /^[a-z0-9][a-z0-9-]*[a-z0-9]$/ },
    page: `${DOCS}/AmazonS3/latest/userguide/bucketnamingrules.html`,
  },
  {
    ...{ type: "AWS::DynamoDB::Table", property: "TableName", what: "DynamoDB's table" },
    names: ({ deployment }) => [`${deployment}-ledger`],
    ...{ least: 3, most: 255, pattern: /^[A-Za-z0-9_.-]+$/ },
    page: `${DOCS}/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html`,
  },
  {
    ...{ type: "AWS::Logs::LogGroup", property: "LogGroupName", what: "a log group" },
    names: ({ deployment }) =>
      ["output", "error"].map((name) => `/sluice/${deployment}/build/${name}`),
    ...{ least: 1, most: 512, pattern: /^[A-Za-z0-9_/.#-]+$/ },
    page: `${DOCS}/AmazonCloudWatchLogs/latest/APIReference/API_CreateLogGroup.html`,
  },
  {
    ...{ type: "AWS::SecretsManager::Secret", property: "Name", what: "a secret" },
    names: ({ deployment, sources }) => [
      `${deployment}/warehouse`,
      ...sources.map((source) => `${deployment}/source/${source}`),
    ],
    ...{ least: 1, most: 512, pattern: /^[A-Za-z0-9/_+=.@-]+$/ },
    page: `${DOCS}/secretsmanager/latest/apireference/API_CreateSecret.html`,
  },
  {
    ...{ type: "AWS::SSM::Parameter", property: "Name", what: "Systems Manager's parameter" },
    names: ({ deployment }) => [`/sluice/${deployment}`],
    ...{ least: 1, most: 1011, pattern: /^[A-Za-z0-9/_.-]+$/ },
    page: `${DOCS}/systems-manager/latest/APIReference/API_PutParameter.html`,
  },
];

/** The longest region's name, where it is not known yet. */
const LONGEST_REGION = "ap-southeast-1";
const ANY_ACCOUNT = "000000000000";

/** How a deployment may be called, whatever the services: the form that all of their names can be made from. */
const DEPLOYMENT_NAME = /^[a-z][a-z0-9]*(_[a-z0-9]+)*$/;

/**
 * Mistakes in a deployment's name: in its form, and for each service that gets a name made from it.
 * @param fix of its form: where to write another
 */
export function* mistakesInDeploymentName(
  deployment: string,
  place: string,
  fix = `rename the file, such as to ${suggestedName(deployment)}.json`,
): Generator<Mistake> {
  if (!DEPLOYMENT_NAME.test(deployment)) {
    yield {
      place,
      problem: `the deployment's name ${JSON.stringify(deployment)} is not lower-case letters and digits after a letter, with single underscores between them`,
      fix,
    };
    return;
  }
  const named = { deployment, sources: [], account: ANY_ACCOUNT, region: LONGEST_REGION };
  yield* mistakesInNames(named, () => place);
}

/** Mistakes in the names of the sources' secrets. */
export function* mistakesInSourceNames({
  deployment,
  sources,
}: Pick<Named, "deployment" | "sources">): Generator<Mistake> {
  for (const source of sources) {
    yield* mistakesInNames(
      { deployment, sources: [source], account: ANY_ACCOUNT, region: LONGEST_REGION },
      () => `source ${source}`,
      (name) => name.endsWith(`/${source}`),
    );
  }
}

function* mistakesInNames(
  named: Named,
  place: (name: string) => string,
  concerns: (name: string) => boolean = () => true,
): Generator<Mistake> {
  for (const rule of NAME_RULES) {
    for (const name of rule.names(named).filter(concerns)) {
      const { least, most } = rule;
      if (name.length < least || name.length > most) {
        const change =
          name.length < least
            ? `at least ${least - name.length} more`
            : `at least ${name.length - most} fewer`;
        yield {
          place: place(name),
          problem: `${rule.what} would be called ${JSON.stringify(name)}, of ${name.length} characters, and AWS takes ${least} to ${most} (${rule.page})`,
          fix: `choose a name of ${change} characters`,
        };
      } else if (!rule.pattern.test(name)) {
        yield {
          place: place(name),
          problem: `${rule.what} would be called ${JSON.stringify(name)}, which AWS does not take (${rule.page})`,
          fix: "use lower-case letters, digits and underscores",
        };
      } else if (rule.reservedWords === true && RESERVED_WORDS.has(name)) {
        yield {
          place: place(name),
          problem: `${rule.what} would be called ${JSON.stringify(name)}, a reserved word of Redshift (${rule.page})`,
          fix: `choose another name, such as ${JSON.stringify(`${named.deployment}_data`)}`,
        };
      }
    }
  }
}

/** A name that is allowed, as close to a rejected one as possible. */
export function suggestedName(deployment: string): string {
  const name = deployment
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, "_")
    .replaceAll(/^[_0-9]+|_+$/g, "");
  return name === "" ? "production" : name;
}
