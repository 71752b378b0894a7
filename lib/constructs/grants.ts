// How constructs grant: one statement in the fewest actions and resources. Where a resource must be a pattern, the
// reason for cdk-nag stands beside it.
import { Stack, Validations } from "aws-cdk-lib";
import { PolicyStatement, type IGrantable } from "aws-cdk-lib/aws-iam";
import type { IKey } from "aws-cdk-lib/aws-kms";
import type { ISecret } from "aws-cdk-lib/aws-secretsmanager";
import { Construct } from "constructs";
import { z } from "zod";

/** Conditions of a statement: of each operator the keys and what they must be. */
export type Conditions = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** Lets a role do something. */
export function allow(
  grantee: IGrantable,
  actions: readonly string[],
  resources: readonly string[],
  conditions: Conditions = {},
): void {
  grantee.grantPrincipal.addToPrincipalPolicy(
    new PolicyStatement({
      actions: [...actions],
      resources: [...resources],
      ...(Object.keys(conditions).length === 0 ? {} : { conditions }),
    }),
  );
}

/**
 * Records for cdk-nag why a resource in a role's policy is a pattern.
 * @param resource as it stands in the policy
 */
export function acknowledgePattern(grantee: IGrantable, resource: string, reason: string): void {
  const role = grantee.grantPrincipal;
  // Another kind of principal, such as a service, has no policy that cdk-nag reads.
  if (!Construct.isConstruct(role)) return;
  role.node.addValidation({
    // By now references to other stacks have the form that they have in the template.
    validate: () => {
      const name = nagName(Stack.of(role).resolve(resource));
      Validations.of(role).acknowledge({
        ...{ id: `AwsSolutions::AwsSolutions-IAM5[Resource::${name}]`, reason },
      });
      return [];
    },
  });
}

const joinSchema = z.object({ "Fn::Join": z.tuple([z.string(), z.array(z.unknown())]) });
const attributeSchema = z.object({ "Fn::GetAtt": z.tuple([z.string(), z.string()]) });
const substitutionSchema = z.object({ "Fn::Sub": z.string() });
const importSchema = z.object({ "Fn::ImportValue": z.string() });
const referenceSchema = z.object({ Ref: z.string() });

/** A resource of a template as cdk-nag names it: references are written `<LogicalId.Arn>` and `<AWS::Region>`. */
function nagName(value: unknown): string {
  if (typeof value === "string") return value;
  const join = joinSchema.safeParse(value).data?.["Fn::Join"];
  if (join !== undefined) return join[1].map(nagName).join(join[0]);
  const attribute = attributeSchema.safeParse(value).data?.["Fn::GetAtt"];
  if (attribute !== undefined) return `<${attribute.join(".")}>`;
  const substitution = substitutionSchema.safeParse(value).data?.["Fn::Sub"];
  if (substitution !== undefined) return substitution.replaceAll("${", "<").replaceAll("}", ">");
  const imported = importSchema.safeParse(value).data?.["Fn::ImportValue"];
  if (imported !== undefined) return imported;
  return `<${referenceSchema.parse(value).Ref}>`;
}

const KEY_ACTIONS = {
  read: ["kms:Decrypt", "kms:DescribeKey"],
  write: [
    ...["kms:Encrypt", "kms:ReEncryptFrom", "kms:ReEncryptTo"],
    ...["kms:GenerateDataKey", "kms:GenerateDataKeyWithoutPlaintext"],
  ],
} as const;

/** Lets a role read a secret, and decrypt it where it has a customer managed key. */
export function allowSecret(grantee: IGrantable, secret: ISecret): void {
  secret.grantRead(grantee);
  // CDK's own grant says so in the policy of a key that the app makes, but not of one that is there already.
  if (secret.encryptionKey !== undefined) {
    allowKey(grantee, secret.encryptionKey, "secretsmanager", ["read"]);
  }
}

/** Lets a role use a key through one service alone, not by itself. */
export function allowKey(
  grantee: IGrantable,
  key: IKey,
  service: "s3" | "dynamodb" | "secretsmanager",
  uses: readonly (keyof typeof KEY_ACTIONS)[],
): void {
  const { region, urlSuffix } = Stack.of(key);
  allow(
    grantee,
    uses.flatMap((use) => KEY_ACTIONS[use]),
    [key.keyArn],
    { StringEquals: { "kms:ViaService": `${service}.${region}.${urlSuffix}` } },
  );
}
