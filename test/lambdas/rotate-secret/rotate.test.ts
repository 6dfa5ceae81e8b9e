import { randomUUID } from 'node:crypto';
import {
  GetSecretValueCommand,
  PutSecretValueCommand,
  RotateSecretCommand,
  UpdateSecretVersionStageCommand,
} from '@aws-sdk/client-secrets-manager';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { probeCallback } from '../../../lambdas/rotate-secret/callback-probe';
import { rotate, type RotationDependencies } from '../../../lambdas/rotate-secret/rotate';
import { parseRotationEvent, ROTATION_STEPS } from '../../../lambdas/shared/rotation-event';
import { SecretVersions } from '../../../lambdas/shared/secret-versions';
import { startFunctionUrl, type FunctionUrl } from '../../support/aws/function-url';
import { STAND_IN_CREDENTIALS, STAND_IN_REGION } from '../../support/aws/stand-in-identity';
import {
  SIGNING_SECRET,
  signEvent,
  startClaims,
  startLambdaFixture,
  stopClaims,
  type LambdaFixture,
} from '../lambda-fixture';

let fixture: LambdaFixture;
let functionUrl: FunctionUrl;

afterEach(async () => {
  await functionUrl.stop();
  await fixture.stop();
});

/** Time that passes only when somebody sleeps. */
function fakeClock() {
  let nowMs = Date.now();
  return { now: () => nowMs, sleep: async (delayMs: number) => void (nowMs += delayMs) };
}

function dependencies(more: Partial<RotationDependencies> = {}): RotationDependencies {
  const { client } = fixture.secretsManager;
  const { region, credentials } = client.config;
  const target = { url: new URL(functionUrl.url), subject: 'rtmp_event', identity: { region, credentials } };
  return {
    client,
    log: fixture.log,
    probe: (secret) => probeCallback(target, secret),
    probeTimeoutMs: 120_000,
    settleMs: 60_000,
    ...fakeClock(),
    ...more,
  };
}

function attach(rotation: RotationDependencies): void {
  fixture.secretsManager.onRotation(fixture.jwtSecretArn, (step) => rotate(parseRotationEvent(step), rotation));
}

/** Starts a rotation as a schedule does, and waits until it has ended. Returns the new version's id. */
async function rotateNow(token: string = randomUUID()): Promise<string> {
  await fixture.secretsManager.client.send(
    new RotateSecretCommand({ SecretId: fixture.jwtSecretArn, ClientRequestToken: token }),
  );
  await fixture.secretsManager.rotationsEnded();
  return token;
}

async function secretAt(stage: string): Promise<string | undefined> {
  const command = new GetSecretValueCommand({ SecretId: fixture.jwtSecretArn, VersionStage: stage });
  return (await fixture.secretsManager.client.send(command)).SecretString;
}

const iam = { ...STAND_IN_CREDENTIALS, region: STAND_IN_REGION, service: 'lambda' };

