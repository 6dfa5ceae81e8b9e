import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { PutSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { SecretsManager } from '../../../service/aws/secrets-manager';
import type { StoredSecret } from '../../../service/config/stored-secret';
import { startSecretsManager, type SecretsManagerStandIn } from '../../support/aws/secrets-manager';
import { useEnvironment } from '../../support/environment';
import { STAND_IN_ENVIRONMENT, STAND_IN_REGION } from '../../support/aws/stand-in-identity';

const environment = useEnvironment();
let keeper: SecretsManagerStandIn;
let secrets: SecretsManager;
beforeEach(async () => {
  keeper = await startSecretsManager();
  environment.set({ ...STAND_IN_ENVIRONMENT, AWS_ENDPOINT_URL_SECRETS_MANAGER: keeper.endpoint });
  secrets = new SecretsManager();
});
afterEach(async () => {
  secrets.close();
  await keeper.stop();
});

function store(name: string, value: string, field = 'secret'): StoredSecret {
  return { arn: keeper.createSecret(name, value), region: STAND_IN_REGION, field };
}

describe('a secret', () => {
  test('is the whole text, or the named field of a JSON object', async () => {
    expect(await secrets.read(store('plain', 'open sesame'))).toBe('open sesame');
    expect(await secrets.read(store('json', '{"secret":"in a field","other":1}'))).toBe('in a field');
    expect(await secrets.read(store('brace', '{no json'))).toBe('{no json');
  });

  test('without that field says so, and nothing of what it holds', async () => {
    const reading = secrets.read(store('other', '{"password":"hunter2"}'));
    await expect(reading).rejects.toThrow('the secret is a JSON object without a text field "secret"');
    await expect(secrets.read(store('number', '{"secret":12345}'))).rejects.not.toThrow(/12345/);
  });

  test('is read as it is now, not as it was', async () => {
    const stored = store('rotating', 'first');
    expect(await secrets.read(stored)).toBe('first');
    await keeper.client.send(new PutSecretValueCommand({ SecretId: stored.arn, SecretString: 'second' }));
    expect(await secrets.read(stored)).toBe('second');
  });

  test('is read as it was before its last change, if it has changed', async () => {
    const stored = store('rotated', 'first');
    await expect(secrets.readPrevious(stored)).rejects.toThrow();
    await keeper.client.send(new PutSecretValueCommand({ SecretId: stored.arn, SecretString: 'second' }));
    expect(await secrets.readPrevious(stored)).toBe('first');
  });

  test('that is not there is named by the answer of AWS', async () => {
    const arn = `arn:aws:secretsmanager:${STAND_IN_REGION}:123456789012:secret:gone-AbCdEf`;
    const reading = secrets.read({ arn, region: STAND_IN_REGION, field: 'secret' });
    await expect(reading).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
  });

  test('of a pair in one secret comes with its other half, of one version', async () => {
    const pair = store('pair', '{"cert":"C","key":"K"}', 'cert');
    expect(await secrets.readPair(pair, { ...pair, field: 'key' })).toEqual(['C', 'K']);
    expect(keeper.calls).toHaveLength(1);
    expect(await secrets.readPair(store('c', 'C2'), store('k', 'K2'))).toEqual(['C2', 'K2']);
  });
});

test('a keeper that never answers is given up in time', async () => {
  const silent = createServer((socket) => socket.on('error', () => undefined).resume()).listen(0, '127.0.0.1');
  await once(silent, 'listening');
  environment.set({
    AWS_ENDPOINT_URL_SECRETS_MANAGER: `http://127.0.0.1:${(silent.address() as AddressInfo).port}`,
  });
  const patient = new SecretsManager();
  await expect(patient.read(store('any', 'x'))).rejects.toThrow();
  patient.close();
  silent.close();
}, 20_000);
