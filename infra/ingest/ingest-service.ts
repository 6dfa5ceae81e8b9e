import { Duration, Stack } from 'aws-cdk-lib';
import { Peer, Port, SecurityGroup } from 'aws-cdk-lib/aws-ec2';
import {
  AlarmBehavior,
  AvailabilityZoneRebalancing,
  DeploymentStrategy,
  FargateService,
  PropagatedTagSource,
} from 'aws-cdk-lib/aws-ecs';
import type { CfnService, Cluster, FargateServiceProps } from 'aws-cdk-lib/aws-ecs';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { flattenCfnReference } from 'cdk-nag/lib/utils/flatten-cfn-reference';
import { Construct } from 'constructs';
import { acknowledge } from '../shared/acknowledge';
import type { DeploymentConfig } from '../config/deployment-config';
import type { DeploymentAlarms } from './deployment-alarms';
import type { FleetNetwork } from '../shared/fleet-network';
import { containerPorts } from './ingest-listener';
import type { IngestCluster } from './ingest-cluster';
import type { IngestTask } from './ingest-task';

export interface IngestServiceProps {
  readonly config: Pick<
    DeploymentConfig,
    | 'bakeHours'
    | 'deployment'
    | 'egress'
    | 'exec'
    | 'forwardAllow'
    | 'minTasks'
    | 'outputs'
    | 'spot'
    | 'transcoderCidrs'
    | 'transcoderSecurityGroupIds'
  >;
  readonly network: FleetNetwork;
  readonly cluster: IngestCluster;
  readonly task: IngestTask;
  readonly alarms: DeploymentAlarms;
  /** Its port is opened in addition to 443. */
  readonly callbackUrl: string | undefined;
}

/** The tasks, how they are replaced, and what they may reach. */
export class IngestService extends Construct {
  readonly service: FargateService;
  readonly securityGroup: SecurityGroup;

  constructor(scope: Construct, id: string, props: IngestServiceProps) {
    super(scope, id);
    const { config, network, task } = props;
    const { cluster } = props.cluster;
    this.securityGroup = this.securityGroupOf(network, props.callbackUrl);
    this.admitTranscoders(config);
    if (config.outputs) this.letForwardsOut(config.forwardAllow ?? []);
    this.service = new FargateService(this, 'Service', {
      cluster,
      taskDefinition: task.definition,
      vpcSubnets: network.tasks,
      assignPublicIp: config.egress === 'public-ip',
      securityGroups: [this.securityGroup],
      // No desired count: it belongs to the scaling, and a deploy would reset it.
      minHealthyPercent: 100,
      maxHealthyPercent: 200,
      healthCheckGracePeriod: Duration.seconds(60),
      availabilityZoneRebalancing: AvailabilityZoneRebalancing.ENABLED,
      // Spot may have no capacity, and ECS does not fall back to on-demand: the first task never depends on Spot.
      capacityProviderStrategies: [
        { capacityProvider: 'FARGATE', base: 1, weight: 1 },
        ...(config.spot ? [{ capacityProvider: 'FARGATE_SPOT', weight: 4 }] : []),
      ],
      enableExecuteCommand: config.exec,
      deploymentAlarms: { alarmNames: [...props.alarms.names], behavior: AlarmBehavior.ROLLBACK_ON_ALARM },
      propagateTags: PropagatedTagSource.SERVICE,
      enableECSManagedTags: true,
      ...(config.deployment === 'rolling' ? rolling() : blueGreen(config.bakeHours)),
    });
    // They cannot be deleted while a service uses them: without this, deleting the stack could fail with "in use".
    this.service.node.addDependency(props.cluster.capacityProviders, ...props.alarms.alarms);
    if (config.deployment === 'rolling') this.returnBeforeOldTasksEnd();
    else {
      acknowledge(this.service, {
        '@aws-cdk/aws-ecs:shouldUseCircuitBreaker': 'blue/green deployments have none: ECS rolls them back itself',
      });
    }
    this.allowFleetAgent(cluster);
    if (config.exec) {
      acknowledge(task.definition.taskRole, {
        'AwsSolutions-IAM5[Resource::*]': 'exec=true: the channels of a shell session have no name before they exist',
      });
    }
  }