describe('a rotation', () => {
  beforeEach(async () => {
    fixture = await startLambdaFixture();
    functionUrl = await startFunctionUrl(fixture.createCallback({ minRefetchMs: 0 }), { iam });
  });

  test('puts a new random secret in use, keeps the old one as previous, through a signed probe', async () => {
    attach(dependencies());
    await rotateNow();
    const current = await secretAt('AWSCURRENT');
    expect(current).toMatch(/^[A-Za-z0-9_-]{64}$/);
    expect(await secretAt('AWSPREVIOUS')).toBe(SIGNING_SECRET);
    expect(functionUrl.denied).toEqual([]);
    await rotateNow();
    expect(await secretAt('AWSPREVIOUS')).toBe(current);
  });

  test('keeps the form of a JSON secret and its other fields', async () => {
    const json = JSON.stringify({ note: 'kept', secret: 'old' });
    await fixture.secretsManager.client.send(
      new PutSecretValueCommand({ SecretId: fixture.jwtSecretArn, SecretString: json }),
    );
    attach(dependencies());
    await rotateNow();
    const current = JSON.parse((await secretAt('AWSCURRENT')) ?? '') as Record<string, string>;
    expect(current['note']).toBe('kept');
    expect(current['secret']).toMatch(/^[A-Za-z0-9_-]{64}$/);
  });

  test('is not changed by any step that comes twice, or again after the end', async () => {
    const rotation = dependencies();
    fixture.secretsManager.onRotation(fixture.jwtSecretArn, async (step) => {
      const event = parseRotationEvent(step);
      await rotate(event, rotation);
      const pending = await secretAt('AWSPENDING');
      await rotate(event, rotation);
      expect(await secretAt('AWSPENDING')).toBe(pending);
    });
    const token = await rotateNow();
    const current = await secretAt('AWSCURRENT');
    for (const step of ROTATION_STEPS) await rotate({ secretId: fixture.jwtSecretArn, token, step }, rotation);
    expect(await secretAt('AWSCURRENT')).toBe(current);
    expect(await secretAt('AWSPREVIOUS')).toBe(SIGNING_SECRET);
  });

  test('ends with the old secret in use when the callback does not accept the new one, and can be taken up later', async () => {
    attach(dependencies({ probe: async () => ({ accepted: false, answer: 'status 401' }) }));
    const token = randomUUID();
    await expect(rotateNow(token)).rejects.toThrow(/did not take the new secret .* status 401/);
    expect(await secretAt('AWSCURRENT')).toBe(SIGNING_SECRET);
    attach(dependencies());
    await rotateNow(token);
    expect(await secretAt('AWSPREVIOUS')).toBe(SIGNING_SECRET);
  });

  test('waits until every warm copy must have read the new secret, though one accepts it at once', async () => {
    const clock = fakeClock();
    const beganAtMs = clock.now();
    attach(dependencies({ ...clock, settleMs: 60_000 }));
    await rotateNow();
    expect(clock.now() - beganAtMs).toBeGreaterThanOrEqual(60_000);
    attach(dependencies({ settleMs: 60_000, probeTimeoutMs: 30_000 }));
    await expect(rotateNow()).rejects.toThrow(/its copies may still be without it/);
  });

  test('without the credentials for the callback fails and says what was answered', async () => {
    const target = { url: new URL(functionUrl.url), subject: 'rtmp_event' };
    attach(dependencies({ probe: (secret) => probeCallback(target, secret), probeTimeoutMs: 5_000 }));
    await expect(rotateNow()).rejects.toThrow(/status 403/);
    expect(functionUrl.denied[0]).toBe('no AWS4-HMAC-SHA256 authorization header');
  });

  test('logs no secret', async () => {
    attach(dependencies());
    await rotateNow();
    const everything = fixture.log.lines.join('\n');
    expect(everything).not.toContain(await secretAt('AWSCURRENT'));
    expect(everything).not.toContain(SIGNING_SECRET);
  });
});

describe('a new schedule is tried out by the step testSecret alone', () => {
  beforeEach(async () => {
    fixture = await startLambdaFixture();
    functionUrl = await startFunctionUrl(fixture.createCallback({ minRefetchMs: 0 }), { iam });
  });

  const tryOut = async (value: string | undefined, rotation: RotationDependencies): Promise<void> => {
    const { arn: SecretId, token: ClientRequestToken } = fixture.secretsManager.announceRotation(fixture.jwtSecretArn);
    const pending = { SecretId, ClientRequestToken, VersionStages: ['AWSPENDING'] };
    if (value !== undefined) {
      await fixture.secretsManager.client.send(new PutSecretValueCommand({ ...pending, SecretString: value }));
    }
    await rotate(parseRotationEvent({ SecretId, ClientRequestToken, Step: 'testSecret' }), rotation);
  };

  test.each([
    ['the current value', SIGNING_SECRET],
    ['no value', undefined],
  ])('with a version that has %s: passes at once when the callback answers', async (_, value) => {
    const clock = fakeClock();
    const beganAtMs = clock.now();
    await tryOut(value, dependencies({ ...clock, settleMs: 60_000 }));
    expect(clock.now()).toBe(beganAtMs);
    expect(await secretAt('AWSCURRENT')).toBe(SIGNING_SECRET);
  });

  test('and fails when it does not', async () => {
    const deaf = dependencies({ probe: async () => ({ accepted: false, answer: 'status 403' }) });
    await expect(tryOut(undefined, deaf)).rejects.toThrow(/status 403/);
  });
});

describe('a step is refused', () => {
  beforeEach(async () => {
    fixture = await startLambdaFixture();
    functionUrl = await startFunctionUrl(fixture.createCallback({ minRefetchMs: 0 }));
  });

  const call = (token: string, step = 'createSecret') =>
    rotate(
      parseRotationEvent({ SecretId: fixture.jwtSecretArn, ClientRequestToken: token, Step: step }),
      dependencies(),
    );

  test('when rotation is not enabled', async () => {
    await expect(call(randomUUID())).rejects.toThrow('rotation is not enabled for the secret');
  });

  test('when the version was never announced', async () => {
    attach(dependencies());
    const token = randomUUID();
    await expect(call(token)).rejects.toThrow(`the secret has no version ${token}`);
  });

  test('when the version is not the pending one', async () => {
    attach(dependencies());
    const [first, second] = [await rotateNow(), await rotateNow()];
    expect(second).not.toBe(first);
    await expect(call(first, 'finishSecret')).rejects.toThrow(`version ${first} is not staged AWSPENDING`);
  });

  test('when a version without a value is to come into use', async () => {
    fixture.secretsManager.onRotation(fixture.jwtSecretArn, async () => undefined);
    const token = await rotateNow();
    await expect(call(token, 'finishSecret')).rejects.toThrow(`version ${token} has no value`);
    expect(await secretAt('AWSCURRENT')).toBe(SIGNING_SECRET);
  });

  test.each<[unknown, RegExp]>([
    [undefined, /no SecretId/],
    [{ SecretId: 'x' }, /no ClientRequestToken/],
    [{ SecretId: 'x', ClientRequestToken: 'y', Step: 'destroySecret' }, /Step must be one of createSecret, setSecret/],
  ])('when the event is %j', (event, message) => {
    expect(() => parseRotationEvent(event)).toThrow(message);
  });
});

