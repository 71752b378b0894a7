// The first resource of a deployment: looks whether an earlier one left something under the names that come after it.
import { ArnFormat, CfnResource, CustomResource, Duration, Stack } from "aws-cdk-lib";
import { Construct } from "constructs";
import type { RetainedKind, RetainedName } from "../../functions/preflight/names.ts";
import { acknowledgePattern, allow } from "./grants.ts";
import { PipelineFunction } from "./pipeline-function.ts";
import type { Retained } from "./retained.ts";

/** Longer than the function may take. */
const SERVICE_TIMEOUT_SECONDS = 180;

export interface PreflightProps {
  readonly deployment: string;
  /** The deployment takes over what an earlier one left. */
  readonly adopt: boolean;
  /** All that `cdk destroy` would leave. */
  readonly retained: readonly Retained[];
}

export class Preflight extends Construct {
  readonly #retained: readonly Retained[];
  readonly #fn: PipelineFunction;
  readonly #check: CustomResource;

  constructor(scope: Construct, id: string, { deployment, adopt, retained }: PreflightProps) {
    super(scope, id);
    this.#retained = retained;
    this.#fn = new PipelineFunction(this, "Function", {
      name: "preflight",
      description: "Looks whether an earlier deployment left something under the same names",
      deployment,
      timeoutSeconds: 60,
      memoryMegabytes: 256,
      environment: {},
    });
    this.#allowLooking(deployment);
    const names = retained.map(({ kind, name, resource, isData }): RetainedName => ({
      kind,
      name,
      logicalId: resource.logicalId,
      isData: isData ? "true" : "false",
    }));
    this.#check = new CustomResource(this, "Check", {
      serviceToken: this.#fn.functionArn,
      serviceTimeout: Duration.seconds(SERVICE_TIMEOUT_SECONDS),
      properties: { names, adopt: String(adopt) },
    });
    // The role's policies too, which a reference to the function does not wait for.
    this.#check.node.addDependency(this.#fn);
  }

  /** Has everything else in a scope come after the preflight. To be called when all of it is there. */
  precede(scope: Construct): void {
    const check = this.#check.node.defaultChild;
    if (!CfnResource.isCfnResource(check)) throw new Error(`${this.node.path} has no check`);
    const importing = this.node.tryGetContext("import") === "true";
    const retained = new Set<unknown>(this.#retained.map(({ resource }) => resource));
    for (const other of scope.node.findAll()) {
      if (!CfnResource.isCfnResource(other) || other.node.scopes.includes(this)) continue;
      if (other.stack !== Stack.of(this)) continue;
      // An import takes resources alone, which must not depend on what is made later.
      if (importing && retained.has(other)) continue;
      other.addResourceDependency(check);
    }
  }

  /** By names, not by references: what is named does not exist yet. */
  #allowLooking(deployment: string): void {
    const stack = Stack.of(this);
    const arns = (kind: RetainedKind, arn: (name: string) => string): string[] =>
      this.#retained.filter((one) => one.kind === kind).map(({ name }) => arn(name));
    const buckets = arns("bucket", (name) => `arn:${stack.partition}:s3:::${name}`);
    if (buckets.length > 0) {
      // Whether there is such a bucket, not what is in it.
      allow(this.#fn, ["s3:ListBucket"], buckets, { Null: { "s3:prefix": "true" } });
    }
    allow(
      this.#fn,
      ["dynamodb:DescribeTable"],
      arns("table", (resourceName) =>
        stack.formatArn({ service: "dynamodb", resource: "table", resourceName }),
      ),
    );
    allow(
      this.#fn,
      ["glue:GetDatabase"],
      [
        stack.formatArn({ service: "glue", resource: "catalog" }),
        ...arns("database", (resourceName) =>
          stack.formatArn({ service: "glue", resource: "database", resourceName }),
        ),
      ],
    );
    const secrets = stack.formatArn({
      service: "secretsmanager",
      resource: "secret",
      resourceName: `${deployment}/*`,
      arnFormat: ArnFormat.COLON_RESOURCE_NAME,
    });
    allow(this.#fn, ["secretsmanager:DescribeSecret"], [secrets]);
    acknowledgePattern(
      this.#fn,
      secrets,
      "The deployment's own secrets; Secrets Manager ends their ARNs with characters of its own",
    );
  }
}
