import { CfnOutput, Duration, Stack } from 'aws-cdk-lib';
import type { StackProps } from 'aws-cdk-lib';
import { Port } from 'aws-cdk-lib/aws-ec2';
import { AlternateTarget, ListenerRuleConfiguration } from 'aws-cdk-lib/aws-ecs';
import { EventBus } from 'aws-cdk-lib/aws-events';
import type { IRole } from 'aws-cdk-lib/aws-iam';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import type { Construct } from 'constructs';
import { BlueGreenRole } from './ingest/blue-green-role';
import type { CommandCache } from './shared/command-cache';
import type { FleetNetwork } from './shared/fleet-network';
import { DeploymentAlarms } from './ingest/deployment-alarms';
import { IngestCluster } from './ingest/ingest-cluster';
import { containerPorts, ingestListeners } from './ingest/ingest-listener';
import type { IngestListener } from './ingest/ingest-listener';
import { IngestLoadBalancer } from './ingest/ingest-load-balancer';
import { IngestName } from './ingest/ingest-name';
import { IngestService } from './ingest/ingest-service';
import { IngestTargetGroup } from './ingest/ingest-target-group';
import { containerName, IngestTask } from './ingest/ingest-task';
import { openCacheTo } from './shared/open-cache';
import { type OutputResources, outputsContainerEnvironment, outputsEnvironment } from './ingest/outputs-environment';
import { serviceEnvironment } from './ingest/service-environment';
import { ServiceScaling } from './ingest/service-scaling';
import type { CallbackStack } from './callback-stack';
import type { DeploymentConfig } from './config/deployment-config';

export interface IngestStackProps extends StackProps {
  readonly config: DeploymentConfig;
  readonly network: FleetNetwork;
  readonly cache: CommandCache;
  readonly jwtSecret: ISecret;
  readonly callback: CallbackStack;
  /** Value of the Service dimension of the tasks' metrics. */
  readonly serviceName: string;
  /** undefined: streams are not written out. */
  readonly outputs: OutputResources | undefined;
}

/** Load balancer, listeners, target groups, cluster and service: one stack, because they refer to each other. */
export class IngestStack extends Stack {
  readonly balancer: IngestLoadBalancer;
  readonly service: IngestService;
  readonly cluster: IngestCluster;
  readonly task: IngestTask;
  /** Every listener with the target groups that its streams go to. */
  readonly listeners: readonly { readonly listener: IngestListener; readonly targetGroups: IngestTargetGroup[] }[];
  /** Name that streamers connect to. */
  readonly host: string;

  constructor(scope: Construct, id: string, props: IngestStackProps) {
    super(scope, id, props);
    const { config, network, cache, callback, serviceName } = props;
    const listeners = ingestListeners(config);
    this.balancer = new IngestLoadBalancer(this, 'Ingest', { network, config });
    const name = new IngestName(this, 'Name', { config, loadBalancer: this.balancer.loadBalancer });
    this.cluster = new IngestCluster(this, 'Fleet', { vpc: network.vpc, containerInsights: config.containerInsights });
    this.task = this.taskOf(props, listeners);
    const names = listeners.map((listener) => listener.name);
    const alarms = new DeploymentAlarms(this, 'Deployment', { config, serviceName, listeners: names });
    this.service = new IngestService(this, 'Rtmp', {
      config,
      alarms,
      network,
      cluster: this.cluster,
      task: this.task,
      callbackUrl: config.callbackUrl,
    });
    openCacheTo(this.service.securityGroup, cache);
    callback.grantCall(this.task.definition.taskRole);
    if (config.eventBus !== undefined) {
      EventBus.fromEventBusName(this, 'EventBus', config.eventBus).grantPutEventsTo(this.task.definition.taskRole);
    }
    for (const port of portsOf(listeners, containerPorts.http)) {
      this.service.securityGroup.connections.allowFrom(this.balancer.securityGroup, Port.tcp(port), 'Load balancer');
    }
    const role = config.deployment === 'blueGreen' ? new BlueGreenRole(this, 'BlueGreenRole') : undefined;
    this.listeners = listeners.map((listener) => ({
      listener,
      targetGroups: this.listen(listener, name, props, role),
    }));
    new ServiceScaling(this, 'Scaling', { config, service: this.service.service, serviceName });
    const { loadBalancerDnsName } = this.balancer.loadBalancer;
    this.host = config.domainName ?? loadBalancerDnsName;
    new CfnOutput(this, 'IngestHost', { value: loadBalancerDnsName });
    new CfnOutput(this, 'ServiceLogGroup', { value: this.task.logGroup.logGroupName });
    new CfnOutput(this, 'ServiceSecurityGroup', { value: this.service.securityGroup.securityGroupId });
  }

