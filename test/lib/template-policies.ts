// What a synthesized template lets each of its roles do: its policies, with every name as it would be after deploying.
import { z } from "zod";
import { policySchema, type Statement } from "./policy-evaluator.ts";

export const ACCOUNT = "111122223333";
export const REGION = "eu-central-1";

const resourceSchema = z.looseObject({
  Type: z.string(),
  Properties: z.record(z.string(), z.unknown()).default({}),
  DependsOn: z
    .union([z.string(), z.array(z.string())])
    .transform((value) => (typeof value === "string" ? [value] : value))
    .default([]),
  DeletionPolicy: z.string().optional(),
  UpdateReplacePolicy: z.string().optional(),
});
const templateSchema = z.looseObject({ Resources: z.record(z.string(), resourceSchema) });
export type TemplateResource = z.output<typeof resourceSchema>;

const intrinsicSchema = z.record(z.string(), z.unknown());

const PSEUDO_PARAMETERS: Readonly<Record<string, string>> = {
  "AWS::AccountId": ACCOUNT,
  "AWS::Region": REGION,
  "AWS::Partition": "aws",
  "AWS::URLSuffix": "amazonaws.com",
  "AWS::StackId": `arn:aws:cloudformation:${REGION}:${ACCOUNT}:stack/sluice-core/0a1b2c3d-0000-1111-2222-333344445555`,
};

/** Secrets Manager ends the ARN of a secret with six characters of its own. */
const SECRET_SUFFIX = "-AbCdEf";

interface Identity {
  readonly ref: string;
  readonly arn: string;
}

const arn = (service: string, resource: string, region = REGION, account = ACCOUNT): string =>
  `arn:aws:${service}:${region}:${account}:${resource}`;

/** What `Ref` and `Fn::GetAtt …Arn` of a resource are, by its type and the name it is given, or else its logical id. */
const IDENTITIES: Readonly<
  Record<string, (named: (property: string) => string, id: string) => Identity>
> = {
  "AWS::S3::Bucket": (named) => {
    const ref = named("BucketName").toLowerCase();
    return { ref, arn: `arn:aws:s3:::${ref}` };
  },
  "AWS::DynamoDB::Table": (named) => of("dynamodb", "table/", named("TableName")),
  "AWS::Lambda::Function": (named) => of("lambda", "function:", named("FunctionName")),
  "AWS::IAM::Role": (named) => {
    const ref = named("RoleName");
    return { ref, arn: arn("iam", `role/${ref}`, "") };
  },
  "AWS::StepFunctions::StateMachine": (named) => {
    const own = of("states", "stateMachine:", named("StateMachineName"));
    return { ...own, ref: own.arn };
  },
  "AWS::SNS::Topic": (named) => {
    const own = of("sns", "", named("TopicName"));
    return { ...own, ref: own.arn };
  },
  "AWS::SecretsManager::Secret": (named) => {
    const own = of("secretsmanager", "secret:", named("Name") + SECRET_SUFFIX);
    return { ...own, ref: own.arn };
  },
  "AWS::Logs::LogGroup": (named) => {
    const own = of("logs", "log-group:", named("LogGroupName"));
    return { ...own, arn: `${own.arn}:*` };
  },
  "AWS::RedshiftServerless::Namespace": (named) =>
    of("redshift-serverless", "namespace/", named("NamespaceName")),
  "AWS::RedshiftServerless::Workgroup": (named) =>
    of("redshift-serverless", "workgroup/", named("WorkgroupName")),
  "AWS::KMS::Key": (_, id) => of("kms", "key/", id),
  "AWS::Glue::Job": (named) => of("glue", "job/", named("Name")),
};

function of(service: string, prefix: string, ref: string): Identity {
  return { ref, arn: arn(service, prefix + ref) };
}

/** Attributes that are a resource's ARN. */
const ARN_ATTRIBUTES = new Set(["Arn", "TopicArn", "Workgroup.WorkgroupArn"]);

/**
 * AWS's own policies that roles have, as their pages in the AWS Managed Policy Reference Guide say.
 * https://docs.aws.amazon.com/aws-managed-policy/latest/reference/AWSLambdaENIManagementAccess.html
 */
const MANAGED: Readonly<Record<string, unknown>> = {
  "arn:aws:iam::aws:policy/service-role/AWSLambdaENIManagementAccess": {
    Version: "2012-10-17",
    Statement: [
      {
        Effect: "Allow",
        Action: [
          "ec2:CreateNetworkInterface",
          "ec2:DescribeNetworkInterfaces",
          "ec2:DeleteNetworkInterface",
          "ec2:AssignPrivateIpAddresses",
          "ec2:UnassignPrivateIpAddresses",
        ],
        Resource: "*",
      },
    ],
  },
};

export class SynthesizedTemplate {
  readonly resources: Readonly<Record<string, TemplateResource>>;

  /** @param template as `Template.toJSON` gives it */
  constructor(template: unknown) {
    this.resources = templateSchema.parse(template).Resources;
  }

  /** Logical ids and resources of a type. */
  ofType(type: string): [string, TemplateResource][] {
    return Object.entries(this.resources).filter(([, resource]) => resource.Type === type);
  }

