import { randomUUID } from 'node:crypto';
import { createSecretsManagerClient } from '../shared/aws-clients';
import { createLambdaLogger, writeToStdout } from '../shared/lambda-logger';
import { connectKeys } from '../stream-keys/keys-config';
import { runCanary } from './canary';
import { loadCanaryConfig } from './canary-config';
import { readCanaryKey } from './canary-key';
import type { ListenerResult } from './canary-metrics';
import { registerKey } from './register-key';
import { roundTrip } from '../../service/round-trip/round-trip';

/** For two seconds of stream, and the time to connect, decide and relay. */
const LISTENER_TIMEOUT_MS = 12_000;

const config = loadCanaryConfig(process.env);
const secretsManager = createSecretsManagerClient();
const keys = config.registersKey ? connectKeys(process.env, createLambdaLogger()) : undefined;

/** Called by a schedule; invoked by hand, it returns the same results as the metrics. */
export async function handler(): Promise<readonly ListenerResult[]> {
  return runCanary({
    targets: config.targets,
    metricNamespace: config.metricNamespace,
    readKey: () => readCanaryKey(secretsManager, config.keyArn),
    ...(keys && { registerKey: (key) => registerKey(key, keys) }),
    tryListener: (address, key) =>
      roundTrip({ address, key, nonce: randomUUID(), timeoutMs: LISTENER_TIMEOUT_MS, tlsCa: config.tlsCa }),
    write: writeToStdout,
  });
}
