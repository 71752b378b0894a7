// The topic that alarms and Report's alerts go to.
import { ArnFormat, Stack } from "aws-cdk-lib";
import { PolicyStatement, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import { Topic, type ITopic } from "aws-cdk-lib/aws-sns";
import { EmailSubscription } from "aws-cdk-lib/aws-sns-subscriptions";
import { Construct } from "constructs";

export interface AlertTopicProps {
  /** In place of a topic that is made. */
  readonly given: ITopic | undefined;
  /** Subscribed to a topic that is made. */
  readonly email: string | undefined;
}

export class AlertTopic extends Construct {
  readonly topic: ITopic;

  constructor(scope: Construct, id: string, { given, email }: AlertTopicProps) {
    super(scope, id);
    this.topic = given ?? this.#make(email);
    // Each policy of a topic, such as one that requires TLS, takes the place of SNS's default policy.
    const stack = Stack.of(this);
    this.topic.addToResourcePolicy(
      new PolicyStatement({
        sid: "AlarmsOfThisAccount",
        principals: [new ServicePrincipal("cloudwatch.amazonaws.com")],
        actions: ["sns:Publish"],
        resources: [this.topic.topicArn],
        conditions: {
          StringEquals: { "aws:SourceAccount": stack.account },
          ArnLike: {
            "aws:SourceArn": stack.formatArn({
              service: "cloudwatch",
              resource: "alarm",
              resourceName: "*",
              arnFormat: ArnFormat.COLON_RESOURCE_NAME,
            }),
          },
        },
      }),
    );
  }

  #make(email: string | undefined): Topic {
    const topic = new Topic(this, "Topic", { enforceSSL: true, displayName: "Sluice alerts" });
    if (email !== undefined) topic.addSubscription(new EmailSubscription(email));
    return topic;
  }
}
