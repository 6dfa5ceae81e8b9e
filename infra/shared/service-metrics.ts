import { Duration } from 'aws-cdk-lib';
import { Metric, Stats } from 'aws-cdk-lib/aws-cloudwatch';

/** Namespace of every metric that the service and the canary write. */
export const metricNamespace = 'RtmpFleet';

/** Name of the dimension that tells deployments in one account apart. */
export const serviceDimension = 'Service';

/** The metrics that each task writes once a minute as an embedded-metric line. */
export type ServiceMetricName =
  | 'ActivePublishers'
  | 'SlotUtilization'
  | 'IngestBytes'
  | 'HandshakeFailures'
  | 'ProxyHeaderErrors'
  | 'CallbackLatency'
  | 'CallbackDenied'
  | 'CallbackDown'
  | 'EventLoopLagP99'
  | 'RedisDisconnectedSeconds'
  | 'Draining'
  | 'ProtectionFailures'
  | 'StopBacklog'
  | 'LeaseConflicts'
  | 'OutputGaps'
  | 'RecordingsFailed'
  | 'RecordingsSpooling'
  | 'ForwardsFailing'
  | 'OutputsDown';

/** A metric of all tasks of a deployment together: `statistic` over the tasks' lines of each minute. */
export function serviceMetric(
  service: string,
  metricName: ServiceMetricName,
  statistic: string = Stats.AVERAGE,
): Metric {
  return new Metric({
    namespace: metricNamespace,
    metricName,
    dimensionsMap: { [serviceDimension]: service },
    statistic,
    period: Duration.minutes(1),
  });
}

/** From this delay on, a task reacts too late for live media (ms, 99th percentile of its event loop's delay). */
export const eventLoopLimitMs = 200;

/**
 * Name of a listener in the canary's metrics, which have no other dimension to tell deployments in one account apart.
 */
export function canaryTargetName(service: string, listener: string): string {
  return `${service}.${listener}`;
}

/** 1 when the canary's round trip through a listener succeeded, else 0; one value per run. */
export function canarySuccess(service: string, listener: string, every: Duration): Metric {
  return new Metric({
    namespace: metricNamespace,
    metricName: 'CanarySuccess',
    dimensionsMap: { Listener: canaryTargetName(service, listener) },
    statistic: Stats.MINIMUM,
    period: every,
  });
}
