import { Duration } from 'aws-cdk-lib';
import { MathExpression, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import type { IMetric } from 'aws-cdk-lib/aws-cloudwatch';
import type { NetworkLoadBalancer, NetworkTargetGroup } from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import { ExplainedAlarm } from './explained-alarm';

export interface IngestAlarmsProps {
  readonly loadBalancer: NetworkLoadBalancer;
  /** The target groups of each listener, by its name: one, or two that take turns. */
  readonly targetGroups: Readonly<Record<string, readonly NetworkTargetGroup[]>>;
  /** Fewest healthy targets that a listener must have; 0 where the service may sleep. */
  readonly minTasks: number;
  readonly topic: ITopic;
}

const minute = Duration.minutes(1);

/** Alarms on what the load balancer sees of the tasks and of the streams. */
export class IngestAlarms extends Construct {
  constructor(scope: Construct, id: string, props: IngestAlarmsProps) {
    super(scope, id);
    const { loadBalancer, minTasks, topic } = props;
    for (const [listener, groups] of Object.entries(props.targetGroups)) {
      new ExplainedAlarm(this, `UnhealthyTargets-${listener}`, {
        meaning: `A task behind ${listener} fails its health check: it is being replaced, with the streams it carries.`,
        metric: largestOf(
          groups.map((group) => group.metrics.unHealthyHostCount({ period: minute, statistic: Stats.MAXIMUM })),
        ),
        threshold: 1,
        topic,
      });
      if (minTasks === 0) continue;
      new ExplainedAlarm(this, `HealthyTargetsMissing-${listener}`, {
        meaning: `Too few healthy tasks behind ${listener}: a zone may refuse its streamers.`,
        metric: largestOf(
          groups.map((group) => group.metrics.healthyHostCount({ period: minute, statistic: Stats.MINIMUM })),
        ),
        threshold: minTasks,
        below: true,
        ringWhenSilent: true,
        topic,
      });
    }
    new ExplainedAlarm(this, 'BalancerResets', {
      meaning: 'The load balancer resets many flows: idle ones, or those of tasks that are gone.',
      metric: loadBalancer.metrics.tcpElbResetCount({ period: minute, statistic: Stats.SUM }),
      threshold: 100,
      topic,
    });
  }
}

/** With blue/green one group of the pair is empty; the larger figure is the one that counts. */
function largestOf(metrics: readonly IMetric[]): IMetric {
  const [first, ...others] = metrics;
  if (first !== undefined && others.length === 0) return first;
  const usingMetrics = Object.fromEntries(metrics.map((metric, index) => [`group${index}`, metric]));
  return new MathExpression({ expression: 'MAX(METRICS())', usingMetrics, period: minute });
}
