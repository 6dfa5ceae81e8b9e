import { Alarm, ComparisonOperator, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import type { IMetric } from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import type { Construct } from 'constructs';

const silences = {
  well: TreatMissingData.NOT_BREACHING,
  ill: TreatMissingData.BREACHING,
  nothing: TreatMissingData.IGNORE,
} as const;

export interface ExplainedAlarmProps {
  readonly metric: IMetric;
  /** What the alarm means, in one sentence; infra/README.md says what to do. */
  readonly meaning: string;
  readonly topic: ITopic;
  /** The alarm goes off at this value and above, or below it with `below`. */
  readonly threshold: number;
  /** @default false */
  readonly below?: boolean;
  /** Periods of the metric in a row that must be bad. @default 5 */
  readonly periods?: number;
  /** What missing data means: that all is well, that it is not, or nothing. @default 'well' */
  readonly silence?: keyof typeof silences;
}

/** An alarm that explains its meaning, and that also notifies when it is over. */
export class ExplainedAlarm extends Alarm {
  constructor(scope: Construct, id: string, props: ExplainedAlarmProps) {
    super(scope, id, {
      metric: props.metric,
      threshold: props.threshold,
      comparisonOperator: props.below
        ? ComparisonOperator.LESS_THAN_THRESHOLD
        : ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      evaluationPeriods: props.periods ?? 5,
      treatMissingData: silences[props.silence ?? 'well'],
      alarmDescription: `${props.meaning} What to do: infra/README.md, ${id}.`,
    });
    const action = new SnsAction(props.topic);
    this.addAlarmAction(action);
    this.addOkAction(action);
  }
}
