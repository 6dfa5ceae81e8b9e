import { Duration, Stack } from 'aws-cdk-lib';
import { PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import type { CachePasswords } from '../shared/cache-passwords';
import { FleetFunction } from '../shared/fleet-function';
import { rotateBySchedule } from '../shared/rotate-secret';

export interface CachePasswordRotationProps {
  readonly passwords: CachePasswords;
  /** ElastiCache ids of the users that the passwords belong to. */
  readonly userIds: Readonly<Record<keyof CachePasswords, string>>;
  readonly every: Duration;
  readonly logRetentionDays: RetentionDays;
}

/** Rotates the password of each cache user; the previous password keeps working until the next rotation. */
export class CachePasswordRotation extends Construct {
  readonly function: FleetFunction;

  constructor(scope: Construct, id: string, props: CachePasswordRotationProps) {
    super(scope, id);
    const stack = Stack.of(this);
    const users = (['service', 'operator', 'publisher'] as const).map((role) => ({
      secret: props.passwords[role],
      userId: props.userIds[role],
    }));
    this.function = new FleetFunction(this, 'Function', {
      source: 'lambdas/rotate-cache-password',
      description: 'Rotates the passwords of the users of the command channel',
      // Three rotations of one group may coincide, and each waits for the previous one.
      timeout: Duration.minutes(15),
      logRetentionDays: props.logRetentionDays,
      environment: {
        CACHE_USERS: stack.toJsonString(users.map(({ secret, userId }) => ({ secretArn: secret.secretArn, userId }))),
      },
    });
    this.function.addToRolePolicy(
      new PolicyStatement({
        actions: ['elasticache:DescribeUsers', 'elasticache:ModifyUser'],
        resources: users.map(({ userId }) => stack.formatArn({ service: 'elasticache', resource: `user:${userId}` })),
      }),
    );
    for (const [index, { secret }] of users.entries()) {
      rotateBySchedule(this, `Schedule${index + 1}`, { secret, rotator: this.function, every: props.every });
    }
  }
}
