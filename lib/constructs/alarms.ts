// CloudWatch's alarms, which docs/architecture.md lists.
import { Duration } from "aws-cdk-lib";
import {
  Alarm,
  ComparisonOperator,
  Stats,
  TreatMissingData,
  type AlarmProps,
} from "aws-cdk-lib/aws-cloudwatch";
import { SnsAction } from "aws-cdk-lib/aws-cloudwatch-actions";
import type { IFunction } from "aws-cdk-lib/aws-lambda";
import type { ITopic } from "aws-cdk-lib/aws-sns";
import type { StateMachine } from "aws-cdk-lib/aws-stepfunctions";
import { Construct } from "constructs";

export interface AlarmsProps {
  readonly machine: StateMachine;
  readonly report: IFunction;
  readonly topic: ITopic;
  /** Hours without a run that succeeded after which there is an alarm; undefined where no runs are to be expected. */
  readonly afterHours: number | undefined;
}

export class Alarms extends Construct {
  readonly #topic: ITopic;

  constructor(scope: Construct, id: string, { machine, report, topic, afterHours }: AlarmsProps) {
    super(scope, id);
    this.#topic = topic;
    const ended = "A run of Sluice did not end well: see its run record";
    const happened = {
      RunsFailed: [machine.metricFailed(), ended],
      RunsTimedOut: [machine.metricTimedOut(), ended],
      RunsAborted: [machine.metricAborted(), ended],
      ReportFails: [
        report.metricErrors(),
        "Sluice's Report fails: runs leave no record, and alerts are not sent. See its log group",
      ],
    } as const;
    for (const [name, [metric, alarmDescription]] of Object.entries(happened)) {
      this.#alarm(name, {
        metric,
        threshold: 1,
        evaluationPeriods: 1,
        comparisonOperator: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
        treatMissingData: TreatMissingData.NOT_BREACHING,
        alarmDescription,
      });
    }
    if (afterHours === undefined) return;
    this.#alarm("NoRunSucceeded", {
      // Hour by hour: CloudWatch takes periods of an hour or more for up to seven days together.
      metric: machine.metricSucceeded({ period: Duration.hours(1), statistic: Stats.SUM }),
      threshold: 1,
      evaluationPeriods: afterHours,
      comparisonOperator: ComparisonOperator.LESS_THAN_THRESHOLD,
      // Where nothing succeeds there is no data.
      treatMissingData: TreatMissingData.BREACHING,
      alarmDescription: `No run of Sluice succeeded in ${afterHours} hours: see the newest run records, or whether the schedule starts runs`,
    });
  }

  #alarm(id: string, props: AlarmProps): void {
    new Alarm(this, id, props).addAlarmAction(new SnsAction(this.#topic));
  }
}
