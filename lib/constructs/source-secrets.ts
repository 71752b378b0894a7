// A secret for each source, with its address and credentials, to be filled in by people.
import { RemovalPolicy, Validations } from "aws-cdk-lib";
import type { IGrantable } from "aws-cdk-lib/aws-iam";
import type { IKey } from "aws-cdk-lib/aws-kms";
import { Secret, type ISecret } from "aws-cdk-lib/aws-secretsmanager";
import { Construct } from "constructs";
import { resolveSource } from "../../catalog/resolve.ts";
import type { Source } from "../../catalog/table.ts";
import { allowSecret } from "./grants.ts";
import { retained, type Retained } from "./retained.ts";

export interface SourceSecretsProps {
  readonly deployment: string;
  readonly sources: readonly Source[];
  /** Without it Secrets Manager's own. */
  readonly encryptionKey: IKey | undefined;
}

export class SourceSecrets extends Construct {
  /** By the sources' names. */
  readonly secrets: ReadonlyMap<string, Secret>;
  readonly retained: readonly Retained[];

  constructor(scope: Construct, id: string, props: SourceSecretsProps) {
    super(scope, id);
    const { deployment, sources, encryptionKey } = props;
    const made = sources.map((source) => {
      const { name, system, secret: secretName } = resolveSource(source, deployment);
      const secret = new Secret(this, name, {
        secretName,
        removalPolicy: RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
        description: `Address and credentials of ${name} (${system}): fill it in after the first deploy`,
        ...(encryptionKey === undefined ? {} : { encryptionKey }),
      });
      Validations.of(secret).acknowledge({
        id: "AwsSolutions::AwsSolutions-SMG4",
        reason: "The source's own administrators rotate its password and put the new one here",
      });
      return { name, secret, retained: retained("secret", secretName, secret, { isData: false }) };
    });
    this.secrets = new Map(made.map(({ name, secret }) => [name, secret]));
    this.retained = made.map((one) => one.retained);
  }

  /** Lets a role read the secrets of all sources. */
  grantRead(grantee: IGrantable): void {
    // The assertion: Secret and ISecret differ in an optional property under exactOptionalPropertyTypes.
    for (const secret of this.secrets.values()) allowSecret(grantee, secret as ISecret);
  }
}
