import { setTimeout as sleep } from 'node:timers/promises';
import { createSecretsManagerClient } from '../shared/aws-clients';
import { createLambdaLogger } from '../shared/lambda-logger';
import { parseRotationEvent } from '../shared/rotation-event';
import { CacheUsersApi } from './cache-users-api';
import { rotatePassword } from './rotate-password';
import { loadRotationSettings } from './rotation-settings';

const settings = loadRotationSettings(process.env);
const client = createSecretsManagerClient();

/** Called by Secrets Manager, once for each step of the rotation of a cache user's password. */
export async function handler(event: unknown): Promise<void> {
  await rotatePassword(parseRotationEvent(event), {
    client,
    users: new CacheUsersApi(settings.endpoint, client.config),
    userOf: settings.userOf,
    log: createLambdaLogger(),
    // A step waits twice: eight minutes on average, twelve at most, within the function's fifteen.
    attempts: 25,
    pauseMs: 10_000,
    sleep: (delayMs) => sleep(delayMs),
  });
}
