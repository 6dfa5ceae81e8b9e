import { CfnReplicationGroup, CfnSubnetGroup } from 'aws-cdk-lib/aws-elasticache';
import { Construct } from 'constructs';
import { acknowledge } from '../shared/acknowledge';
import type { CacheInstanceProps } from './serverless-cache';
import { keptIf } from '../shared/removal';

export interface NodeCacheProps extends CacheInstanceProps {
  /** Instance type, such as cache.t4g.micro. */
  readonly nodeType: string;
}

/**
 * Valkey on two small nodes, primary and replica in different zones. A failover moves the name within about a minute.
 */
export class NodeCache extends Construct {
  readonly host: string;

  constructor(scope: Construct, id: string, props: NodeCacheProps) {
    super(scope, id);
    const subnetGroup = new CfnSubnetGroup(this, 'Subnets', {
      description: 'Commands and registry of the RTMP fleet',
      subnetIds: props.vpc.selectSubnets(props.subnets).subnetIds,
    });
    const cache = new CfnReplicationGroup(this, 'Cache', {
      replicationGroupId: props.name,
      replicationGroupDescription: 'Commands and registry of the RTMP fleet',
      engine: 'valkey',
      engineVersion: '8.0',
      cacheNodeType: props.nodeType,
      clusterMode: 'disabled',
      numNodeGroups: 1,
      replicasPerNodeGroup: 1,
      automaticFailoverEnabled: true,
      multiAzEnabled: true,
      atRestEncryptionEnabled: true,
      transitEncryptionEnabled: true,
      transitEncryptionMode: 'required',
      cacheSubnetGroupName: subnetGroup.ref,
      securityGroupIds: [props.securityGroup.securityGroupId],
      userGroupIds: [props.userGroupId],
    });
    for (const resource of [subnetGroup, cache]) resource.applyRemovalPolicy(keptIf(props.keep));
    acknowledge(cache, {
      'AwsSolutions-AEC5': 'the port is no secret: the security group admits only the fleet, and users have passwords',
      'AwsSolutions-AEC6': 'users and passwords come from the user group, which replaces the single AUTH token',
    });
    this.host = cache.attrPrimaryEndPointAddress;
  }
}
