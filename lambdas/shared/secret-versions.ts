import { GetSecretValueCommand, type SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { describeError } from '../../service/errors/error-text';
import type { LambdaLogger } from './lambda-logger';
import { secretField } from '../../service/aws/secret-text';

/** Staging labels in the order in which they are read. */
export type SecretStage = 'AWSPENDING' | 'AWSCURRENT' | 'AWSPREVIOUS';

/**
 * Pending first: labels move pending -> current -> previous, so a rotation that ends between two reads hides no version
 * from a reader that reads in the same direction.
 */
export const ALL_STAGES: readonly SecretStage[] = ['AWSPENDING', 'AWSCURRENT', 'AWSPREVIOUS'];

export interface SecretVersionsOptions {
  readonly client: SecretsManagerClient;
  readonly secretId: string;
  /** Field to take when the secret is a JSON object. */
  readonly field: string;
  /** Stages to read, in the order of ALL_STAGES. Only AWSCURRENT must exist. */
  readonly stages: readonly SecretStage[];
  readonly log: LambdaLogger;
  /** How long a read value is used before the secret is read again. */
  readonly maxAgeMs: number;
  /** Shortest time between two reads that callers request; limits the cost of a stream of bad tokens. */
  readonly minRefetchMs?: number;
  /** How long callers wait for a read when there is a cached value; default 1 s. */
  readonly patienceMs?: number;
  readonly now?: () => number;
}

const DEFAULT_MIN_REFETCH_MS = 5_000;
/** A read that takes longer than this ends in the background when there is a cached value to serve meanwhile (ms). */
const PATIENCE_MS = 1_000;

/**
 * The texts of a secret's live versions, cached for the life of the container. While Secrets Manager is unavailable,
 * the last texts stay in use.
 */
export class SecretVersions {
  readonly #options: SecretVersionsOptions;
  readonly #now: () => number;
  #values: readonly string[] | undefined;
  /** When the last successful read began; a version staged after that may be missing. */
  #readAtMs = Number.NEGATIVE_INFINITY;
  #attemptedAtMs = Number.NEGATIVE_INFINITY;
  #reading: Promise<readonly string[]> | undefined;

  constructor(options: SecretVersionsOptions) {
    this.#options = options;
    this.#now = options.now ?? Date.now;
  }

  /** @throws Secrets Manager's error, when nothing has been read yet. */
  async values(): Promise<readonly string[]> {
    if (this.#values === undefined) return this.#refresh();
    const fresh = this.#now() - this.#readAtMs < this.#options.maxAgeMs;
    const failedJustNow = this.#attemptedAtMs > this.#readAtMs && this.#triedJustNow();
    return fresh || failedJustNow ? this.#values : this.#refreshOr(this.#values);
  }

  /** Reads again before the cached values expire; undefined when the last attempt was a moment ago. */
  async refetch(): Promise<readonly string[] | undefined> {
    if (this.#reading !== undefined) return this.#reading;
    return this.#triedJustNow() ? undefined : this.#refresh();
  }

  #triedJustNow(): boolean {
    return this.#now() - this.#attemptedAtMs < (this.#options.minRefetchMs ?? DEFAULT_MIN_REFETCH_MS);
  }

  /** The values of a new read or, when it takes too long, the cached values: callers have their own time limits. */
  async #refreshOr(cached: readonly string[]): Promise<readonly string[]> {
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise<readonly string[]>((resolve) => {
      timer = setTimeout(() => resolve(cached), this.#options.patienceMs ?? PATIENCE_MS);
    });
    try {
      return await Promise.race([this.#refresh(), patience]);
    } finally {
      clearTimeout(timer);
    }
  }

  async #refresh(): Promise<readonly string[]> {
    this.#reading ??= this.#read().finally(() => (this.#reading = undefined));
    return this.#reading;
  }

  async #read(): Promise<readonly string[]> {
    const startedAtMs = this.#now();
    this.#attemptedAtMs = startedAtMs;
    try {
      const values = new Set<string>();
      for (const stage of this.#options.stages) {
        const value = await this.#readStage(stage);
        if (value !== undefined) values.add(value);
      }
      this.#values = [...values];
      this.#readAtMs = startedAtMs;
      return this.#values;
    } catch (error) {
      if (this.#values === undefined) throw error;
      const { log, secretId } = this.#options;
      log.warning('secret could not be read, the cached value serves', { secretId, error: describeError(error) });
      return this.#values;
    }
  }

  async #readStage(stage: SecretStage): Promise<string | undefined> {
    const { client, secretId, field } = this.#options;
    try {
      const answer = await client.send(new GetSecretValueCommand({ SecretId: secretId, VersionStage: stage }));
      return secretField(answer.SecretString, field);
    } catch (error) {
      if (stage !== 'AWSCURRENT' && error instanceof Error && error.name === 'ResourceNotFoundException') {
        return undefined;
      }
      throw error;
    }
  }
}
