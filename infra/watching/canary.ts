import { Duration, Stack } from 'aws-cdk-lib';
import { Rule, Schedule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets';
import type { ITableV2 } from 'aws-cdk-lib/aws-dynamodb';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import type { RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { canarySuccess, canaryTargetName, metricNamespace } from '../shared/service-metrics';
import { ExplainedAlarm } from '../shared/explained-alarm';
import { FleetFunction } from '../shared/fleet-function';
import { allowReading } from '../shared/read-secret';

/** The channel that the canary publishes on; it is named in the canary's secret and reserved for the canary. */
export const canaryChannel = 'canary';

export interface CanaryTarget {
  /** Names the listener in its alarm. */
  readonly listener: string;
  /** `rtmp://host:port` or `rtmps://host:port`. */
  readonly url: string;
}

export interface CanaryProps {
  readonly targets: readonly CanaryTarget[];
  /** JSON with `channel` and `key`. */
  readonly key: ISecret;
  /** Where the canary registers its key for its channel. @default - the external callback handler knows the key */
  readonly keys?: { readonly table: ITableV2; readonly pepper: ISecret };
  readonly every: Duration;
  /** The start of the names in its metrics' Listener dimension. */
  readonly serviceName: string;
  readonly logRetentionDays: RetentionDays;
  readonly topic: ITopic;
}

/** At intervals, publishes two seconds through each public listener and plays them back, as a streamer would. */
export class Canary extends Construct {
  readonly function: FleetFunction;

  constructor(scope: Construct, id: string, props: CanaryProps) {
    super(scope, id);
    const { key, every, serviceName } = props;
    const targets = props.targets.map(({ listener, url }) => ({
      listener,
      name: canaryTargetName(serviceName, listener),
      url,
    }));
    this.function = new FleetFunction(this, 'Function', {
      source: 'lambdas/canary',
      description: 'Publishes to the RTMP fleet through its public address and plays it back',
      // One listener after the other, each for 12 s at most.
      timeout: Duration.seconds(30 + 15 * targets.length),
      logRetentionDays: props.logRetentionDays,
      environment: {
        CANARY_TARGETS: Stack.of(this).toJsonString(targets.map(({ name, url }) => ({ name, url }))),
        CANARY_KEY_ARN: key.secretArn,
        METRIC_NAMESPACE: metricNamespace,
        ...(props.keys && { TABLE_NAME: props.keys.table.tableName, KEY_PEPPER_ARN: props.keys.pepper.secretArn }),
      },
    });
    // A failed run is a result: a retry would hide it. Lambda would, and so would the schedule.
    this.function.configureAsyncInvoke({ retryAttempts: 0, maxEventAge: Duration.minutes(1) });
    allowReading(key, this.function);
    if (props.keys !== undefined) this.allowRegistering(props.keys);
    new Rule(this, 'Schedule', {
      description: 'Runs the canary of the RTMP fleet',
      schedule: Schedule.rate(every),
      targets: [new LambdaFunction(this.function, { retryAttempts: 0, maxEventAge: Duration.minutes(1) })],
    });
    for (const target of targets) {
      new ExplainedAlarm(this, `CanaryFailed-${target.listener}`, {
        meaning: `Publishing and playing through ${target.listener} does not work from outside.`,
        metric: canarySuccess(serviceName, target.listener, every),
        threshold: 1,
        below: true,
        periods: 2,
        // Before the first run there is no data; a run that ends without a metric sets off FunctionErrors.
        silence: 'nothing',
        topic: props.topic,
      });
    }
  }

  /** Lets the canary write its own channel's item and no other. */
  private allowRegistering({ table, pepper }: NonNullable<CanaryProps['keys']>): void {
    this.function.addToRolePolicy(
      new PolicyStatement({
        actions: ['dynamodb:GetItem', 'dynamodb:PutItem', 'dynamodb:UpdateItem'],
        resources: [table.tableArn],
        conditions: { 'ForAllValues:StringEquals': { 'dynamodb:LeadingKeys': [`CH#${canaryChannel}`] } },
      }),
    );
    allowReading(pepper, this.function);
  }
}
