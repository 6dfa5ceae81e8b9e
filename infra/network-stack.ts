import { Stack } from 'aws-cdk-lib';
import type { StackProps } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { ExistingNetwork } from './network/existing-network';
import type { FleetNetwork } from './shared/fleet-network';
import { NewNetwork } from './network/new-network';
import { NothingOwned } from './shared/nothing-owned';
import { givenOption } from './config/deployment-config';
import type { DeploymentConfig } from './config/deployment-config';

export interface NetworkStackProps extends StackProps {
  readonly config: DeploymentConfig;
}

/** The network of the deployment: a new VPC, or an existing VPC by its ids. */
export class NetworkStack extends Stack {
  readonly network: FleetNetwork;

  constructor(scope: Construct, id: string, props: NetworkStackProps) {
    super(scope, id, props);
    this.answerZoneQuestion(props.config);
    this.network =
      props.config.vpcId === undefined
        ? new NewNetwork(this, 'Network', props.config)
        : this.existing(props.config, props.config.vpcId);
  }

  /** With a named account, CDK would ask AWS for its zones although they are given: this answers in advance. */
  private answerZoneQuestion({ account, region, availabilityZones }: DeploymentConfig): void {
    if (account === undefined || availabilityZones === undefined) return;
    this.node.setContext(`availability-zones:account=${account}:region=${region}`, availabilityZones);
  }

  private existing(config: DeploymentConfig, vpcId: string): FleetNetwork {
    new NothingOwned(this);
    return new ExistingNetwork(this, 'Network', {
      vpcId,
      vpcCidr: config.vpcCidr,
      egress: config.egress,
      availabilityZones: givenOption(config, 'availabilityZones'),
      ingressSubnetIds: givenOption(config, 'ingressSubnetIds'),
      taskSubnetIds: givenOption(config, 'taskSubnetIds'),
      dataSubnetIds: givenOption(config, 'dataSubnetIds'),
    });
  }
}
