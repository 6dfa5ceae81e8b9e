import { Duration } from 'aws-cdk-lib';
import { Metric, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import { Rule, Schedule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import { metricNamespace } from '../service-metrics';
import { ExplainedAlarm } from './explained-alarm';
import { FleetFunction } from './fleet-function';
import { allowReading } from './read-secret';

export interface CanaryTarget {
  /** Names the listener in metric and alarm. */
  readonly name: string;
  /** `rtmp://host:port` or `rtmps://host:port`. */
  readonly url: string;
}

export interface CanaryProps {
  readonly targets: readonly CanaryTarget[];
  /** JSON with `channel` and `key`. */
  readonly key: ISecret;
  readonly every: Duration;
  /** Value of the Service dimension of its metrics. */
  readonly serviceName: string;
  readonly logRetentionDays: number;
  readonly topic: ITopic;
}

/** Publishes two seconds through each public listener and plays them back, as a streamer would, again and again. */
export class Canary extends Construct {
  readonly function: FleetFunction;

  constructor(scope: Construct, id: string, props: CanaryProps) {
    super(scope, id);
    const { targets, key, every, serviceName } = props;
    this.function = new FleetFunction(this, 'Function', {
      source: 'lambdas/canary',
      description: 'Publishes to the RTMP fleet through its public address and plays it back',
      timeout: Duration.seconds(60),
      logRetentionDays: props.logRetentionDays,
      environment: {
        CANARY_TARGETS: JSON.stringify(targets),
        CANARY_KEY_ARN: key.secretArn,
        METRIC_NAMESPACE: metricNamespace,
        METRICS_SERVICE: serviceName,
      },
    });
    allowReading(key, this.function);
    new Rule(this, 'Schedule', {
      description: 'Runs the canary of the RTMP fleet',
      schedule: Schedule.rate(every),
      // A run that failed is a result: trying it again would hide it.
      targets: [new LambdaFunction(this.function, { retryAttempts: 0, maxEventAge: Duration.minutes(1) })],
    });
    for (const target of targets) {
      new ExplainedAlarm(this, `CanaryFailed-${target.name}`, {
        meaning: `Publishing and playing through ${target.name} does not work from outside.`,
        metric: new Metric({
          namespace: metricNamespace,
          metricName: 'CanarySuccess',
          dimensionsMap: { Service: serviceName, Target: target.name },
          statistic: Stats.MINIMUM,
          period: every,
        }),
        threshold: 1,
        below: true,
        periods: 2,
        ringWhenSilent: true,
        topic: props.topic,
      });
    }
  }
}
