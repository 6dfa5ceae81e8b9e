import { Duration } from 'aws-cdk-lib';
import { Peer, Port, SecurityGroup } from 'aws-cdk-lib/aws-ec2';
import {
  AlpnPolicy,
  IpAddressType,
  NetworkLoadBalancer,
  NetworkListenerAction,
  Protocol,
  SslPolicy,
} from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import type { IListenerCertificate, NetworkListener } from 'aws-cdk-lib/aws-elasticloadbalancingv2';
import { Construct } from 'constructs';
import { acknowledge } from '../shared/acknowledge';
import type { DeploymentConfig } from '../config/deployment-config';
import { AccessLogBucket } from './access-log-bucket';
import type { FleetNetwork } from '../shared/fleet-network';
import type { IngestListener } from './ingest-listener';
import type { IngestTargetGroup } from './ingest-target-group';

export interface IngestLoadBalancerProps {
  readonly network: FleetNetwork;
  readonly config: Pick<
    DeploymentConfig,
    'accessLogs' | 'ingestCidrs' | 'ipAddressType' | 'logRetentionDays' | 'tls' | 'tlsPolicy'
  >;
}

const sslPolicies = {
  strict: SslPolicy.TLS13_RES,
  postQuantum: SslPolicy.TLS13_12_RES_PQ,
  compatible: SslPolicy.TLS13_EXT2,
  legacy: SslPolicy.TLS13_10,
} as const satisfies Record<DeploymentConfig['tlsPolicy'], SslPolicy>;

/** The only public address of the fleet. It has a security group from the start: it cannot be added later. */
export class IngestLoadBalancer extends Construct {
  readonly loadBalancer: NetworkLoadBalancer;
  readonly securityGroup: SecurityGroup;

  constructor(
    scope: Construct,
    id: string,
    private readonly props: IngestLoadBalancerProps,
  ) {
    super(scope, id);
    const { config, network } = props;
    this.securityGroup = new SecurityGroup(this, 'SecurityGroup', {
      vpc: network.vpc,
      description: 'Streamers to the load balancer of the RTMP fleet',
      allowAllOutbound: false,
    });
    acknowledge(this.securityGroup, {
      'AwsSolutions-EC23':
        "taking streams from anywhere is its purpose; only the listeners' ports are open, and " +
        'ingestCidrs narrows them',
    });
    this.loadBalancer = new NetworkLoadBalancer(this, 'LoadBalancer', {
      vpc: network.vpc,
      vpcSubnets: network.ingress,
      internetFacing: true,
      securityGroups: [this.securityGroup],
      // Traffic between zones is billed in both directions, and would cost more than everything else together.
      crossZoneEnabled: false,
      zonalShift: true,
      ipAddressType: config.ipAddressType === 'dualstack' ? IpAddressType.DUAL_STACK : IpAddressType.IPV4,
    });
    this.leaveDeletionProtection();
    this.writeAccessLogs();
  }

  /** Opens one port to streamers and forwards to `targetGroup`; `idle` takes its place during blue/green deploys. */
  addListener(
    listener: IngestListener,
    targetGroup: IngestTargetGroup,
    options: { readonly certificate?: IListenerCertificate; readonly idle?: IngestTargetGroup } = {},
  ): NetworkListener {
    for (const cidr of this.clientCidrs()) {
      const peer = cidr.includes(':') ? Peer.ipv6(cidr) : Peer.ipv4(cidr);
      this.securityGroup.addIngressRule(peer, Port.tcp(listener.port), `${listener.scheme} from streamers`);
    }
    const { certificate, idle } = options;
    return this.loadBalancer.addListener(listener.name, {
      port: listener.port,
      ...(idle === undefined
        ? { defaultTargetGroups: [targetGroup] }
        : {
            defaultAction: NetworkListenerAction.weightedForward([
              { targetGroup, weight: 100 },
              { targetGroup: idle, weight: 0 },
            ]),
          }),
      ...(listener.protocol === 'TLS' && certificate !== undefined
        ? {
            protocol: Protocol.TLS,
            certificates: [certificate],
            sslPolicy: sslPolicies[this.props.config.tlsPolicy],
            alpnPolicy: AlpnPolicy.NONE,
          }
        : // A TLS listener's idle time is fixed at this value and refuses the setting.
          { protocol: Protocol.TCP, tcpIdleTimeout: Duration.seconds(350) }),
    });
  }

  /**
   * A load balancer that is protected from deletion cannot be rolled back when its first deployment fails. The stack is
   * protected instead. A protection that was set by hand stays, as no template mentions it.
   */
  private leaveDeletionProtection(): void {
    this.loadBalancer.removeAttribute('deletion_protection.enabled');
  }

  private clientCidrs(): string[] {
    const { ingestCidrs, ipAddressType } = this.props.config;
    const anyV6 = ipAddressType === 'dualstack' && ingestCidrs.includes('0.0.0.0/0') && !ingestCidrs.includes('::/0');
    return [...ingestCidrs, ...(anyV6 ? ['::/0'] : [])];
  }

  private writeAccessLogs(): void {
    const { accessLogs, tls, logRetentionDays } = this.props.config;
    if (accessLogs && tls === 'nlb') {
      this.loadBalancer.logAccessLogs(new AccessLogBucket(this, 'AccessLogs', { keepDays: logRetentionDays }));
      return;
    }
    acknowledge(this.loadBalancer, {
      'AwsSolutions-ELB2':
        'a network load balancer logs TLS listeners only (tls=nlb with accessLogs=true); the ' +
        "service logs every connection, publish and end with the client's address",
    });
  }
}
