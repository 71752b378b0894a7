// The first resource of a deployment: looks whether an earlier one left something under the names that come after it.
import { ArnFormat, CfnResource, CustomResource, Duration, Lazy, Stack } from "aws-cdk-lib";
import { PolicyStatement } from "aws-cdk-lib/aws-iam";
import { Construct } from "constructs";
import type { RetainedKind, RetainedName } from "../../functions/preflight/names.ts";
import { acknowledgePattern } from "./access.ts";
import { PipelineFunction } from "./pipeline-function.ts";

/** Longer than the function may take. */
const SERVICE_TIMEOUT_SECONDS = 180;

interface Retained {
  readonly kind: RetainedKind;
  readonly name: string;
  readonly resource: CfnResource;
  readonly isData: boolean;
}

export class Preflight extends Construct {
  readonly fn: PipelineFunction;
  readonly #retained: Retained[] = [];
  readonly #resource: CustomResource;

  constructor(scope: Construct, id: string, props: { deployment: string; adopt: boolean }) {
    super(scope, id);
    this.fn = new PipelineFunction(this, "Function", {
      name: "preflight",
      description: "Looks whether an earlier deployment left something under the same names",
      deployment: props.deployment,
      timeoutSeconds: 60,
      memoryMegabytes: 256,
      environment: {},
    });
    this.#resource = new CustomResource(this, "Check", {
      serviceToken: this.fn.functionArn,
      serviceTimeout: Duration.seconds(SERVICE_TIMEOUT_SECONDS),
      properties: {
        names: Lazy.any({ produce: () => this.#retained.map((one) => this.#told(one)) }),
        adopt: String(props.adopt),
      },
    });
    // The role's policies too, which a reference to the function does not wait for.
    this.#resource.node.addDependency(this.fn);
    this.#allowLooking(props.deployment);
  }

  /**
   * Has the preflight look for something that `cdk destroy` leaves, under a name that each deployment of this name has.
   * @param isData whether it is a part of the data that means nothing without the other parts
   */
  watch(kind: RetainedKind, name: string, construct: Construct, isData = false): void {
    const resource = CfnResource.isCfnResource(construct) ? construct : construct.node.defaultChild;
    if (!CfnResource.isCfnResource(resource)) {
      throw new Error(`${construct.node.path} is not one resource`);
    }
    this.#retained.push({ kind, name, resource, isData });
  }

  /** Has everything else of the stack come after the preflight. To be called when all of it is there. */
  precedeAll(): void {
    const check = this.#resource.node.defaultChild as CfnResource;
    const importing = this.node.tryGetContext("import") === "true";
    const retained = new Set<unknown>(this.#retained.map(({ resource }) => resource));
    for (const other of Stack.of(this).node.findAll()) {
      if (!CfnResource.isCfnResource(other) || other.node.scopes.includes(this)) continue;
      // An import takes resources alone, which must not depend on what is made later.
      if (importing && retained.has(other)) continue;
      other.addResourceDependency(check);
    }
  }

  #told({ kind, name, resource, isData }: Retained): RetainedName {
    const logicalId = Stack.of(this).getLogicalId(resource);
    return { kind, name, logicalId, isData: isData ? "true" : "false" };
  }

  /** By names, not by references: what is named does not exist yet. */
  #allowLooking(deployment: string): void {
    const stack = Stack.of(this);
    const names = (kind: RetainedKind): string[] =>
      this.#retained.filter((one) => one.kind === kind).map(({ name }) => name);
    const role = this.fn.ownRole;
    role.addToPolicy(
      new PolicyStatement({
        actions: ["s3:ListBucket"],
        resources: Lazy.list({
          produce: () => names("bucket").map((name) => `arn:${stack.partition}:s3:::${name}`),
        }),
        // Whether there is such a bucket, not what is in it.
        conditions: { Null: { "s3:prefix": "true" } },
      }),
    );
    role.addToPolicy(
      new PolicyStatement({
        actions: ["dynamodb:DescribeTable"],
        resources: Lazy.list({
          produce: () =>
            names("table").map((resourceName) =>
              stack.formatArn({ service: "dynamodb", resource: "table", resourceName }),
            ),
        }),
      }),
    );
    role.addToPolicy(
      new PolicyStatement({
        actions: ["glue:GetDatabase"],
        resources: Lazy.list({
          produce: () => [
            stack.formatArn({ service: "glue", resource: "catalog" }),
            ...names("database").map((resourceName) =>
              stack.formatArn({ service: "glue", resource: "database", resourceName }),
            ),
          ],
        }),
      }),
    );
    role.addToPolicy(
      new PolicyStatement({
        actions: ["secretsmanager:DescribeSecret"],
        resources: [
          stack.formatArn({
            service: "secretsmanager",
            resource: "secret",
            resourceName: `${deployment}/*`,
            arnFormat: ArnFormat.COLON_RESOURCE_NAME,
          }),
        ],
      }),
    );
    acknowledgePattern(
      role,
      `arn:<AWS::Partition>:secretsmanager:<AWS::Region>:<AWS::AccountId>:secret:${deployment}/*`,
      "The deployment's own secrets; Secrets Manager ends their ARNs with characters of its own",
    );
  }
}
