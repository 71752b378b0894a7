// The example of docs/deploying.md, In a CDK app of your own: the same text, with another catalog.
import { App, Stack, Tags } from "aws-cdk-lib";
import { Port, SecurityGroup, Vpc } from "aws-cdk-lib/aws-ec2";
import { Key } from "aws-cdk-lib/aws-kms";
import { Topic } from "aws-cdk-lib/aws-sns";
import { checkTemplates, Sluice } from "sluice/cdk";
import { catalog } from "../shop/index.ts";

const app = new App();
const stack = new Stack(app, "data-platform", {
  env: { account: "111122223333", region: "eu-central-1" },
});

const sluice = new Sluice(stack, "Sluice", {
  deployment: "analytics",
  catalog,
  enabled: false,
  schedule: "rate(1 hour)",
  vpc: Vpc.fromVpcAttributes(stack, "Vpc", {
    vpcId: "vpc-0123456789abcdef0",
    availabilityZones: ["eu-central-1a", "eu-central-1b", "eu-central-1c"],
    privateSubnetIds: [
      "subnet-0123456789abcdef0",
      "subnet-0123456789abcdef1",
      "subnet-0123456789abcdef2",
    ],
  }),
  encryptionKey: Key.fromKeyArn(
    stack,
    "Key",
    "arn:aws:kms:eu-central-1:111122223333:key/01234567-89ab-cdef-0123-456789abcdef",
  ),
  topic: Topic.fromTopicArn(stack, "OnCall", "arn:aws:sns:eu-central-1:111122223333:data-on-call"),
});
const search = SecurityGroup.fromSecurityGroupId(stack, "Search", "sg-0123456789abcdef0");
search.connections.allowFrom(sluice, Port.tcp(9200), "Sluice reads Elasticsearch");
Tags.of(sluice).add("team", "data-platform");

checkTemplates(app.synth());
