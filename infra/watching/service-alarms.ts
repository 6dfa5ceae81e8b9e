import { Duration } from 'aws-cdk-lib';
import { Stats } from 'aws-cdk-lib/aws-cloudwatch';
import type { FargateService } from 'aws-cdk-lib/aws-ecs';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import { eventLoopLimitMs, serviceMetric } from '../shared/service-metrics';
import { ExplainedAlarm } from '../shared/explained-alarm';
import type { ExplainedAlarmProps } from '../shared/explained-alarm';

export interface ServiceAlarmsProps {
  readonly service: FargateService;
  /** Value of the Service dimension of the tasks' metrics. */
  readonly serviceName: string;
  /** Fewest tasks that must report; 0 where the service may run without tasks. */
  readonly minTasks: number;
  readonly topic: ITopic;
}

const minute = Duration.minutes(1);

/** Alarms on the metrics that tasks write. */
export class ServiceAlarms extends Construct {
  constructor(scope: Construct, id: string, props: ServiceAlarmsProps) {
    super(scope, id);
    const { service, serviceName, minTasks, topic } = props;
    const alarms: Record<string, Omit<ExplainedAlarmProps, 'topic'>> = {
      SlotsNearlyFull: {
        // An average: a single full task is no fault, because new streams go to the tasks that scaling adds.
        meaning: 'The fleet is nearly full and scaling does not keep up: new publishers may soon be turned away.',
        metric: serviceMetric(serviceName, 'SlotUtilization'),
        threshold: 85,
      },
      CpuHigh: {
        meaning: 'A task is short of CPU: its streams get delayed.',
        metric: service.metricCpuUtilization({ period: minute, statistic: Stats.MAXIMUM }),
        threshold: 85,
      },
      MemoryHigh: {
        meaning: 'A task is short of memory and may be killed with all its streams.',
        metric: service.metricMemoryUtilization({ period: minute, statistic: Stats.MAXIMUM }),
        threshold: 85,
      },
      EventLoopLag: {
        meaning: 'A task reacts late (99th percentile over 200 ms): pings and media of all its streams are late.',
        metric: serviceMetric(serviceName, 'EventLoopLagP99', Stats.MAXIMUM),
        threshold: eventLoopLimitMs,
      },
      RedisDisconnected: {
        meaning: 'A task has been without the command channel for a minute: it hears no orders and no other node.',
        metric: serviceMetric(serviceName, 'RedisDisconnectedSeconds', Stats.MAXIMUM),
        threshold: 60,
        periods: 2,
      },
      CallbackSlow: {
        meaning: 'Callbacks take over 3 s (99th percentile): publishers wait, and soon time out.',
        metric: serviceMetric(serviceName, 'CallbackLatency', Stats.percentile(99)),
        threshold: 3000,
      },
      CallbackDown: {
        meaning: 'Tasks have given up on the callback after failures in a row: publishers are told to try again.',
        metric: serviceMetric(serviceName, 'CallbackDown', Stats.MAXIMUM),
        threshold: 1,
        periods: 2,
      },
      CallbackDenied: {
        meaning: 'Many publishes are refused: wrong keys after a change, or somebody tries keys out.',
        metric: serviceMetric(serviceName, 'CallbackDenied', Stats.SUM),
        threshold: 60,
      },
      HandshakeFailures: {
        meaning: 'Many connections speak no RTMP: a port scan, or TLS on the plain port.',
        metric: serviceMetric(serviceName, 'HandshakeFailures', Stats.SUM),
        threshold: 300,
      },
      ProxyHeaderErrors: {
        meaning: 'Connections come without a valid PROXY header: the target groups and the service disagree about it.',
        metric: serviceMetric(serviceName, 'ProxyHeaderErrors', Stats.SUM),
        threshold: 10,
      },
      ProtectionFailing: {
        meaning: 'Tasks cannot get scale-in protection: a scale-in may take busy tasks.',
        metric: serviceMetric(serviceName, 'ProtectionFailures', Stats.SUM),
        threshold: 1,
        periods: 15,
      },
      StopBacklog: {
        meaning: 'Stop callbacks pile up: the callback does not answer them, and channels look live for longer.',
        metric: serviceMetric(serviceName, 'StopBacklog', Stats.MAXIMUM),
        threshold: 100,
        periods: 10,
      },
      LeaseConflicts: {
        meaning: 'Nodes disagree about who holds a channel: some publishers are being ended in favour of others.',
        metric: serviceMetric(serviceName, 'LeaseConflicts', Stats.SUM),
        threshold: 1,
        periods: 3,
      },
      ...(minTasks > 0 && {
        TasksMissing: {
          meaning: 'Fewer tasks report than must always run: a zone may be without one.',
          metric: serviceMetric(serviceName, 'SlotUtilization', Stats.SAMPLE_COUNT),
          threshold: minTasks,
          below: true,
          silence: 'ill',
        },
      }),
    };
    for (const [name, alarm] of Object.entries(alarms)) new ExplainedAlarm(this, name, { ...alarm, topic });
  }
}
