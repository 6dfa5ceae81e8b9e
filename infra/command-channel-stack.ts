import { Duration, Stack } from 'aws-cdk-lib';
import type { StackProps } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import { CachePasswordRotation } from './cache/cache-password-rotation';
import type { CommandCache } from './shared/command-cache';
import { ExistingCache } from './cache/existing-cache';
import type { FleetFunction } from './shared/fleet-function';
import type { FleetNetwork } from './shared/fleet-network';
import { ManagedCache } from './cache/managed-cache';
import { NothingOwned } from './shared/nothing-owned';
import { givenOption } from './config/deployment-config';
import type { DeploymentConfig } from './config/deployment-config';
import type { CachePasswords } from './shared/cache-passwords';

export interface CommandChannelStackProps extends StackProps {
  readonly config: DeploymentConfig;
  readonly network: FleetNetwork;
  /** undefined with `cache=existing`. */
  readonly cachePasswords: CachePasswords | undefined;
}

/** The Valkey that carries operators' commands and the fleet's registry. */
export class CommandChannelStack extends Stack {
  readonly cache: CommandCache;
  /** undefined where no password is rotated. */
  readonly rotation: FleetFunction | undefined;

  constructor(scope: Construct, id: string, props: CommandChannelStackProps) {
    super(scope, id, props);
    const { config, network, cachePasswords } = props;
    if (cachePasswords === undefined) {
      new NothingOwned(this);
      this.cache = new ExistingCache(this, 'Cache', {
        host: givenOption(config, 'cacheHost'),
        port: config.cachePort,
        tls: config.cacheTls,
        username: config.cacheUsername,
        passwordSecretArn: givenOption(config, 'cachePasswordSecretArn'),
        securityGroupId: config.cacheSecurityGroupId,
      });
      return;
    }
    const name = `${config.name}-${config.environment}`;
    const cache = new ManagedCache(this, 'Cache', { config, network, passwords: cachePasswords, name });
    this.cache = cache;
    this.rotation = this.rotatePasswords(config, cachePasswords, cache.users.userIds);
  }

  private rotatePasswords(
    { redisRotationDays, logRetentionDays }: DeploymentConfig,
    passwords: CachePasswords,
    userIds: Readonly<Record<keyof CachePasswords, string>>,
  ): FleetFunction | undefined {
    if (redisRotationDays === 0) return undefined;
    const every = Duration.days(redisRotationDays);
    return new CachePasswordRotation(this, 'PasswordRotation', { passwords, userIds, every, logRetentionDays })
      .function;
  }
}
