import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';

/** Passwords of the cache's users, one secret each, so that each can be changed separately. */
export interface CachePasswords {
  readonly service: ISecret;
  readonly operator: ISecret;
  readonly publisher: ISecret;
}
