import { InterfaceVpcEndpointAwsService, Peer, Port, SecurityGroup } from 'aws-cdk-lib/aws-ec2';
import type { IVpc, SubnetSelection } from 'aws-cdk-lib/aws-ec2';
import { Construct } from 'constructs';

/** The AWS services that tasks and the operator function call, by the name their endpoint gets. */
const services = {
  EcrApi: InterfaceVpcEndpointAwsService.ECR,
  EcrImages: InterfaceVpcEndpointAwsService.ECR_DOCKER,
  Logs: InterfaceVpcEndpointAwsService.CLOUDWATCH_LOGS,
  Secrets: InterfaceVpcEndpointAwsService.SECRETS_MANAGER,
  Ecs: InterfaceVpcEndpointAwsService.ECS,
} as const;

const events = { Events: InterfaceVpcEndpointAwsService.EVENTBRIDGE } as const;

const shell = { Shell: InterfaceVpcEndpointAwsService.SSM_MESSAGES } as const;

export interface PrivateEndpointsProps {
  readonly vpc: IVpc;
  readonly vpcCidr: string;
  /** Each endpoint gets an address in each of these subnets; each address costs about 7 USD a month. */
  readonly subnets: SubnetSelection;
  /** A shell in tasks talks to Session Manager. */
  readonly exec: boolean;
  /** Tasks put events onto a bus. */
  readonly eventBus: boolean;
}

/** PrivateLink endpoints for a VPC without egress. One security group: HTTPS from inside the VPC, nothing else. */
export class PrivateEndpoints extends Construct {
  constructor(scope: Construct, id: string, props: PrivateEndpointsProps) {
    super(scope, id);
    const securityGroup = new SecurityGroup(this, 'SecurityGroup', {
      vpc: props.vpc,
      description: 'AWS APIs by PrivateLink',
      allowAllOutbound: false,
    });
    securityGroup.addIngressRule(Peer.ipv4(props.vpcCidr), Port.tcp(443), 'HTTPS from inside the VPC');
    const used = { ...services, ...(props.exec && shell), ...(props.eventBus && events) };
    for (const [name, service] of Object.entries(used)) {
      props.vpc.addInterfaceEndpoint(name, {
        service,
        subnets: props.subnets,
        securityGroups: [securityGroup],
        open: false,
      });
    }
  }
}
