import { Cluster, ContainerInsights } from 'aws-cdk-lib/aws-ecs';
import type { IVpc } from 'aws-cdk-lib/aws-ec2';
import { Construct } from 'constructs';
import { acknowledge } from '../acknowledge';
import type { DeploymentConfig } from '../deployment-config';

export interface IngestClusterProps {
  readonly vpc: IVpc;
  readonly containerInsights: DeploymentConfig['containerInsights'];
}

const insights = {
  off: ContainerInsights.DISABLED,
  on: ContainerInsights.ENABLED,
  enhanced: ContainerInsights.ENHANCED,
} as const;

/** The cluster of the service's tasks; nothing else runs in it. */
export class IngestCluster extends Construct {
  readonly cluster: Cluster;

  constructor(scope: Construct, id: string, props: IngestClusterProps) {
    super(scope, id);
    this.cluster = new Cluster(this, 'Cluster', {
      vpc: props.vpc,
      enableFargateCapacityProviders: true,
      containerInsightsV2: insights[props.containerInsights],
    });
    if (props.containerInsights === 'off') {
      acknowledge(this.cluster, {
        'AwsSolutions-ECS4': "containerInsights=off to save its cost; the service's own metrics carry the alarms",
      });
    }
  }
}
