import { Duration, Size } from 'aws-cdk-lib';
import { AwsLogDriverMode, LogDrivers } from 'aws-cdk-lib/aws-ecs';
import type { ContainerImage, FargateTaskDefinition } from 'aws-cdk-lib/aws-ecs';
import type { LogGroup } from 'aws-cdk-lib/aws-logs';
import { allowReading } from '../shared/read-secret';
import { type OutputResources, spoolPath } from './outputs-environment';
import { stopTimeoutSeconds } from './stop-timeout';

export interface OutputsContainerProps {
  readonly image: ContainerImage;
  readonly logGroup: LogGroup;
  readonly cpu: number;
  /** The most that it gets: beyond, it alone is ended and started again. */
  readonly memoryMiB: number;
  readonly environment: Readonly<Record<string, string>>;
  readonly resources: OutputResources;
  readonly exec: boolean;
}

export const outputsContainerName = 'outputs';

/**
 * The shortest that ECS takes. ECS does not restart a container that ends sooner after its start; the process 1 of this one
 * is made to last, see `watchSidecar`.
 */
const restartPeriod = Duration.seconds(60);

/**
 * Adds `rtmp-outputs` to the task: a container of its own, which may fail without the task, with the same image. It has no
 * order with the node's container: both get SIGTERM at the same time, and this one ends when the node has ended its last
 * stream and the outputs are completed.
 */
export function addOutputsContainer(definition: FargateTaskDefinition, props: OutputsContainerProps): void {
  const { resources } = props;
  definition.addVolume({ name: 'spool' });
  const container = definition.addContainer(outputsContainerName, {
    image: props.image,
    entryPoint: ['node', '/app/rtmp-outputs.cjs'],
    environment: { ...props.environment },
    essential: false,
    cpu: props.cpu,
    memoryLimitMiB: props.memoryMiB,
    user: '1000:1000',
    readonlyRootFilesystem: !props.exec,
    stopTimeout: Duration.seconds(stopTimeoutSeconds),
    enableRestartPolicy: true,
    restartAttemptPeriod: restartPeriod,
    logging: LogDrivers.awsLogs({
      logGroup: props.logGroup,
      streamPrefix: outputsContainerName,
      mode: AwsLogDriverMode.NON_BLOCKING,
      maxBufferSize: Size.mebibytes(5),
    }),
  });
  container.addMountPoints({ sourceVolume: 'spool', containerPath: spoolPath, readOnly: false });
  // A task has one role for all its containers: ECS knows none for a single container.
  allowReading(resources.token, definition.taskRole);
  if (resources.access) definition.taskRole.addManagedPolicy(resources.access);
}