/** A signed request may be this late on a busy machine; in use, the margin of rotation-config.ts is far longer. */
const IN_FLIGHT_MS = 2_000;

test('no publish is refused during rotations, with several warm callbacks and nodes that lag behind', async () => {
  fixture = await startLambdaFixture();
  const key = await fixture.createChannel('live');
  const cacheMs = 500;
  // One copy lags far behind the others, and no copy may reload just because it does not know a signature.
  const copies = [cacheMs, 20, 20, 20].map((secretCacheMs) =>
    fixture.createCallback({ secretCacheMs, minRefetchMs: 60_000 }),
  );
  let call = 0;
  functionUrl = await startFunctionUrl((event) => {
    call += 1;
    const copy = copies[call % copies.length];
    if (copy === undefined) throw new Error('no copy');
    return copy(event);
  });

  // Each node signs with the current secret as it last saw it, at most `cacheMs` ago.
  const nodes = Array.from({ length: 3 }, () => {
    const { client } = fixture.secretsManager;
    const secretId = fixture.jwtSecretArn;
    return new SecretVersions({
      client,
      secretId,
      field: 'secret',
      stages: ['AWSCURRENT'],
      log: fixture.log,
      maxAgeMs: cacheMs,
      minRefetchMs: 0,
    });
  });
  const statuses = new Map<number, number>();
  const signers = new Set<string>();
  let rotating = true;
  const publishAndStop = async (secrets: SecretVersions): Promise<void> => {
    while (rotating) {
      const [secret = ''] = await secrets.values();
      signers.add(secret);
      const post = async (claims: Record<string, unknown>): Promise<Response> =>
        fetch(functionUrl.url, { method: 'POST', headers: { 'rtmp-event': await signEvent(claims, secret) } });
      const started = await post(startClaims('live', key));
      const stopped = await post(stopClaims('live', started.headers.get('stream-id') ?? ''));
      for (const { status } of [started, stopped]) statuses.set(status, (statuses.get(status) ?? 0) + 1);
    }
  };
  const { setTimeout: sleep } = await import('node:timers/promises');
  attach(
    dependencies({
      settleMs: cacheMs + IN_FLIGHT_MS,
      probeTimeoutMs: 20_000,
      now: Date.now,
      sleep: (delayMs) => sleep(delayMs),
    }),
  );
  const publishing = Promise.all(nodes.map(publishAndStop));
  try {
    await rotateNow();
    await rotateNow();
  } finally {
    rotating = false;
    await publishing;
  }
  expect([...statuses.keys()]).toEqual([200]);
  expect(signers.size).toBeGreaterThanOrEqual(2);
}, 30_000);

test('a stand-in refuses what Secrets Manager refuses, so that the tests above mean something', async () => {
  fixture = await startLambdaFixture();
  functionUrl = await startFunctionUrl(fixture.createCallback());
  const { client } = fixture.secretsManager;
  const SecretId = fixture.jwtSecretArn;
  const token = randomUUID();
  const put = (SecretString: string) =>
    client.send(
      new PutSecretValueCommand({ SecretId, ClientRequestToken: token, SecretString, VersionStages: ['AWSPENDING'] }),
    );
  await put('value');
  await put('value');
  await expect(put('another value')).rejects.toMatchObject({ name: 'ResourceExistsException' });
  const move = (RemoveFromVersionId?: string) =>
    client.send(
      new UpdateSecretVersionStageCommand({
        SecretId,
        VersionStage: 'AWSCURRENT',
        MoveToVersionId: token,
        RemoveFromVersionId,
      }),
    );
  await expect(move()).rejects.toMatchObject({ name: 'InvalidParameterException' });
  await expect(move(randomUUID())).rejects.toMatchObject({ name: 'InvalidParameterException' });
  await expect(client.send(new GetSecretValueCommand({ SecretId: 'unknown' }))).rejects.toMatchObject({
    name: 'ResourceNotFoundException',
  });
  await expect(
    client.send(new RotateSecretCommand({ SecretId, ClientRequestToken: randomUUID() })),
  ).rejects.toMatchObject({ name: 'InvalidRequestException' });
});
