import type { IVpc, ISecurityGroup, SubnetSelection } from 'aws-cdk-lib/aws-ec2';
import { CfnServerlessCache } from 'aws-cdk-lib/aws-elasticache';
import { Construct } from 'constructs';
import { cacheGigabytes } from '../config/cache-load';
import { keptIf } from '../shared/removal';

export interface CacheInstanceProps {
  /** Physical name; unique in an account and region. */
  readonly name: string;
  readonly vpc: IVpc;
  readonly subnets: SubnetSelection;
  readonly securityGroup: ISecurityGroup;
  readonly userGroupId: string;
  /** Kept when its stack is deleted. */
  readonly keep: boolean;
}

export interface ServerlessCacheProps extends CacheInstanceProps {
  /** Limit of its load (ECPU/s), and so of the bill. */
  readonly ecpuPerSecond: number;
}

/**
 * Valkey on ElastiCache Serverless: always TLS, several zones, no maintenance window. To clients it is a single node
 * that owns every slot, so they need no cluster mode. Priced by stored data (100 MB at least) and requests.
 */
export class ServerlessCache extends Construct {
  readonly host: string;

  constructor(scope: Construct, id: string, props: ServerlessCacheProps) {
    super(scope, id);
    const cache = new CfnServerlessCache(this, 'Cache', {
      engine: 'valkey',
      majorEngineVersion: '8',
      serverlessCacheName: props.name,
      description: 'Commands and registry of the RTMP fleet',
      subnetIds: props.vpc.selectSubnets(props.subnets).subnetIds,
      securityGroupIds: [props.securityGroup.securityGroupId],
      userGroupId: props.userGroupId,
      cacheUsageLimits: {
        dataStorage: { maximum: cacheGigabytes, unit: 'GB' },
        ecpuPerSecond: { maximum: props.ecpuPerSecond },
      },
    });
    cache.applyRemovalPolicy(keptIf(props.keep));
    this.host = cache.attrEndpointAddress;
  }
}
