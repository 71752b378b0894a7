// What a platform team has already, and gives to Sluice in place of what it would make.
import { RemovalPolicy, type Stack } from "aws-cdk-lib";
import { SecurityGroup, SubnetType, Vpc, type IVpc } from "aws-cdk-lib/aws-ec2";
import { Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import { Key } from "aws-cdk-lib/aws-kms";
import { Bucket, BucketEncryption, type IBucket } from "aws-cdk-lib/aws-s3";
import { Secret, type ISecret } from "aws-cdk-lib/aws-secretsmanager";
import { Topic } from "aws-cdk-lib/aws-sns";
import type { SluiceProps } from "../../lib/sluice-props.ts";

/** ARN of a workgroup that is in no template. */
export const GIVEN_WORKGROUP =
  "arn:aws:redshift-serverless:eu-central-1:111122223333:workgroup/0a1b2c3d-0000-1111-2222-333344445555";

/** Makes all of it in a stack, with ids that begin with `Given`. */
export function givenResources(stack: Stack) {
  const encryptionKey = new Key(stack, "GivenKey", {
    enableKeyRotation: true,
    removalPolicy: RemovalPolicy.DESTROY,
  });
  const bucket = new Bucket(stack, "GivenBucket", {
    encryption: BucketEncryption.KMS,
    encryptionKey,
    enforceSSL: true,
  });
  // The assertions: CDK's classes and interfaces differ in optional properties under exactOptionalPropertyTypes.
  const vpc = new Vpc(stack, "GivenVpc", {
    availabilityZones: ["a", "b", "c"].map((zone) => `eu-central-1${zone}`),
    subnetConfiguration: [{ name: "Data", subnetType: SubnetType.PRIVATE_ISOLATED }],
    restrictDefaultSecurityGroup: false,
  }) as IVpc;
  const secret = new Secret(stack, "GivenLoader", { secretName: "platform/loader" });
  return {
    encryptionKey,
    bucket: bucket as IBucket,
    vpc,
    vpcSubnets: { subnetType: SubnetType.PRIVATE_ISOLATED },
    securityGroups: [new SecurityGroup(stack, "GivenGroup", { vpc })],
    topic: new Topic(stack, "GivenTopic", { enforceSSL: true }),
    warehouse: {
      workgroupName: "analytics",
      workgroupArn: GIVEN_WORKGROUP,
      database: "sluice",
      secret: secret as ISecret,
      copyRole: new Role(stack, "GivenCopyRole", {
        assumedBy: new ServicePrincipal("redshift-serverless.amazonaws.com"),
      }),
    },
  } satisfies Partial<SluiceProps>;
}
