import type { NodeFigures } from './node-figures';

/** The CloudWatch namespace in which infra/ expects the figures of nodes. */
const NAMESPACE = 'RtmpFleet';
/** Most values of one metric that CloudWatch accepts in one line. */
const MAX_VALUES = 100;

export interface EmfIdentity {
  /** Value of the only dimension, `Service`: all nodes of a fleet have the same. */
  readonly service: string;
  /** Publishers that fill the node. */
  readonly slots: number;
}

type Unit = 'Bytes' | 'Count' | 'Milliseconds' | 'Percent' | 'Seconds';
type Metric = readonly [name: string, unit: Unit, value: number | readonly number[]];

/**
 * A node's figures as one line in CloudWatch's embedded metric format, from which CloudWatch Logs makes metrics. A
 * draining node reports no slot utilization: the average over all lines is how full the fleet is.
 */
export function emfLine(figures: NodeFigures, { service, slots }: EmfIdentity, nowMs: number): string {
  const metrics = metricsOf(figures, slots);
  return JSON.stringify({
    _aws: {
      Timestamp: nowMs,
      CloudWatchMetrics: [
        {
          Namespace: NAMESPACE,
          Dimensions: [['Service']],
          Metrics: metrics.map(([Name, Unit]) => ({ Name, Unit })),
        },
      ],
    },
    Service: service,
    ...Object.fromEntries(metrics.map(([name, , value]) => [name, value])),
  });
}

function metricsOf(figures: NodeFigures, slots: number): Metric[] {
  const { publishers, counts, callbackMs, draining, redisDisconnectedSeconds, outputs } = figures;
  const metrics: Metric[] = [
    ['ActivePublishers', 'Count', publishers],
    ['IngestBytes', 'Bytes', figures.ingestBytes],
    ['EventLoopLagP99', 'Milliseconds', rounded(figures.eventLoopLagMs)],
    ['StopBacklog', 'Count', figures.stopBacklog],
    ['Draining', 'Count', draining ? 1 : 0],
    ['CallbackDown', 'Count', figures.callbackDown ? 1 : 0],
    ...Object.entries(counts).map(([name, count]) => [name, 'Count', count] as const),
  ];
  if (outputs !== undefined) {
    metrics.push(
      ['OutputGaps', 'Count', outputs.gaps],
      ['RecordingsFailed', 'Count', outputs.recordingsFailed],
      ['RecordingsSpooling', 'Count', outputs.recordingsSpooling],
      ['ForwardsFailing', 'Count', outputs.forwardsFailing],
      ['OutputsDown', 'Count', outputs.down],
    );
  }
  if (!draining) metrics.push(['SlotUtilization', 'Percent', rounded((100 * publishers) / slots)]);
  if (callbackMs.length > 0) metrics.push(['CallbackLatency', 'Milliseconds', spread(callbackMs).map(rounded)]);
  if (redisDisconnectedSeconds !== undefined) {
    metrics.push(['RedisDisconnectedSeconds', 'Seconds', Math.round(redisDisconnectedSeconds)]);
  }
  return metrics;
}

/** If there are too many values, picks some evenly from the smallest to the largest. */
function spread(values: readonly number[]): readonly number[] {
  if (values.length <= MAX_VALUES) return values;
  const sorted = [...values].sort((a, b) => a - b);
  const step = (sorted.length - 1) / (MAX_VALUES - 1);
  return Array.from({ length: MAX_VALUES }, (_, i) => sorted[Math.round(i * step)] ?? 0);
}

function rounded(value: number): number {
  return Math.round(value * 10) / 10;
}
