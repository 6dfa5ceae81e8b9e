import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import type { StoredSecret } from '../config/stored-secret';
import { secretField } from './secret-text';

/** Reads the present text of one secret, within a time limit. */
export type ReadSecret = (secret: StoredSecret) => Promise<string>;

/** Time limit of one read, with the SDK's retries and the time to get credentials. */
const READ_TIMEOUT_MS = 8_000;
const CONNECT_TIMEOUT_MS = 1_000;
const REQUEST_TIMEOUT_MS = 2_000;

/**
 * AWS Secrets Manager. The SDK is loaded with the first read, and credentials come from where it finds them: on ECS
 * from the task's role.
 */
export class SecretsManager {
  readonly #clients = new Map<string, Promise<SecretsManagerClient>>();

  /** @throws SecretFormatError, Secrets Manager's error, or a time-out */
  readonly read: ReadSecret = async (secret) => secretField(await this.#text(secret), secret.field);

  /** The text before the last change. @throws like `read`, and when the secret has never changed */
  readonly readPrevious: ReadSecret = async (secret) =>
    secretField(await this.#text(secret, 'AWSPREVIOUS'), secret.field);

  /** Reads two fields; those of one secret in one read, so that both are of the same version. */
  async readPair(first: StoredSecret, second: StoredSecret): Promise<[string, string]> {
    if (first.arn !== second.arn) return Promise.all([this.read(first), this.read(second)]);
    const text = await this.#text(first);
    return [secretField(text, first.field), secretField(text, second.field)];
  }

  /** Closes the connections. */
  close(): void {
    for (const client of this.#clients.values()) {
      client.then(
        (opened) => opened.destroy(),
        () => undefined,
      );
    }
    this.#clients.clear();
  }

  async #text({ arn, region }: StoredSecret, stage?: string): Promise<string | undefined> {
    const late = AbortSignal.timeout(READ_TIMEOUT_MS);
    const answer = await Promise.race([this.#request(arn, stage, region, late), rejection(late)]);
    return answer.SecretString;
  }

  async #request(arn: string, stage: string | undefined, region: string, signal: AbortSignal) {
    const { GetSecretValueCommand } = await import('./aws-sdk');
    const client = await this.#client(region);
    return client.send(new GetSecretValueCommand({ SecretId: arn, VersionStage: stage }), { abortSignal: signal });
  }

  #client(region: string): Promise<SecretsManagerClient> {
    const known = this.#clients.get(region);
    if (known !== undefined) return known;
    const client = import('./aws-sdk').then(
      ({ SecretsManagerClient }) =>
        new SecretsManagerClient({
          region,
          maxAttempts: 3,
          requestHandler: {
            connectionTimeout: CONNECT_TIMEOUT_MS,
            requestTimeout: REQUEST_TIMEOUT_MS,
            throwOnRequestTimeout: true,
          },
        }),
    );
    this.#clients.set(region, client);
    return client;
  }
}

/**
 * Rejects at the time limit: the SDK obeys an abort signal during a request, but not while it looks for credentials.
 */
function rejection(late: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    late.addEventListener('abort', () => reject(new Error(`no answer within ${READ_TIMEOUT_MS / 1000} s`)));
  });
}
