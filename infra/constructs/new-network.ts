import { Fn, RemovalPolicy } from 'aws-cdk-lib';
import {
  FlowLogDestination,
  FlowLogTrafficType,
  GatewayVpcEndpointAwsService,
  IpAddresses,
  IpProtocol,
  SubnetType,
  Vpc,
} from 'aws-cdk-lib/aws-ec2';
import type { SubnetSelection } from 'aws-cdk-lib/aws-ec2';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import type { RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import type { DeploymentConfig } from '../deployment-config';
import type { FleetNetwork } from './fleet-network';
import { PrivateEndpoints } from './private-endpoints';

export type NewNetworkProps = Pick<
  DeploymentConfig,
  'azCount' | 'availabilityZones' | 'vpcCidr' | 'egress' | 'natGateways' | 'ipAddressType' | 'logRetentionDays'
>;

const tasksSubnetType = {
  'public-ip': SubnetType.PUBLIC,
  nat: SubnetType.PRIVATE_WITH_EGRESS,
  isolated: SubnetType.PRIVATE_ISOLATED,
} as const;

/**
 * A VPC for the fleet alone. Media enters through the load balancer and never crosses a NAT gateway; what `egress`
 * chooses is the way out for control traffic (AWS APIs, callbacks, image pulls). It always spans two zones, because the
 * cache does; streams are taken in `azCount` of them.
 */
export class NewNetwork extends Construct implements FleetNetwork {
  readonly vpc: Vpc;
  readonly ingress: SubnetSelection;
  readonly tasks: SubnetSelection;
  readonly data: SubnetSelection;
  readonly privateEgress: boolean;
  readonly ingressCidrs: readonly string[];

  constructor(scope: Construct, id: string, props: NewNetworkProps) {
    super(scope, id);
    const zones = Math.max(2, props.azCount);
    this.vpc = new Vpc(this, 'Vpc', {
      ipAddresses: IpAddresses.cidr(props.vpcCidr),
      ipProtocol: props.ipAddressType === 'dualstack' ? IpProtocol.DUAL_STACK : IpProtocol.IPV4_ONLY,
      // Tokens where no zones are named: which letters an account has is known only when it is deployed.
      availabilityZones: [...(props.availabilityZones ?? accountZones(zones))].slice(0, zones),
      natGateways: props.egress === 'nat' ? props.natGateways : 0,
      natGatewaySubnets: { subnetGroupName: 'ingress' },
      subnetConfiguration: [
        { name: 'ingress', subnetType: SubnetType.PUBLIC, cidrMask: 24, mapPublicIpOnLaunch: false },
        {
          name: 'tasks',
          subnetType: tasksSubnetType[props.egress],
          cidrMask: 22,
          ...(props.egress === 'public-ip' && { mapPublicIpOnLaunch: false }),
        },
        { name: 'data', subnetType: SubnetType.PRIVATE_ISOLATED, cidrMask: 24 },
      ],
      // Free, and they keep image layers and table traffic off the NAT gateway.
      gatewayEndpoints: {
        S3: { service: GatewayVpcEndpointAwsService.S3 },
        DynamoDb: { service: GatewayVpcEndpointAwsService.DYNAMODB },
      },
    });
    this.logRejectedTraffic(props.logRetentionDays);
    this.ingress = this.firstZones('ingress', props.azCount);
    this.tasks = this.firstZones('tasks', props.azCount);
    this.data = { subnetGroupName: 'data' };
    this.privateEgress = props.egress !== 'public-ip';
    this.ingressCidrs = (this.ingress.subnets ?? []).map((subnet) => subnet.ipv4CidrBlock);
    if (props.egress === 'isolated') {
      new PrivateEndpoints(this, 'Endpoints', { vpc: this.vpc, vpcCidr: props.vpcCidr, subnets: this.tasks });
    }
  }

  private firstZones(subnetGroupName: string, zones: number): SubnetSelection {
    return { subnets: this.vpc.selectSubnets({ subnetGroupName }).subnets.slice(0, zones) };
  }

  private logRejectedTraffic(logRetentionDays: RetentionDays): void {
    const logGroup = new LogGroup(this, 'RejectedTraffic', {
      retention: logRetentionDays,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    this.vpc.addFlowLog('RejectedTraffic', {
      trafficType: FlowLogTrafficType.REJECT,
      destination: FlowLogDestination.toCloudWatchLogs(logGroup),
    });
  }
}

function accountZones(count: number): string[] {
  return Array.from({ length: count }, (_, index) => Fn.select(index, Fn.getAzs()));
}
