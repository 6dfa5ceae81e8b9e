import { CfnResource, Fn, RemovalPolicy, Stack } from 'aws-cdk-lib';
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
import type { DeploymentConfig } from '../config/deployment-config';
import type { FleetNetwork } from '../shared/fleet-network';
import { PrivateEndpoints } from './private-endpoints';

export type NewNetworkProps = Pick<
  DeploymentConfig,
  'azCount' | 'availabilityZones' | 'vpcCidr' | 'egress' | 'exec' | 'natGateways' | 'eventBus' | 'logRetentionDays'
>;

const tasksSubnetType = {
  'public-ip': SubnetType.PUBLIC,
  nat: SubnetType.PRIVATE_WITH_EGRESS,
  isolated: SubnetType.PRIVATE_ISOLATED,
} as const;

/** The most zones that a deployment takes streams in, and the number that the cache spans. */
const mostZones = 3;

/**
 * A VPC for the fleet only. Media enters through the load balancer and never crosses a NAT gateway; `egress` chooses
 * the egress of control traffic (AWS APIs, callbacks, image pulls). Three zones and both address families are laid out
 * from the start, with any options: a subnet's network cannot be changed later, and the cache cannot be moved to other
 * subnets. Streams are taken in `azCount` of the zones.
 */
export class NewNetwork extends Construct implements FleetNetwork {
  readonly vpc: Vpc;
  readonly ingress: SubnetSelection;
  readonly tasks: SubnetSelection;
  readonly data: SubnetSelection;
  readonly privateEgress: boolean;
  readonly ingressCidrs: readonly string[];
  readonly innerCidrs: readonly string[];

  constructor(scope: Construct, id: string, props: NewNetworkProps) {
    super(scope, id);
    const zones = (props.availabilityZones ?? accountZones()).slice(0, mostZones);
    this.vpc = new Vpc(this, 'Vpc', {
      ipAddresses: IpAddresses.cidr(props.vpcCidr),
      ipProtocol: IpProtocol.DUAL_STACK,
      // Tokens where no zones are named: an account's zones are known only at the deploy.
      availabilityZones: zones,
      // The addresses of zones that are not named yet stay free, so that a new zone does not move the others.
      reservedAzs: mostZones - zones.length,
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
    this.keepLogOfGroupCloser(props.logRetentionDays);
    this.ingress = this.firstZones('ingress', props.azCount);
    this.tasks = this.firstZones('tasks', props.azCount);
    this.data = { subnetGroupName: 'data' };
    this.privateEgress = props.egress !== 'public-ip';
    this.ingressCidrs = (this.ingress.subnets ?? []).map((subnet) => subnet.ipv4CidrBlock);
    this.innerCidrs = ['tasks', 'data'].flatMap((subnetGroupName) =>
      this.vpc.selectSubnets({ subnetGroupName }).subnets.map((subnet) => subnet.ipv4CidrBlock),
    );
    if (props.egress === 'isolated') {
      const { vpcCidr, exec } = props;
      const eventBus = props.eventBus !== undefined;
      new PrivateEndpoints(this, 'Endpoints', { vpc: this.vpc, vpcCidr, subnets: this.tasks, exec, eventBus });
    }
  }

  private firstZones(subnetGroupName: string, zones: number): SubnetSelection {
    return { subnets: this.vpc.selectSubnets({ subnetGroupName }).subnets.slice(0, zones) };
  }

  /** The CDK's function that closes the VPC's default security group: Lambda would make a log group without expiry. */
  private keepLogOfGroupCloser(logRetentionDays: RetentionDays): void {
    const logGroup = new LogGroup(this, 'GroupCloserLog', {
      retention: logRetentionDays,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    const handler = Stack.of(this).node.findChild(groupCloser).node.findChild('Handler');
    if (!CfnResource.isCfnResource(handler)) throw new Error(`${handler.node.path} is no resource`);
    handler.addPropertyOverride('LoggingConfig.LogGroup', logGroup.logGroupName);
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

// The function's path in the CDK's tree.
const groupCloser = 'Custom::VpcRestrictDefaultSGCustomResourceProvider';

function accountZones(): string[] {
  return Array.from({ length: mostZones }, (_, index) => Fn.select(index, Fn.getAzs()));
}
