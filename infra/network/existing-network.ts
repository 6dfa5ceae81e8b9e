import { Subnet, Vpc } from 'aws-cdk-lib/aws-ec2';
import type { IVpc, SubnetSelection } from 'aws-cdk-lib/aws-ec2';
import { Construct } from 'constructs';
import { acknowledge } from '../shared/acknowledge';
import type { DeploymentConfig } from '../config/deployment-config';
import type { FleetNetwork } from '../shared/fleet-network';

export interface ExistingNetworkProps {
  readonly vpcId: string;
  readonly vpcCidr: string;
  readonly availabilityZones: readonly string[];
  readonly ingressSubnetIds: readonly string[];
  readonly taskSubnetIds: readonly string[];
  readonly dataSubnetIds: readonly string[];
  /** The egress of the task subnets, which their owner provides. */
  readonly egress: DeploymentConfig['egress'];
}

/** An existing VPC, known only by ids: nothing is looked up, so that synth works without an account. */
export class ExistingNetwork extends Construct implements FleetNetwork {
  readonly vpc: IVpc;
  readonly ingress: SubnetSelection;
  readonly tasks: SubnetSelection;
  readonly data: SubnetSelection;
  readonly privateEgress: boolean;
  readonly ingressCidrs: readonly string[];
  readonly innerCidrs: readonly string[] = [];

  constructor(scope: Construct, id: string, props: ExistingNetworkProps) {
    super(scope, id);
    this.vpc = Vpc.fromVpcAttributes(this, 'Vpc', {
      vpcId: props.vpcId,
      vpcCidrBlock: props.vpcCidr,
      availabilityZones: [...props.availabilityZones],
    });
    this.ingress = this.select('Ingress', props.ingressSubnetIds, props.availabilityZones);
    this.tasks = this.select('Tasks', props.taskSubnetIds, props.availabilityZones);
    this.data = this.select('Data', props.dataSubnetIds, props.availabilityZones);
    this.privateEgress = props.egress !== 'public-ip';
    this.ingressCidrs = [props.vpcCidr];
    acknowledge(this, {
      '@aws-cdk/aws-ec2:noSubnetRouteTableId': "routes of an existing VPC are its owner's: none is read or added here",
    });
  }

  private select(name: string, subnetIds: readonly string[], availabilityZones: readonly string[]): SubnetSelection {
    const subnets = subnetIds.map((subnetId, index) => {
      const availabilityZone = availabilityZones[index];
      return Subnet.fromSubnetAttributes(this, `${name}${index + 1}`, {
        subnetId,
        ...(availabilityZone !== undefined && { availabilityZone }),
      });
    });
    return { subnets };
  }
}
