import { randomBytes } from 'node:crypto';
import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import type { LambdaLogger } from '../shared/lambda-logger';
import { secretField } from '../../service/aws/secret-text';
import { replaceSecretField } from './secret-value';
import type { ProbeOutcome } from './callback-probe';
import type { RotationEvent } from '../shared/rotation-event';
import { carryOutStep, currentText, pendingVersion } from '../shared/secret-rotation';

export interface RotationDependencies {
  readonly client: SecretsManagerClient;
  readonly log: LambdaLogger;
  /** Asks the callback whether it accepts a token signed with this secret. */
  readonly probe: (secret: string) => Promise<ProbeOutcome>;
  readonly probeTimeoutMs: number;
  /** How long a warm copy of the callback may not know a version after it was created (ms). */
  readonly settleMs: number;
  readonly now: () => number;
  readonly sleep: (delayMs: number) => Promise<void>;
}

const FIELD = 'secret';
/** 384 random bits, 64 characters. */
const SECRET_BYTES = 48;
const MIN_RETRY_MS = 500;
const MAX_RETRY_MS = 5_000;

/** The callback did not accept the new secret in time; the old one stays in use. */
export class ProbeFailed extends Error {
  override readonly name = 'ProbeFailed';
}

/**
 * Waits until every copy of the callback accepts the new secret: one copy has answered a probe, and all have had to
 * read their secrets again since the new version was created. Only then may it be used for signing.
 *
 * Secrets Manager also runs this step alone, to try a new schedule out: with a version that has the current value, or
 * none. Then there is nothing to wait for, and the callback has to accept the current secret.
 */
async function testSecret(event: RotationEvent, dependencies: RotationDependencies): Promise<void> {
  const { probe, now, sleep, log } = dependencies;
  const pending = await pendingVersion(event, dependencies.client);
  const current = await currentText(event, dependencies.client);
  const isTrial = pending === undefined || pending.SecretString === current;
  const secret = secretField(isTrial ? current : pending.SecretString, FIELD);
  const startedAtMs = now();
  const createdAtMs = Math.min(pending?.CreatedDate?.getTime() ?? startedAtMs, startedAtMs);
  const knownEverywhereAtMs = isTrial ? startedAtMs : createdAtMs + dependencies.settleMs;
  const deadlineMs = startedAtMs + dependencies.probeTimeoutMs;

  for (let retryMs = MIN_RETRY_MS; ; retryMs = Math.min(retryMs * 2, MAX_RETRY_MS)) {
    const outcome = await probe(secret);
    const waitMs = outcome.accepted ? knownEverywhereAtMs - now() : retryMs * (0.5 + Math.random() / 2);
    if (outcome.accepted && waitMs <= 0) return;
    if (!outcome.accepted) log.warning('probe not accepted', { answer: outcome.answer });
    if (now() + waitMs > deadlineMs) {
      const reason = outcome.accepted ? 'its copies may still be without it' : `the last answer was ${outcome.answer}`;
      throw new ProbeFailed(`the callback did not take the new secret within the time-out: ${reason}`);
    }
    await sleep(waitMs);
  }
}

/**
 * Carries out one step of a rotation. Every step can be repeated at any time.
 * @throws RotationRefused for a token or stage that does not fit, ProbeFailed, or Secrets Manager's error.
 */
export async function rotate(event: RotationEvent, dependencies: RotationDependencies): Promise<void> {
  await carryOutStep(event, dependencies, {
    newText: async () => {
      const text = randomBytes(SECRET_BYTES).toString('base64url');
      return replaceSecretField(await currentText(event, dependencies.client), FIELD, text);
    },
    // Nothing to set: no other system holds a copy of a signing secret.
    test: () => testSecret(event, dependencies),
  });
}
