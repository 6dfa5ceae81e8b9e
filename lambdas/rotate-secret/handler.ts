import { setTimeout as sleep } from 'node:timers/promises';
import { createSecretsManagerClient } from '../shared/aws-clients';
import { createLambdaLogger } from '../shared/lambda-logger';
import { probeCallback, type ProbeTarget } from './callback-probe';
import { rotate, type RotationDependencies } from './rotate';
import { loadRotationConfig } from './rotation-config';
import { parseRotationEvent } from '../shared/rotation-event';

const config = loadRotationConfig(process.env);
const client = createSecretsManagerClient();
const { region, credentials } = client.config;

const target: ProbeTarget = {
  url: config.callbackUrl,
  subject: config.jwtSubject,
  identity: config.callbackAuth === 'sigv4' ? { region, credentials } : undefined,
};

const dependencies: RotationDependencies = {
  client,
  log: createLambdaLogger(),
  probe: (secret) => probeCallback(target, secret),
  probeTimeoutMs: config.probeTimeoutMs,
  settleMs: config.settleMs,
  now: Date.now,
  sleep: (delayMs) => sleep(delayMs),
};

/** Called by Secrets Manager, once for each step. */
export async function handler(event: unknown): Promise<void> {
  await rotate(parseRotationEvent(event), dependencies);
}
