import { createDynamoDbClient, createSecretsManagerClient } from '../shared/aws-clients';
import { EventTokenVerifier } from '../shared/event-token-verifier';
import { createLambdaLogger } from '../shared/lambda-logger';
import { ALL_STAGES, SecretVersions } from '../shared/secret-versions';
import { loadCallbackConfig } from './callback-config';
import { createCallbackHandler } from './callback-handler';
import { StreamStore } from './stream-store';

const config = loadCallbackConfig(process.env);
const log = createLambdaLogger();
const client = createSecretsManagerClient();
const cache = { client, log, maxAgeMs: config.secretCacheMs };

const signingSecrets = new SecretVersions({
  ...cache,
  secretId: config.jwtSecretArn,
  field: 'secret',
  stages: ALL_STAGES,
});

export const handler = createCallbackHandler({
  verifier: new EventTokenVerifier(signingSecrets, config.jwtSubject),
  store: new StreamStore(createDynamoDbClient(), config.tableName, config.sessionTtlSeconds),
  peppers: new SecretVersions({
    ...cache,
    secretId: config.keyPepperArn,
    field: 'secret',
    stages: ['AWSCURRENT', 'AWSPREVIOUS'],
  }),
  whenBusyDefault: config.whenBusyDefault,
  log,
});
