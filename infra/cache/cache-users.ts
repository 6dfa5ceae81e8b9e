import { CfnUser, CfnUserGroup } from 'aws-cdk-lib/aws-elasticache';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import { cacheAccess } from './cache-access';
import { keptIf } from '../shared/removal';

export interface CacheUsersProps {
  /** The start of every id: user ids are unique in an account and region. */
  readonly prefix: string;
  readonly redisChannel: string;
  /** Password of each user, by the role it has in `cacheAccess`. */
  readonly passwords: Readonly<Record<'service' | 'operator' | 'publisher', ISecret>>;
  /** Whether the users are kept, as the cache is: a group cannot be deleted before its cache. */
  readonly keep: boolean;
}

/** Name with which each role logs in. Clients that know only a password are the user `default`. */
export const cacheUserNames = { service: 'service', operator: 'operator', publisher: 'default' } as const;

type Role = keyof typeof cacheUserNames;

/** The users of the cache, each with its own rights and its own password. */
export class CacheUsers extends Construct {
  readonly userGroupId: string;
  /** ElastiCache ids of the users, for the rotation of their passwords. */
  readonly userIds: Readonly<Record<Role, string>>;

  constructor(scope: Construct, id: string, props: CacheUsersProps) {
    super(scope, id);
    const access = cacheAccess(props.redisChannel);
    const user = (constructId: string, role: Role) =>
      new CfnUser(this, constructId, {
        engine: 'valkey',
        userId: `${props.prefix}-${role}`,
        userName: cacheUserNames[role],
        accessString: access[role],
        // Rendered as a reference that CloudFormation resolves at deploy: the template does not hold the password.
        authenticationMode: { Type: 'password', Passwords: [props.passwords[role].secretValue.unsafeUnwrap()] },
      });
    const users = { service: user('Service', 'service'), operator: user('Operator', 'operator') };
    const publisher = user('Publisher', 'publisher');
    const members = [users.service, users.operator, publisher];
    // One after the other: while one user changes, the group refuses a change of another.
    users.operator.addResourceDependency(users.service);
    publisher.addResourceDependency(users.operator);
    const group = new CfnUserGroup(this, 'Group', {
      engine: 'valkey',
      userGroupId: `${props.prefix}-cache`,
      userIds: members.map((member) => member.ref),
    });
    for (const resource of [...members, group]) resource.applyRemovalPolicy(keptIf(props.keep));
    this.userGroupId = group.ref;
    this.userIds = { service: users.service.ref, operator: users.operator.ref, publisher: publisher.ref };
  }
}
