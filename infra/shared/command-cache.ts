import type { IConnectable } from 'aws-cdk-lib/aws-ec2';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';

/** The user name and password of a client of the cache. */
export interface CacheLogin {
  /** undefined: the `default` user, known by its password alone. */
  readonly username: string | undefined;
  readonly password: ISecret;
}

/** The Redis or Valkey that carries commands and the fleet's registry, wherever it comes from. */
export interface CommandCache {
  readonly host: string;
  readonly port: number;
  readonly tls: boolean;
  /**
   * The cache's security group, to be opened for clients; undefined for an existing cache whose group was not named.
   */
  readonly connectable: IConnectable | undefined;
  readonly service: CacheLogin;
  readonly operator: CacheLogin;
}
