import { Duration } from 'aws-cdk-lib';
import { Alarm, ComparisonOperator, Stats, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { Construct } from 'constructs';
import { canarySuccess, eventLoopLimitMs, serviceMetric } from '../shared/service-metrics';
import type { DeploymentConfig } from '../config/deployment-config';

export interface DeploymentAlarmsProps {
  readonly config: Pick<DeploymentConfig, 'canary' | 'canaryMinutes'>;
  /** Value of the Service dimension of the tasks' metrics; the start of the alarms' names. */
  readonly serviceName: string;
  /** Names of the listeners. */
  readonly listeners: readonly string[];
}

/** A canary that runs less often is not among these alarms: every deploy would have to wait for it. */
const rarestCanaryMinutes = 5;

/**
 * The alarms that ECS watches while new tasks take over: a deploy that sets one of them off is rolled back. Their
 * periods decide how long ECS watches after the new tasks are healthy. These alarms notify nobody (those of the
 * Observability stack do). They count missing data as good, since there is none before the first deploy. They name no
 * resource, so that the service can be created after them.
 */
export class DeploymentAlarms extends Construct {
  readonly alarms: readonly Alarm[];
  readonly names: readonly string[];

  constructor(scope: Construct, id: string, props: DeploymentAlarmsProps) {
    super(scope, id);
    const { config, serviceName } = props;
    const watched = config.canary && config.canaryMinutes <= rarestCanaryMinutes ? props.listeners : [];
    const every = Duration.minutes(config.canaryMinutes);
    const canaries = watched.map((listener) => ({
      name: `${serviceName}-deploy-canary-${listener}`,
      metric: canarySuccess(serviceName, listener, every),
      threshold: 1,
      comparisonOperator: ComparisonOperator.LESS_THAN_THRESHOLD,
      evaluationPeriods: 2,
    }));
    const lag = {
      name: `${serviceName}-deploy-event-loop`,
      metric: serviceMetric(serviceName, 'EventLoopLagP99', Stats.MAXIMUM),
      threshold: eventLoopLimitMs,
      comparisonOperator: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      evaluationPeriods: 3,
    };
    const all = [lag, ...canaries];
    this.names = all.map(({ name }) => name);
    this.alarms = all.map(({ name, ...alarm }) => this.alarm(name, alarm));
  }

  private alarm(name: string, props: Omit<ConstructorParameters<typeof Alarm>[2], 'alarmName'>): Alarm {
    return new Alarm(this, name, {
      ...props,
      alarmName: name,
      treatMissingData: TreatMissingData.NOT_BREACHING,
      alarmDescription: 'Rolls back a deploy of the RTMP fleet during which it is raised; notifies nobody.',
    });
  }
}
