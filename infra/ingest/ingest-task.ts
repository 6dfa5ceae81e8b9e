import { Duration, RemovalPolicy, Size } from 'aws-cdk-lib';
import { Platform } from 'aws-cdk-lib/aws-ecr-assets';
import {
  AwsLogDriverMode,
  ContainerImage,
  CpuArchitecture,
  FargateTaskDefinition,
  LinuxParameters,
  LogDrivers,
  OperatingSystemFamily,
  UlimitName,
} from 'aws-cdk-lib/aws-ecs';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import type { RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import { IgnoreMode } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import { acknowledge } from '../shared/acknowledge';
import { repositoryRoot } from '../shared/repository';
import { containerPorts } from './ingest-listener';
import { allowReading } from '../shared/read-secret';
import { addOutputsContainer } from './outputs-container';
import type { OutputResources } from './outputs-environment';
import { stopTimeoutSeconds } from './stop-timeout';

export interface IngestTaskProps {
  readonly cpu: number;
  readonly memoryMiB: number;
  readonly environment: Readonly<Record<string, string>>;
  /** Read by the service at run time, under its own role. */
  readonly secrets: readonly ISecret[];
  /** Ports of the container that are reached from outside the task. */
  readonly ports: readonly number[];
  /** A shell in the task (ECS Exec) needs a writable root file system. */
  readonly exec: boolean;
  readonly logRetentionDays: RetentionDays;
  /** Forwards, recordings and HLS, in a container of their own; undefined: there are none. */
  readonly outputs: TaskOutputs | undefined;
}

export interface TaskOutputs {
  readonly resources: OutputResources;
  readonly environment: Readonly<Record<string, string>>;
  readonly memoryMiB: number;
}

/** The part of the task's CPU that outputs get when both containers want all of it. */
const outputsCpuShare = 1 / 4;

/** Name of the service's container in the task. */
export const containerName = 'rtmp';

/** One task: the service, and perhaps its outputs, on ARM, not as root, and with a read-only file system. */
export class IngestTask extends Construct {
  readonly definition: FargateTaskDefinition;
  readonly logGroup: LogGroup;

  constructor(scope: Construct, id: string, props: IngestTaskProps) {
    super(scope, id);
    this.logGroup = new LogGroup(this, 'Logs', {
      retention: props.logRetentionDays,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    this.definition = new FargateTaskDefinition(this, 'Definition', {
      cpu: props.cpu,
      memoryLimitMiB: props.memoryMiB,
      // About a fifth cheaper than x86.
      runtimePlatform: { cpuArchitecture: CpuArchitecture.ARM64, operatingSystemFamily: OperatingSystemFamily.LINUX },
    });
    const image = serviceImage();
    const { outputs } = props;
    const outputsCpu = outputs ? Math.floor(props.cpu * outputsCpuShare) : 0;
    const container = this.definition.addContainer(containerName, {
      image,
      // Without a limit of its own the service would plan with the memory of the whole task.
      ...(outputs && { cpu: props.cpu - outputsCpu, memoryLimitMiB: props.memoryMiB - outputs.memoryMiB }),
      environment: { ...props.environment },
      portMappings: [...props.ports, containerPorts.http].map((containerPort) => ({ containerPort })),
      user: '1000:1000',
      readonlyRootFilesystem: !props.exec,
      stopTimeout: Duration.seconds(stopTimeoutSeconds),
      // Reaps child processes and forwards signals.
      linuxParameters: new LinuxParameters(this, 'Linux', { initProcessEnabled: true }),
      // Blocking logs would stall the media loop when CloudWatch is slow.
      logging: LogDrivers.awsLogs({
        logGroup: this.logGroup,
        streamPrefix: containerName,
        mode: AwsLogDriverMode.NON_BLOCKING,
        maxBufferSize: Size.mebibytes(25),
      }),
    });
    container.addUlimits({ name: UlimitName.NOFILE, softLimit: 65536, hardLimit: 65536 });
    for (const secret of props.secrets) allowReading(secret, this.definition.taskRole);
    if (outputs) {
      const { logGroup, definition } = this;
      addOutputsContainer(definition, { ...outputs, image, logGroup, cpu: outputsCpu, exec: props.exec });
    }
    acknowledge(this.definition, {
      'AwsSolutions-ECS2': 'settings, not secrets: those are given by ARN and read at run time, as they rotate',
    });
    acknowledge(this.definition.obtainExecutionRole(), {
      'AwsSolutions-IAM5[Resource::*]': 'ecr:GetAuthorizationToken is for the whole registry and knows no resource',
    });
  }
}

/** Built with service/Dockerfile; contains only files that the build reads, so that no other file changes the image. */
function serviceImage(): ContainerImage {
  return ContainerImage.fromAsset(repositoryRoot, {
    file: 'service/Dockerfile',
    platform: Platform.LINUX_ARM64,
    ignoreMode: IgnoreMode.DOCKER,
    exclude: ['*', '!package.json', '!package-lock.json', '!tsconfig.json', '!.npmrc', '!LICENSE', '!service'],
  });
}
