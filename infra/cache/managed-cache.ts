import { SecurityGroup } from 'aws-cdk-lib/aws-ec2';
import type { IConnectable } from 'aws-cdk-lib/aws-ec2';
import { Construct } from 'constructs';
import { cacheCap } from '../config/cache-load';
import type { DeploymentConfig } from '../config/deployment-config';
import type { CachePasswords } from '../shared/cache-passwords';
import { CacheUsers, cacheUserNames } from './cache-users';
import type { CacheLogin, CommandCache } from '../shared/command-cache';
import type { FleetNetwork } from '../shared/fleet-network';
import { NodeCache } from './node-cache';
import { keptIf } from '../shared/removal';
import { ServerlessCache } from './serverless-cache';

export interface ManagedCacheProps {
  readonly config: Pick<
    DeploymentConfig,
    'cache' | 'cacheNodeType' | 'maxTasks' | 'protectData' | 'redisChannel' | 'scaleSchedule' | 'slots'
  >;
  readonly network: FleetNetwork;
  readonly passwords: CachePasswords;
  /** Physical name of the cache, and the start of its users' ids. */
  readonly name: string;
}

/** The deployment's own Valkey. Its security group is closed: each client's stack opens it for that client. */
export class ManagedCache extends Construct implements CommandCache {
  readonly host: string;
  readonly port = 6379;
  readonly tls = true;
  readonly connectable: IConnectable;
  readonly service: CacheLogin;
  readonly operator: CacheLogin;
  readonly users: CacheUsers;

  constructor(scope: Construct, id: string, props: ManagedCacheProps) {
    super(scope, id);
    const { config, network, passwords, name } = props;
    const { redisChannel, protectData: keep } = config;
    this.users = new CacheUsers(this, 'Users', { prefix: name, redisChannel, passwords, keep });
    const securityGroup = new SecurityGroup(this, 'SecurityGroup', {
      vpc: network.vpc,
      description: 'Command channel of the RTMP fleet',
      allowAllOutbound: false,
    });
    securityGroup.applyRemovalPolicy(keptIf(keep));
    const instance = {
      name,
      vpc: network.vpc,
      subnets: network.data,
      securityGroup,
      userGroupId: this.users.userGroupId,
      keep,
    };
    const cache =
      config.cache === 'nodes'
        ? new NodeCache(this, 'Nodes', { ...instance, nodeType: config.cacheNodeType })
        : new ServerlessCache(this, 'Serverless', { ...instance, ecpuPerSecond: cacheCap(config) });
    this.host = cache.host;
    this.connectable = securityGroup;
    this.service = { username: cacheUserNames.service, password: passwords.service };
    this.operator = { username: cacheUserNames.operator, password: passwords.operator };
  }
}