  private taskOf(props: IngestStackProps, listeners: readonly IngestListener[]): IngestTask {
    const { config, cache, jwtSecret, callback, network, serviceName, outputs: resources } = props;
    const { cpu, memoryMiB, exec, logRetentionDays } = config;
    const environment = serviceEnvironment({
      config,
      cache,
      jwtSecret,
      callbackUrl: callback.callbackUrl,
      ingressCidrs: network.ingressCidrs,
      innerCidrs: network.innerCidrs,
      serviceName,
      outputs: resources,
    });
    const secrets = [
      jwtSecret,
      cache.service.password,
      ...this.certificateSecrets(config),
      ...this.operatorToken(config),
    ];
    const ports = portsOf(listeners);
    const outputs = resources && {
      resources,
      environment: { ...outputsEnvironment(config, resources), ...outputsContainerEnvironment(config) },
      memoryMiB: config.outputsMemoryMiB,
    };
    return new IngestTask(this, 'Task', {
      cpu,
      memoryMiB,
      exec,
      logRetentionDays,
      environment,
      secrets,
      ports,
      outputs,
    });
  }

  private operatorToken({ operatorTokenSecretArn: arn }: DeploymentConfig): ISecret[] {
    return arn === undefined ? [] : [Secret.fromSecretCompleteArn(this, 'OperatorToken', arn)];
  }

  private certificateSecrets({ tls, tlsCertSecretArn, tlsKeySecretArn }: DeploymentConfig): ISecret[] {
    if (tls !== 'service' || tlsCertSecretArn === undefined || tlsKeySecretArn === undefined) return [];
    return [
      Secret.fromSecretCompleteArn(this, 'TlsCertificate', tlsCertSecretArn),
      Secret.fromSecretCompleteArn(this, 'TlsKey', tlsKeySecretArn),
    ];
  }

  private listen(
    listener: IngestListener,
    name: IngestName,
    { config, network }: IngestStackProps,
    role: IRole | undefined,
  ): IngestTargetGroup[] {
    const deregistrationDelay = Duration.seconds(config.deregistrationSeconds);
    const group = { vpc: network.vpc, port: listener.targetPort, deregistrationDelay };
    const container = { containerName, containerPort: listener.targetPort };
    // A group for another port gets another id, too, so that stacks that use its name notice the change.
    const port = listener.targetPort === containerPorts.rtmp ? '' : `-${listener.targetPort}`;
    const id = `${listener.name}-targets${port}`;
    const blue = new IngestTargetGroup(this, id, group);
    const { certificate } = name;
    if (role === undefined) {
      this.balancer.addListener(listener, blue, { certificate });
      blue.addTarget(this.service.service.loadBalancerTarget(container));
      return [blue];
    }
    const green = new IngestTargetGroup(this, `${id}-green`, group);
    const production = this.balancer.addListener(listener, blue, { certificate, idle: green });
    const alternateTarget = new AlternateTarget(`${listener.name}-alternate`, {
      alternateTargetGroup: green,
      productionListener: ListenerRuleConfiguration.networkListener(production),
      role,
    });
    blue.addTarget(this.service.service.loadBalancerTarget({ ...container, alternateTarget }));
    return [blue, green];
  }
}

/** Container ports of the listeners, each once, and `more`. */
function portsOf(listeners: readonly IngestListener[], ...more: number[]): number[] {
  return [...new Set([...listeners.map((listener) => listener.targetPort), ...more])];
}