  /**
   * A value of the template with its intrinsic functions replaced by what they will be.
   * @throws Error for a function, type or attribute that is not known here
   */
  resolve(value: unknown): unknown {
    if (Array.isArray(value)) return value.map((item) => this.resolve(item));
    const parsed = intrinsicSchema.safeParse(value);
    if (!parsed.success) return value;
    const entries = Object.entries(parsed.data);
    const [[name, argument] = ["", undefined]] = entries;
    if (entries.length === 1 && name === "Ref") return this.#reference(z.string().parse(argument));
    if (entries.length === 1 && name.startsWith("Fn::")) return this.#call(name, argument);
    return Object.fromEntries(entries.map(([key, item]) => [key, this.resolve(item)]));
  }

  text(value: unknown): string {
    return z.string().parse(this.resolve(value));
  }

  arnOf(logicalId: string): string {
    return this.#identity(logicalId).arn;
  }

  /** The logical id of the resource that an ARN is of. */
  idOf(wanted: string): string {
    const found = Object.entries(this.resources).find(
      ([id, { Type }]) => IDENTITIES[Type] !== undefined && this.arnOf(id) === wanted,
    );
    if (found === undefined) throw new Error(`no resource has the ARN ${wanted}`);
    return found[0];
  }

  /** All statements that a role has: its own, those of policies that name it, and those of AWS's own policies. */
  statementsOf(roleId: string): Statement[] {
    const role = this.resources[roleId];
    if (role?.Type !== "AWS::IAM::Role") throw new Error(`${roleId} is not a role`);
    const { Policies = [], ManagedPolicyArns = [] } = role.Properties;
    const inline = z.array(z.looseObject({ PolicyDocument: z.unknown() })).parse(Policies);
    const managed = z.array(z.unknown()).parse(ManagedPolicyArns);
    const attached = ["AWS::IAM::Policy", "AWS::IAM::ManagedPolicy"]
      .flatMap((type) => this.ofType(type))
      .filter(([, { Properties }]) =>
        z
          .array(z.unknown())
          .parse(Properties.Roles ?? [])
          .some((one) => this.text(one) === this.#identity(roleId).ref),
      );
    return [
      ...inline.map(({ PolicyDocument }) => PolicyDocument),
      ...attached.map(([, { Properties }]) => Properties.PolicyDocument),
      ...managed.map((one) => {
        const known = MANAGED[this.text(one)];
        if (known === undefined) throw new Error(`${this.text(one)} is not known here`);
        return known;
      }),
    ].flatMap((document) => this.#statements(document));
  }

  /** The statements of the policy of a bucket or topic. */
  resourceStatements(logicalId: string): Statement[] {
    const { ref } = this.#identity(logicalId);
    const buckets = this.ofType("AWS::S3::BucketPolicy").filter(
      ([, { Properties }]) => this.text(Properties.Bucket) === ref,
    );
    const topics = this.ofType("AWS::SNS::TopicPolicy").filter(([, { Properties }]) =>
      z
        .array(z.unknown())
        .parse(Properties.Topics)
        .some((topic) => this.text(topic) === ref),
    );
    return [...buckets, ...topics].flatMap(([, { Properties }]) =>
      this.#statements(Properties.PolicyDocument),
    );
  }

  #statements(document: unknown): Statement[] {
    return policySchema.parse(this.resolve(document)).Statement;
  }

  #identity(logicalId: string): Identity {
    const resource = this.resources[logicalId];
    const identify = IDENTITIES[resource?.Type ?? ""];
    if (resource === undefined || identify === undefined) {
      throw new Error(`what ${logicalId} (${resource?.Type ?? "missing"}) is called is not known`);
    }
    return identify((property) => {
      const given = resource.Properties[property];
      return given === undefined ? logicalId : this.text(given);
    }, logicalId);
  }

  #reference(name: string): string {
    return PSEUDO_PARAMETERS[name] ?? this.#identity(name).ref;
  }

  #call(name: string, argument: unknown): unknown {
    switch (name) {
      case "Fn::GetAtt": {
        const [logicalId, attribute] = z.tuple([z.string(), z.string()]).parse(argument);
        if (!ARN_ATTRIBUTES.has(attribute))
          throw new Error(`${logicalId}.${attribute} is not known`);
        return this.arnOf(logicalId);
      }
      case "Fn::Join": {
        const [separator, parts] = z.tuple([z.string(), z.array(z.unknown())]).parse(argument);
        return parts.map((part) => this.text(part)).join(separator);
      }
      case "Fn::Sub":
        return z
          .string()
          .parse(argument)
          .replaceAll(/\$\{([^}]+)\}/g, (_, variable: string) => this.#reference(variable));
      case "Fn::Select": {
        const [index, list] = z.tuple([z.coerce.number(), z.unknown()]).parse(argument);
        return z.array(z.string()).parse(this.resolve(list))[index];
      }
      case "Fn::Split": {
        const [separator, text] = z.tuple([z.string(), z.unknown()]).parse(argument);
        return this.text(text).split(separator);
      }
      default:
        throw new Error(`${name} is not resolved here`);
    }
  }
}
