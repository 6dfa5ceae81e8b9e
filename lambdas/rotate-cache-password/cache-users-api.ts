import { Sha256 } from '@aws-crypto/sha256-js';
import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SignatureV4 } from '@smithy/signature-v4';

/** The region and credentials that sign the requests, as in an SDK client's configuration. */
export type SigningIdentity = Pick<SecretsManagerClient['config'], 'region' | 'credentials'>;

export interface CacheUser {
  /** `active`, `modifying` or `deleting`. */
  readonly status: string;
  readonly passwordCount: number;
}

/** ElastiCache refused, or did not answer as expected. The message never holds a password. */
export class CacheUsersApiError extends Error {
  override readonly name = 'CacheUsersApiError';

  constructor(
    message: string,
    /** ElastiCache's code. @default - the answer could not be understood */
    readonly code?: string,
  ) {
    super(message);
  }

  /** The user, or another user of its group, is being changed: a later call may succeed. */
  get isBusy(): boolean {
    return this.code !== undefined && /^(InvalidUserState|InvalidUserGroupState|Throttling)/.test(this.code);
  }
}

const requestTimeoutMs = 10_000;

/**
 * The two calls of ElastiCache that a rotation needs, over its query protocol (API version 2015-02-02): two form posts
 * are not worth a client library.
 */
export class CacheUsersApi {
  constructor(
    private readonly endpoint: URL,
    private readonly identity: SigningIdentity,
  ) {}

  /** Replaces the user's valid passwords by these. Returns before every node of the cache knows them. */
  async setPasswords(userId: string, passwords: readonly string[]): Promise<void> {
    const members = passwords.map((password, index): [string, string] => [`Passwords.member.${index + 1}`, password]);
    await this.call({ Action: 'ModifyUser', UserId: userId, ...Object.fromEntries<string>(members) });
  }

  async describe(userId: string): Promise<CacheUser> {
    const answer = await this.call({ Action: 'DescribeUsers', UserId: userId });
    const status = /<Status>([\w-]+)<\/Status>/.exec(answer)?.[1];
    if (status === undefined) throw new CacheUsersApiError(`DescribeUsers did not tell the status of ${userId}`);
    return { status, passwordCount: Number(/<PasswordCount>(\d+)<\/PasswordCount>/.exec(answer)?.[1] ?? 0) };
  }

  private async call(parameters: Readonly<Record<string, string>>): Promise<string> {
    const body = new URLSearchParams({ ...parameters, Version: '2015-02-02' }).toString();
    const response = await fetch(this.endpoint, {
      method: 'POST',
      headers: await this.signedHeaders(body),
      body,
      signal: AbortSignal.timeout(requestTimeoutMs),
    });
    const answer = await response.text();
    if (response.ok) return answer;
    const code = /<Code>([\w.]+)<\/Code>/.exec(answer)?.[1] ?? 'no code';
    throw new CacheUsersApiError(`${parameters.Action} was answered with status ${response.status}, ${code}`, code);
  }

  private async signedHeaders(body: string): Promise<Record<string, string>> {
    const signer = new SignatureV4({ ...this.identity, service: 'elasticache', sha256: Sha256 });
    const { headers } = await signer.sign({
      method: 'POST',
      protocol: this.endpoint.protocol,
      hostname: this.endpoint.hostname,
      path: this.endpoint.pathname,
      headers: { 'content-type': 'application/x-www-form-urlencoded; charset=utf-8', host: this.endpoint.host },
      body,
    });
    // The HTTP client writes the host header itself, with the value that was signed.
    return Object.fromEntries(Object.entries(headers).filter(([name]) => name !== 'host'));
  }
}
