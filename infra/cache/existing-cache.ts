import { SecurityGroup } from 'aws-cdk-lib/aws-ec2';
import type { IConnectable } from 'aws-cdk-lib/aws-ec2';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import type { CacheLogin, CommandCache } from '../shared/command-cache';

export interface ExistingCacheProps {
  readonly host: string;
  readonly port: number;
  readonly tls: boolean;
  /** @default - the `default` user, known by its password alone */
  readonly username?: string;
  readonly passwordSecretArn: string;
  /**
   * Opened to the service and the operator function.
   * @default - nothing is opened here: the cache's owner admits the output `ServiceSecurityGroup`
   */
  readonly securityGroupId?: string;
}

/** A Redis (6.2 or newer) or Valkey that exists already and is reachable from the VPC. */
export class ExistingCache extends Construct implements CommandCache {
  readonly host: string;
  readonly port: number;
  readonly tls: boolean;
  readonly connectable: IConnectable | undefined;
  readonly service: CacheLogin;
  readonly operator: CacheLogin;

  constructor(scope: Construct, id: string, props: ExistingCacheProps) {
    super(scope, id);
    this.host = props.host;
    this.port = props.port;
    this.tls = props.tls;
    const { securityGroupId } = props;
    this.connectable =
      securityGroupId === undefined
        ? undefined
        : SecurityGroup.fromSecurityGroupId(this, 'SecurityGroup', securityGroupId, { allowAllOutbound: true });
    const password = Secret.fromSecretCompleteArn(this, 'Password', props.passwordSecretArn);
    this.service = { username: props.username, password };
    this.operator = this.service;
  }
}