  /**
   * The deploy is done when every new task is healthy; old tasks end their streams afterwards, for up to the
   * deregistration delay. Otherwise each deploy would take an hour, and CloudFormation gives up after three hours.
   */
  private returnBeforeOldTasksEnd(): void {
    const resource = this.service.node.defaultChild as CfnService;
    resource.addPropertyOverride('DeploymentConfiguration.EarlySuccessCriteria', {
      Enable: true,
      HealthyPercent: 100,
      SourceServiceRevisionCleanup: 'DEFERRED',
    });
  }

  private securityGroupOf(network: FleetNetwork, callbackUrl: string | undefined): SecurityGroup {
    const securityGroup = new SecurityGroup(this, 'SecurityGroup', {
      vpc: network.vpc,
      description: 'Tasks of the RTMP fleet',
      allowAllOutbound: false,
    });
    const port = callbackUrl === undefined ? 443 : portOf(new URL(callbackUrl));
    // In subnets of both families tasks have IPv6 addresses too, and programs may try those first.
    for (const anywhere of [Peer.anyIpv4(), Peer.anyIpv6()]) {
      securityGroup.addEgressRule(anywhere, Port.tcp(443), 'AWS APIs and HTTPS callbacks');
      if (port !== 443) securityGroup.addEgressRule(anywhere, Port.tcp(port), 'Callbacks');
    }
    // A node fetches a stream from the node that its publisher is connected to.
    securityGroup.connections.allowInternally(Port.tcp(containerPorts.rtmp), 'Streams between nodes');
    // Whichever node an operator asks asks all others.
    securityGroup.connections.allowInternally(Port.tcp(containerPorts.http), 'Questions between nodes');
    return securityGroup;
  }

  /** Transcoders fetch streams from the task that has them, without the load balancer and its costs. */
  private admitTranscoders({
    transcoderCidrs = [],
    transcoderSecurityGroupIds = [],
  }: IngestServiceProps['config']): void {
    const peers = [
      ...transcoderCidrs.map((cidr) => Peer.ipv4(cidr)),
      ...transcoderSecurityGroupIds.map((id) => Peer.securityGroupId(id)),
    ];
    for (const peer of peers) this.securityGroup.addIngressRule(peer, Port.tcp(containerPorts.rtmp), 'Transcoders');
  }

  /** RTMPS of services on 443 is open already; own networks are reached on any port. */
  private letForwardsOut(allowed: readonly string[]): void {
    for (const anywhere of [Peer.anyIpv4(), Peer.anyIpv6()]) {
      this.securityGroup.addEgressRule(anywhere, Port.tcp(containerPorts.rtmp), 'Forwards by RTMP');
    }
    for (const cidr of allowed) {
      const peer = cidr.includes(':') ? Peer.ipv6(cidr) : Peer.ipv4(cidr);
      this.securityGroup.addEgressRule(peer, Port.allTcp(), 'Forwards to own networks');
    }
  }

  /** The node asks ECS whether its task is wanted, and protects itself from scale-in while it carries streams. */
  private allowFleetAgent(cluster: Cluster): void {
    // Everything in the cluster, which holds only this service: naming it would make role and service depend on each
    // other.
    this.allowInCluster(cluster, 'task', ['ecs:DescribeTasks', 'ecs:GetTaskProtection', 'ecs:UpdateTaskProtection']);
    this.allowInCluster(cluster, 'service', ['ecs:DescribeServices']);
  }

  private allowInCluster(cluster: Cluster, resource: 'task' | 'service', actions: string[]): void {
    const { taskRole } = this.service.taskDefinition;
    const stack = Stack.of(this);
    const arn = stack.formatArn({ service: 'ecs', resource, resourceName: `${cluster.clusterName}/*` });
    taskRole.addToPrincipalPolicy(new PolicyStatement({ actions, resources: [arn] }));
    acknowledge(taskRole, {
      [`AwsSolutions-IAM5[Resource::${flattenCfnReference(stack.resolve(arn))}]`]: `each ${resource} of the fleet's own cluster, which runs nothing else`,
    });
  }
}

function rolling(): Partial<FargateServiceProps> {
  return { deploymentStrategy: DeploymentStrategy.ROLLING, circuitBreaker: { enable: true, rollback: true } };
}

function blueGreen(bakeHours: number): Partial<FargateServiceProps> {
  return { deploymentStrategy: DeploymentStrategy.BLUE_GREEN, bakeTime: Duration.hours(bakeHours) };
}

function portOf(url: URL): number {
  if (url.port !== '') return Number(url.port);
  return url.protocol === 'https:' ? 443 : 80;
}
