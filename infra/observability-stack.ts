import { CfnOutput, Duration, Stack } from 'aws-cdk-lib';
import type { StackProps } from 'aws-cdk-lib';
import type { IFunction } from 'aws-cdk-lib/aws-lambda';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import type { Construct } from 'constructs';
import { cacheCap } from './config/cache-load';
import { AlarmTopic } from './watching/alarm-topic';
import { CacheAlarms } from './watching/cache-alarms';
import { Canary } from './watching/canary';
import { FleetDashboard } from './watching/fleet-dashboard';
import type { FleetNetwork } from './shared/fleet-network';
import { FunctionAlarms } from './watching/function-alarms';
import { IngestAlarms } from './watching/ingest-alarms';
import { OutputAlarms } from './watching/output-alarms';
import { ServiceAlarms } from './watching/service-alarms';
import type { CallbackStack } from './callback-stack';
import type { DeploymentConfig } from './config/deployment-config';
import type { IngestStack } from './ingest-stack';

export interface ObservabilityStackProps extends StackProps {
  readonly config: DeploymentConfig;
  readonly network: FleetNetwork;
  readonly ingest: IngestStack;
  /** The functions to watch, each under the name its alarms get. */
  readonly functions: Readonly<Record<string, IFunction>>;
  /** undefined with `canary=false`. */
  readonly canaryKey: ISecret | undefined;
  /** Where the canary registers its key; undefined with `callbackUrl`. */
  readonly keys: CallbackStack['keys'];
  /** Value of the Service dimension of the tasks' metrics. */
  readonly serviceName: string;
}

/** Dashboard, alarms and canary. Log groups are in the stacks of the functions and tasks that write them. */
export class ObservabilityStack extends Stack {
  constructor(scope: Construct, id: string, props: ObservabilityStackProps) {
    super(scope, id, props);
    const { config, ingest, canaryKey, serviceName } = props;
    const { logRetentionDays } = config;
    const { service } = ingest.service;
    const { loadBalancer } = ingest.balancer;
    const topic = new AlarmTopic(this, 'Alarms', { email: config.alarmEmail });
    const canary =
      canaryKey &&
      new Canary(this, 'Canary', {
        targets: ingest.listeners.map(({ listener }) => ({
          listener: listener.name,
          url: `${listener.scheme}://${ingest.host}:${listener.port}`,
        })),
        key: canaryKey,
        keys: props.keys,
        every: Duration.minutes(config.canaryMinutes),
        serviceName,
        logRetentionDays,
        topic,
      });
    const functions = { ...props.functions, ...(canary && { canary: canary.function }) };
    const minTasks = leastTasksEver(config);
    new ServiceAlarms(this, 'Service', { service, serviceName, minTasks, topic });
    const targetGroups = Object.fromEntries(ingest.listeners.map((entry) => [entry.listener.name, entry.targetGroups]));
    const zones = (props.network.ingress.subnets ?? []).map((subnet) => subnet.availabilityZone);
    new IngestAlarms(this, 'Ingest', { loadBalancer, targetGroups, zones, mayBeEmpty: minTasks === 0, topic });
    if (config.outputs) new OutputAlarms(this, 'Outputs', { serviceName, topic });
    if (config.cache === 'serverless') {
      // The cache has the deployment's name.
      new CacheAlarms(this, 'Cache', { cacheName: serviceName, ecpuPerSecond: cacheCap(config), topic });
    }
    new FunctionAlarms(this, 'Functions', { functions, topic });
    new FleetDashboard(this, 'Page', { service, loadBalancer, functions, serviceName, outputs: config.outputs });
    new CfnOutput(this, 'AlarmTopic', { value: topic.topicArn });
    new CfnOutput(this, 'Publish', { value: howToPublish(ingest, props.keys) });
  }
}

/** The lowest number of tasks that the options and the schedule allow. */
function leastTasksEver({ minTasks, scaleSchedule = [] }: DeploymentConfig): number {
  return Math.min(minTasks, ...scaleSchedule.map((entry) => entry.minTasks));
}

/** The deploy's last output: where to publish, and the command that makes the first key. */
function howToPublish({ host, listeners }: IngestStack, keys: CallbackStack['keys']): string {
  const [listener] = listeners.map((entry) => entry.listener);
  const usual = listener?.port === (listener?.scheme === 'rtmp' ? 1935 : 443);
  const url = `${listener?.scheme}://${host}${usual ? '' : `:${listener?.port}`}/news/KEY`;
  if (keys === undefined) return `${url} - your callback says which KEY`;
  return (
    `${url} - KEY comes from: aws lambda invoke --function-name ${keys.maker.functionName} ` +
    `--cli-binary-format raw-in-base64-out --payload '{"command":"create","channel":"news"}' /dev/stdout`
  );
}
