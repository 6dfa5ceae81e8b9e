import { Stats } from 'aws-cdk-lib/aws-cloudwatch';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import { ExplainedAlarm } from '../shared/explained-alarm';
import type { ExplainedAlarmProps } from '../shared/explained-alarm';
import { serviceMetric } from '../shared/service-metrics';

export interface OutputAlarmsProps {
  /** Value of the Service dimension of the tasks' metrics. */
  readonly serviceName: string;
  readonly topic: ITopic;
}

/** Alarms on what nodes say of the outputs of their streams. */
export class OutputAlarms extends Construct {
  constructor(scope: Construct, id: string, { serviceName, topic }: OutputAlarmsProps) {
    super(scope, id);
    const alarms: Record<string, Omit<ExplainedAlarmProps, 'topic'>> = {
      OutputsDown: {
        meaning: "A task's outputs do not run: its streams are neither forwarded nor recorded nor packaged.",
        metric: serviceMetric(serviceName, 'OutputsDown', Stats.MAXIMUM),
        threshold: 1,
        periods: 3,
      },
      OutputsBehind: {
        meaning: 'Outputs leave out parts of their streams again and again: a container or a target is too slow.',
        metric: serviceMetric(serviceName, 'OutputGaps', Stats.SUM),
        threshold: 10,
      },
      RecordingFailed: {
        meaning: 'A recording ended before its stream did, or could not be stored.',
        metric: serviceMetric(serviceName, 'RecordingsFailed', Stats.SUM),
        threshold: 1,
        periods: 1,
      },
      RecordingsWaiting: {
        meaning: "Recordings wait on a task's disk because S3 does not take them; the disk is gone with the task.",
        metric: serviceMetric(serviceName, 'RecordingsSpooling', Stats.MAXIMUM),
        threshold: 1,
        periods: 10,
      },
      ForwardsFailing: {
        meaning: 'A target has not taken the stream that is forwarded to it for a quarter of an hour.',
        metric: serviceMetric(serviceName, 'ForwardsFailing', Stats.MAXIMUM),
        threshold: 1,
        periods: 15,
      },
    };
    for (const [name, alarm] of Object.entries(alarms)) new ExplainedAlarm(this, name, { ...alarm, topic });
  }
}
