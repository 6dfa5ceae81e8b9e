import { Duration } from 'aws-cdk-lib';
import { Metric, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import { cacheGigabytes } from '../config/cache-load';
import { ExplainedAlarm } from '../shared/explained-alarm';

export interface CacheAlarmsProps {
  /** Name of the serverless cache. */
  readonly cacheName: string;
  /** Its cap (ECPU/s). */
  readonly ecpuPerSecond: number;
  readonly topic: ITopic;
}

/** AWS's advice: to be told at this part of a limit. */
const nearLimit = 0.75;
const minute = Duration.minutes(1);

/** Alarms on the limits of a serverless cache: at the first it refuses commands, at the second it forgets nodes. */
export class CacheAlarms extends Construct {
  constructor(scope: Construct, id: string, props: CacheAlarmsProps) {
    super(scope, id);
    const { cacheName, ecpuPerSecond, topic } = props;
    // Serverless caches report under this dimension, node-based ones under CacheClusterId.
    const common = { namespace: 'AWS/ElastiCache', dimensionsMap: { clusterId: cacheName }, period: minute };
    new ExplainedAlarm(this, 'CacheBusy', {
      meaning: 'The cache is asked nearly as much as its cap allows: beyond that it refuses, and takeovers fail.',
      metric: new Metric({ ...common, metricName: 'ElastiCacheProcessingUnits', statistic: Stats.SUM }),
      threshold: Math.round(nearLimit * ecpuPerSecond * minute.toSeconds()),
      periods: 3,
      topic,
    });
    new ExplainedAlarm(this, 'CacheThrottled', {
      meaning: 'The cache has refused commands: it is at its cap, or was asked more before it had grown.',
      metric: new Metric({ ...common, metricName: 'ThrottledCmds', statistic: Stats.SUM }),
      threshold: 1,
      periods: 1,
      topic,
    });
    new ExplainedAlarm(this, 'CacheFull', {
      meaning: 'The cache holds nearly as much as its cap allows: beyond that it forgets who is in the fleet.',
      metric: new Metric({ ...common, metricName: 'BytesUsedForCache', statistic: Stats.MAXIMUM }),
      threshold: Math.round(nearLimit * cacheGigabytes * 1e9),
      periods: 3,
      topic,
    });
  }
}
