import { Stack } from 'aws-cdk-lib';
import type { StackProps } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { ExistingNetwork } from './constructs/existing-network';
import type { FleetNetwork } from './constructs/fleet-network';
import { NewNetwork } from './constructs/new-network';
import type { DeploymentConfig } from './deployment-config';

export interface NetworkStackProps extends StackProps {
  readonly config: DeploymentConfig;
}

/** Where everything lives: a new VPC, or an existing one by its ids. */
export class NetworkStack extends Stack {
  readonly network: FleetNetwork;

  constructor(scope: Construct, id: string, props: NetworkStackProps) {
    super(scope, id, props);
    const { vpcId, vpcCidr, availabilityZones, ingressSubnetIds, taskSubnetIds, dataSubnetIds } = props.config;
    this.network =
      vpcId === undefined
        ? new NewNetwork(this, 'Network', props.config)
        : new ExistingNetwork(this, 'Network', {
            vpcId,
            egress: props.config.egress,
            vpcCidr,
            availabilityZones: availabilityZones ?? [],
            ingressSubnetIds: ingressSubnetIds ?? [],
            taskSubnetIds: taskSubnetIds ?? [],
            dataSubnetIds: dataSubnetIds ?? [],
          });
  }
}
