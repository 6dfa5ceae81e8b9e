import { CfnClusterCapacityProviderAssociations, Cluster, ContainerInsights } from 'aws-cdk-lib/aws-ecs';
import type { IVpc } from 'aws-cdk-lib/aws-ec2';
import { Construct } from 'constructs';
import { acknowledge } from '../shared/acknowledge';
import type { DeploymentConfig } from '../config/deployment-config';

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
  /** Lets the cluster start tasks on Fargate; must exist before the service is created and until it is deleted. */
  readonly capacityProviders: CfnClusterCapacityProviderAssociations;

  constructor(scope: Construct, id: string, props: IngestClusterProps) {
    super(scope, id);
    this.cluster = new Cluster(this, 'Cluster', {
      vpc: props.vpc,
      containerInsightsV2: insights[props.containerInsights],
    });
    this.capacityProviders = new CfnClusterCapacityProviderAssociations(this, 'CapacityProviders', {
      cluster: this.cluster.clusterName,
      capacityProviders: ['FARGATE', 'FARGATE_SPOT'],
      defaultCapacityProviderStrategy: [],
    });
    if (props.containerInsights === 'off') {
      acknowledge(this.cluster, {
        'AwsSolutions-ECS4': "containerInsights=off to save its cost; the service's own metrics carry the alarms",
      });
    }
  }
}
