import { Duration } from 'aws-cdk-lib';
import { MathExpression, Metric, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import type { IMetric } from 'aws-cdk-lib/aws-cloudwatch';
import type { NetworkLoadBalancer, NetworkTargetGroup } from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import { ExplainedAlarm } from '../shared/explained-alarm';

export interface IngestAlarmsProps {
  readonly loadBalancer: NetworkLoadBalancer;
  /** The target groups of each listener, by its name: one, or two with blue/green deploys. */
  readonly targetGroups: Readonly<Record<string, readonly NetworkTargetGroup[]>>;
  /** Names of the zones that take streams, in their order. */
  readonly zones: readonly string[];
  /** Whether the service may run without any task. */
  readonly mayBeEmpty: boolean;
  readonly topic: ITopic;
}

const minute = Duration.minutes(1);

/** Alarms on the load balancer's metrics about tasks and streams. */
export class IngestAlarms extends Construct {
  constructor(scope: Construct, id: string, props: IngestAlarmsProps) {
    super(scope, id);
    const { loadBalancer, zones, topic } = props;
    for (const [listener, groups] of Object.entries(props.targetGroups)) {
      new ExplainedAlarm(this, `UnhealthyTargets-${listener}`, {
        meaning: `A task behind ${listener} fails its health check: it is being replaced, with the streams it carries.`,
        metric: largestOf(groups.map((group) => targets('UnHealthyHostCount', Stats.MAXIMUM, loadBalancer, group))),
        threshold: 1,
        // ECS replaces such a task within a minute or two: there are never five bad minutes in a row.
        periods: 1,
        topic,
      });
      if (props.mayBeEmpty) continue;
      for (const [index, zone] of zones.entries()) {
        new ExplainedAlarm(this, `HealthyTargetsMissing-${listener}-${index + 1}`, {
          meaning: `A zone has no healthy task behind ${listener}, and refuses its streamers.`,
          metric: largestOf(groups.map((group) => healthyIn(zone, loadBalancer, group))),
          threshold: 1,
          below: true,
          silence: 'ill',
          topic,
        });
      }
    }
    new ExplainedAlarm(this, 'BalancerResets', {
      meaning: 'The load balancer resets many flows: idle ones, or those of tasks that are gone.',
      metric: loadBalancer.metrics.tcpElbResetCount({ period: minute, statistic: Stats.SUM }),
      threshold: 100,
      topic,
    });
  }
}

/**
 * Each zone of the load balancer counts only its own hosts, as there is no traffic between zones: the minimum over all
 * zones is the count of one zone, and says nothing about the others.
 */
function healthyIn(zone: string, loadBalancer: NetworkLoadBalancer, group: NetworkTargetGroup): IMetric {
  const everywhere = targets('HealthyHostCount', Stats.MINIMUM, loadBalancer, group);
  return everywhere.with({ dimensionsMap: { ...everywhere.dimensions, AvailabilityZone: zone } });
}

/** Built from the two names: CDK's own metric would take the load balancer's name from a listener of another stack. */
function targets(
  metricName: string,
  statistic: string,
  { loadBalancerFullName }: NetworkLoadBalancer,
  { targetGroupFullName }: NetworkTargetGroup,
): Metric {
  return new Metric({
    namespace: 'AWS/NetworkELB',
    metricName,
    dimensionsMap: { LoadBalancer: loadBalancerFullName, TargetGroup: targetGroupFullName },
    statistic,
    period: minute,
  });
}

/** With blue/green deploys one group of the pair is empty, so the larger value counts. */
function largestOf(metrics: readonly IMetric[]): IMetric {
  const [first, ...others] = metrics;
  if (first !== undefined && others.length === 0) return first;
  const usingMetrics = Object.fromEntries(metrics.map((metric, index) => [`group${index}`, metric]));
  return new MathExpression({ expression: 'MAX(METRICS())', usingMetrics, period: minute });
}
