import { Duration } from 'aws-cdk-lib';
import { Stats } from 'aws-cdk-lib/aws-cloudwatch';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import { ExplainedAlarm } from '../shared/explained-alarm';

export interface FunctionAlarmsProps {
  /** The functions, each under the name its alarms get. */
  readonly functions: Readonly<Record<string, IFunction>>;
  readonly topic: ITopic;
}

/** Two alarms for each Lambda function: it fails, or it is throttled. */
export class FunctionAlarms extends Construct {
  constructor(scope: Construct, id: string, props: FunctionAlarmsProps) {
    super(scope, id);
    const fiveMinutes = { period: Duration.minutes(5), statistic: Stats.SUM };
    for (const [name, lambda] of Object.entries(props.functions)) {
      const common = { threshold: 1, periods: 1, topic: props.topic };
      new ExplainedAlarm(this, `FunctionErrors-${name}`, {
        ...common,
        meaning: `The function ${name} failed or timed out; its log has the reason.`,
        metric: lambda.metricErrors(fiveMinutes),
      });
      new ExplainedAlarm(this, `FunctionThrottles-${name}`, {
        ...common,
        meaning: `Lambda turned calls of ${name} away: the account's or the function's concurrency is used up.`,
        metric: lambda.metricThrottles(fiveMinutes),
      });
    }
  }
}
