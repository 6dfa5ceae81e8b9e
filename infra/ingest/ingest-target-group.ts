import { Duration } from 'aws-cdk-lib';
import type { IVpc } from 'aws-cdk-lib/aws-ec2';
import { NetworkTargetGroup, Protocol, TargetType } from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import type { Construct } from 'constructs';
import { containerPorts } from './ingest-listener';

export interface IngestTargetGroupProps {
  readonly vpc: IVpc;
  /** Container port for the streams. */
  readonly port: number;
  /** How long flows to a deregistered task may continue; at most 3600 s. This is the drain of a deploy. */
  readonly deregistrationDelay: Duration;
}

/** The tasks behind one listener, with the settings that keep live streams alive. */
export class IngestTargetGroup extends NetworkTargetGroup {
  constructor(scope: Construct, id: string, props: IngestTargetGroupProps) {
    super(scope, id, {
      vpc: props.vpc,
      targetType: TargetType.IP,
      protocol: Protocol.TCP,
      port: props.port,
      // The client's address comes in the PROXY header, IPv6 and PrivateLink included. Preserving it in the packets
      // would break a task that connects to its own load balancer, and hide IPv6 clients.
      proxyProtocolV2: true,
      preserveClientIp: false,
      deregistrationDelay: props.deregistrationDelay,
      // Flows that remain when the delay ends are left to the task, which closes them with a reason.
      connectionTermination: false,
      // Liveness only: ECS replaces a task that fails it, and a task that drains or is full is alive.
      healthCheck: {
        protocol: Protocol.HTTP,
        port: String(containerPorts.http),
        path: '/healthz',
        interval: Duration.seconds(10),
        timeout: Duration.seconds(5),
        healthyThresholdCount: 2,
        unhealthyThresholdCount: 5,
      },
    });
    // By default, all flows of a target that misses a few checks are reset.
    this.setAttribute('target_health_state.unhealthy.connection_termination.enabled', 'false');
    this.setAttribute('target_health_state.unhealthy.draining_interval_seconds', '300');
  }
}
