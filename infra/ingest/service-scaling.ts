import { Duration, TimeZone } from 'aws-cdk-lib';
import { Schedule } from 'aws-cdk-lib/aws-applicationautoscaling';
import type { FargateService } from 'aws-cdk-lib/aws-ecs';
import { Construct } from 'constructs';
import type { DeploymentConfig } from '../config/deployment-config';
import { serviceMetric } from '../shared/service-metrics';

export interface ServiceScalingProps {
  readonly config: Pick<
    DeploymentConfig,
    'maxTasks' | 'minTasks' | 'scaleSchedule' | 'scaleTimeZone' | 'targetUtilization'
  >;
  readonly service: FargateService;
  /** Value of the Service dimension of the tasks' metrics. */
  readonly serviceName: string;
}

/** How many tasks run. The highest of several targets wins, so that free slots do not hide a busy CPU. */
export class ServiceScaling extends Construct {
  constructor(scope: Construct, id: string, props: ServiceScalingProps) {
    super(scope, id);
    const { config, service, serviceName } = props;
    const tasks = service.autoScaleTaskCount({ minCapacity: config.minTasks, maxCapacity: config.maxTasks });
    const cooldowns = { scaleOutCooldown: Duration.minutes(1), scaleInCooldown: Duration.minutes(10) };
    // The average over the tasks' lines is how full the fleet is; tasks that drain no longer write one.
    tasks.scaleToTrackCustomMetric('Slots', {
      metric: serviceMetric(serviceName, 'SlotUtilization'),
      targetValue: config.targetUtilization,
      ...cooldowns,
    });
    tasks.scaleOnCpuUtilization('Cpu', { targetUtilizationPercent: config.targetUtilization, ...cooldowns });
    config.scaleSchedule?.forEach((entry, index) => {
      tasks.scaleOnSchedule(`Schedule${index + 1}`, {
        schedule: Schedule.expression(entry.cron),
        timeZone: TimeZone.of(config.scaleTimeZone),
        minCapacity: entry.minTasks,
        maxCapacity: entry.maxTasks,
      });
    });
  }
}
