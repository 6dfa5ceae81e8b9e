import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { UnsecuredJWT } from 'jose';
import type { CallbackHandler } from '../../../lambdas/stream-callback/callback-handler';
import { openTargets } from '../../../lambdas/shared/forward-targets';
import { startFunctionUrl, type FunctionUrl } from '../../support/aws/function-url';
import {
  KEY_PEPPER,
  signEvent,
  startClaims,
  startLambdaFixture,
  stopClaims,
  type LambdaFixture,
} from '../lambda-fixture';

let fixture: LambdaFixture;
let functionUrl: FunctionUrl;
let callback: CallbackHandler;
let channelCount = 0;

beforeAll(async () => {
  fixture = await startLambdaFixture();
  functionUrl = await startFunctionUrl((event) => callback(event));
});
beforeEach(() => {
  callback = fixture.createCallback();
});
afterAll(async () => {
  await functionUrl.stop();
  await fixture.stop();
});

function freshChannel(): string {
  channelCount += 1;
  return `channel-${channelCount}`;
}

async function post(token: string | undefined): Promise<Response> {
  return fetch(functionUrl.url, { method: 'POST', headers: token === undefined ? {} : { 'rtmp-event': token } });
}

async function deliver(claims: Record<string, unknown>): Promise<Response> {
  return post(await signEvent(claims));
}

async function start(channel: string, key: string, more: object = {}): Promise<{ status: number; id: string | null }> {
  const answer = await deliver(startClaims(channel, key, more));
  return { status: answer.status, id: answer.headers.get('stream-id') };
}

async function activeStream(channel: string): Promise<string | undefined> {
  return (await fixture.dynamoDb.getItem(fixture.tableName, `CH#${channel}`))?.['activeStreamId']?.S;
}

describe('start', () => {
  test('an accepted publisher gets a stream id and the limits of its channel', async () => {
    const channel = freshChannel();
    const policy = { playKey: 'viewers', maxDurationSeconds: 7200, maxBitrateKbps: 8000 };
    const answer = await deliver(startClaims(channel, await fixture.createChannel(channel, policy)));
    expect(answer.status).toBe(200);
    const streamId = answer.headers.get('stream-id');
    expect(streamId).toMatch(/^[A-Za-z0-9_-]{16,}$/);
    expect(answer.headers.get('play-key')).toBe('viewers');
    expect(answer.headers.get('max-duration-seconds')).toBe('7200');
    expect(answer.headers.get('max-bitrate-kbps')).toBe('8000');
    expect(await fixture.dynamoDb.getItem(fixture.tableName, `CH#${channel}`)).toMatchObject({
      activeStreamId: { S: streamId },
      clientIp: { S: '198.51.100.7' },
      rtmpHost: { S: '10.0.0.5' },
    });
    expect(await fixture.dynamoDb.getItem(fixture.tableName, `SESSION#${streamId}`)).toMatchObject({
      channel: { S: channel },
      ttl: { N: expect.stringMatching(/^\d{10}$/) },
    });
  });

  test('the answer says what is done with the stream, and the table does not show where it is forwarded to', async () => {
    const channel = freshChannel();
    const forward = ['rtmps://a.rtmps.youtube.com/live2/s3cr3t-1', 'rtmp://user:s3cr3t-2@host/app/key?token=s3cr3t-3'];
    const policy = { forward, record: 'flv,mp4', hls: false } as const;
    const answer = await deliver(startClaims(channel, await fixture.createChannel(channel, policy)));
    expect(answer.headers.get('forward')).toBe(forward.join(' '));
    expect(answer.headers.get('record')).toBe('flv,mp4');
    expect(answer.headers.get('hls')).toBe('no');
    const item = await fixture.dynamoDb.getItem(fixture.tableName, `CH#${channel}`);
    const shown = await fixture.runKeys({ command: 'show', channel });
    expect(shown).toMatchObject({ policy: { forward: ['rtmps://a.rtmps.youtube.com/live2', 'rtmp://host/app'] } });
    expect(JSON.stringify([item, shown, fixture.log.lines])).not.toContain('s3cr3t');
    expect(JSON.stringify(shown)).not.toContain(item?.['sealedForward']?.S);
  });

  test('a channel that says nothing of outputs, or no longer, gets no headers of them', async () => {
    const channel = freshChannel();
    const key = await fixture.createChannel(channel, { forward: ['rtmp://host/app/key'], record: 'yes', hls: true });
    await fixture.runKeys({ command: 'set', channel, clear: ['forward', 'record', 'hls'] });
    const answer = await deliver(startClaims(channel, key));
    expect(answer.status).toBe(200);
    expect(['forward', 'record', 'hls'].map((name) => answer.headers.get(name))).toEqual([null, null, null]);
    const item = await fixture.dynamoDb.getItem(fixture.tableName, `CH#${channel}`);
    expect(item?.['sealedForward']).toBeUndefined();
  });

  test('a channel can say that it is forwarded nowhere', async () => {
    const channel = freshChannel();
    const key = await fixture.createChannel(channel, { forward: ['rtmp://host/app/key'] });
    await fixture.runKeys({ command: 'set', channel, policy: { forward: [] } });
    expect((await deliver(startClaims(channel, key))).headers.get('forward')).toBe('none');
  });

  test('targets that cannot be opened are left out, and the log says what to do', async () => {
    const channel = freshChannel();
    const key = await fixture.createChannel(channel, { forward: ['rtmp://host/app/key'] });
    await fixture.dynamoDb.client.send(
      new UpdateItemCommand({
        TableName: fixture.tableName,
        Key: { pk: { S: `CH#${channel}` } },
        UpdateExpression: 'SET sealedForward = :sealed',
        ExpressionAttributeValues: { ':sealed': { S: 'v1.AAAA' } },
      }),
    );
    const answer = await deliver(startClaims(channel, key));
    expect(answer.status).toBe(200);
    expect(answer.headers.get('forward')).toBe('none');
    expect(fixture.log.lines.join('\n')).toMatch(/set them again/);
  });

  test('a wrong key, an unknown channel and a disabled one are refused in the same words', async () => {
    const [channel, closed] = [freshChannel(), freshChannel()];
    await fixture.createChannel(channel);
    const closedKey = await fixture.createChannel(closed);
    await fixture.runKeys({ command: 'disable', channel: closed });
    const answers = await Promise.all([
      deliver(startClaims(channel, 'wrong-key')),
      deliver(startClaims('never-created', 'wrong-key')),
      deliver(startClaims(closed, closedKey)),
    ]);
    expect(answers.map(({ status }) => status)).toEqual([403, 403, 403]);
    expect(await Promise.all(answers.map((answer) => answer.text()))).toEqual(['forbidden', 'forbidden', 'forbidden']);
    expect(await activeStream(channel)).toBeUndefined();
  });

  test('a redelivered start is answered with the same id and has no second effect', async () => {
    const channel = freshChannel();
    const key = await fixture.createChannel(channel, { whenBusy: 'reject' });
    const claims = startClaims(channel, key);
    const answers = await Promise.all([deliver(claims), deliver(claims), deliver(claims)]);
    answers.push(await deliver(claims));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    expect(new Set(answers.map((answer) => answer.headers.get('stream-id'))).size).toBe(1);
  });

  test('of many publishers that start at once on a rejecting channel, one wins', async () => {
    const channel = freshChannel();
    const key = await fixture.createChannel(channel, { whenBusy: 'reject' });
    const results = await Promise.all(Array.from({ length: 12 }, () => start(channel, key)));
    const winners = results.filter(({ status }) => status === 200);
    expect(winners).toHaveLength(1);
    expect(results.filter(({ status }) => status === 409)).toHaveLength(11);
    expect(await activeStream(channel)).toBe(winners[0]?.id);
  });

  test('of many that start at once on a channel with takeover, all are accepted and one holds it in the end', async () => {
    const channel = freshChannel();
    const key = await fixture.createChannel(channel, { whenBusy: 'takeover' });
    const results = await Promise.all(Array.from({ length: 8 }, () => start(channel, key)));
    expect(results.map(({ status }) => status)).toEqual(Array.from({ length: 8 }, () => 200));
    const holder = await activeStream(channel);
    const sessions = await fixture.runKeys({ command: 'sessions', channel });
    if (!('sessions' in sessions)) throw new Error('no sessions');
    const current = sessions.sessions.filter(({ supersededBy }) => supersededBy === undefined);
    expect(current.map(({ streamId }) => streamId)).toEqual([holder]);
  });

  test('a takeover gives the channel to the newer stream and a redelivery of the older does not win it back', async () => {
    const channel = freshChannel();
    const key = await fixture.createChannel(channel, { whenBusy: 'takeover' });
    const olderClaims = startClaims(channel, key);
    const older = (await deliver(olderClaims)).headers.get('stream-id');
    const newer = await start(channel, key);
    expect(newer.status).toBe(200);
    expect((await deliver(olderClaims)).status).toBe(409);
    expect(await activeStream(channel)).toBe(newer.id);
    const history = await fixture.dynamoDb.getItem(fixture.tableName, `SESSION#${older}`);
    expect(history?.['supersededBy']?.S).toBe(newer.id);
  });

  test('a publisher that resumes goes on with the same stream id, even where a second one is rejected', async () => {
    const channel = freshChannel();
    const key = await fixture.createChannel(channel, { whenBusy: 'reject' });
    const first = await start(channel, key);
    const resumed = await start(channel, key, { resume: first.id, client_ip: '203.0.113.9' });
    expect(resumed).toEqual({ status: 200, id: first.id });
    const channelItem = await fixture.dynamoDb.getItem(fixture.tableName, `CH#${channel}`);
    expect(channelItem?.['clientIp']?.S).toBe('203.0.113.9');
    const session = await fixture.dynamoDb.getItem(fixture.tableName, `SESSION#${first.id}`);
    expect(session?.['startedAt']).toEqual(channelItem?.['startedAt']);
    expect(session?.['resumedAt']?.S).toBeDefined();
  });

  test('a key hashed, and targets encrypted, with the previous pepper are accepted and renewed', async () => {
    const channel = freshChannel();
    const key = await fixture.createChannel(channel, { forward: ['rtmp://host/app/key'] });
    const item = async () => fixture.dynamoDb.getItem(fixture.tableName, `CH#${channel}`);
    const hashOf = async (): Promise<string | undefined> => (await item())?.['keyHash']?.S;
    const sealedBefore = (await item())?.['sealedForward']?.S;
    const before = await hashOf();
    const { PutSecretValueCommand } = await import('@aws-sdk/client-secrets-manager');
    const put = (value: string) =>
      fixture.secretsManager.client.send(
        new PutSecretValueCommand({ SecretId: fixture.pepperArn, SecretString: JSON.stringify({ secret: value }) }),
      );
    await put('a-new-pepper');
    try {
      expect((await start(channel, key)).status).toBe(200);
      const renewed = await hashOf();
      expect(renewed).not.toBe(before);
      const sealed = (await item())?.['sealedForward']?.S ?? '';
      expect(sealed).not.toBe(sealedBefore);
      expect(openTargets(['a-new-pepper'], channel, sealed)).toEqual({ urls: ['rtmp://host/app/key'] });
      expect((await start(channel, key)).status).toBe(200);
      expect(await hashOf()).toBe(renewed);
    } finally {
      await put(KEY_PEPPER);
    }
  });
});

describe('stop', () => {
  test('frees the channel and closes the session, however often it comes', async () => {
    const channel = freshChannel();
    const { id } = await start(channel, await fixture.createChannel(channel));
    expect((await deliver(stopClaims(channel, id ?? ''))).status).toBe(200);
    const endedAt = async () => (await fixture.dynamoDb.getItem(fixture.tableName, `SESSION#${id}`))?.['endedAt']?.S;
    const firstEnd = await endedAt();
    expect(firstEnd).toBeDefined();
    expect((await deliver(stopClaims(channel, id ?? ''))).status).toBe(200);
    expect(await endedAt()).toBe(firstEnd);
    expect(await activeStream(channel)).toBeUndefined();
  });

  test('of an older stream, coming late, leaves the newer one alone', async () => {
    const channel = freshChannel();
    const key = await fixture.createChannel(channel);
    const older = await start(channel, key);
    const newer = await start(channel, key);
    expect((await deliver(stopClaims(channel, older.id ?? ''))).status).toBe(200);
    expect(await activeStream(channel)).toBe(newer.id);
  });

  test.each(['takeover', 'reject'] as const)('by the start alone frees a channel that says %s', async (whenBusy) => {
    const channel = freshChannel();
    const key = await fixture.createChannel(channel, { whenBusy });
    const claims = startClaims(channel, key);
    const { headers } = await deliver(claims);
    expect((await deliver(stopClaims(channel, '', claims['jti']))).status).toBe(200);
    expect(await activeStream(channel)).toBeUndefined();
    const history = await fixture.dynamoDb.getItem(fixture.tableName, `SESSION#${headers.get('stream-id')}`);
    expect(history?.['endedAt']?.S).toBeDefined();
    expect((await start(channel, key)).status).toBe(200);
  });

  test('by the start alone keeps that start out, should it come later', async () => {
    const channel = freshChannel();
    const key = await fixture.createChannel(channel);
    const claims = startClaims(channel, key);
    await deliver(stopClaims(channel, '', claims['jti']));
    expect((await deliver(claims)).status).toBe(409);
    expect(await activeStream(channel)).toBeUndefined();
  });

  test('by a start that came at the same moment leaves nothing live', async () => {
    const channel = freshChannel();
    const key = await fixture.createChannel(channel);
    for (let round = 0; round < 10; round += 1) {
      const claims = startClaims(channel, key);
      await Promise.all([deliver(claims), deliver(stopClaims(channel, '', claims['jti']))]);
      expect(await activeStream(channel)).toBeUndefined();
    }
  });

  test('by a start that continued a stream leaves that stream alone', async () => {
    const channel = freshChannel();
    const key = await fixture.createChannel(channel);
    const first = await start(channel, key);
    const claims = startClaims(channel, key, { resume: first.id });
    await deliver(claims);
    await deliver(stopClaims(channel, '', claims['jti']));
    expect(await activeStream(channel)).toBe(first.id);
  });

  test('of an id that a second start has continued comes for each of the two, and leaves a newer stream alone', async () => {
    const channel = freshChannel();
    const key = await fixture.createChannel(channel);
    const [first, second] = [startClaims(channel, key), startClaims(channel, key)];
    const id = (await deliver(first)).headers.get('stream-id') ?? '';
    // Its answer comes late: the grace time is over by then.
    expect((await deliver({ ...second, resume: id })).headers.get('stream-id')).toBe(id);
    expect((await deliver(stopClaims(channel, id, first['jti']))).status).toBe(200);
    expect(await activeStream(channel)).toBeUndefined();
    const newer = await start(channel, key);
    expect(newer.id).not.toBe(id);
    expect((await deliver(stopClaims(channel, id, second['jti']))).status).toBe(200);
    expect(await activeStream(channel)).toBe(newer.id);
  });

  test('of a stream or channel that is not known is answered 200 and leaves no trace', async () => {
    expect((await deliver(stopClaims('nowhere', 'no-such-stream'))).status).toBe(200);
    expect((await deliver(stopClaims('nowhere', ''))).status).toBe(200);
    expect((await deliver(stopClaims('nowhere', '', 'no-such-start'))).status).toBe(200);
    expect(await fixture.dynamoDb.getItem(fixture.tableName, 'CH#nowhere')).toBeUndefined();
    expect(await fixture.dynamoDb.getItem(fixture.tableName, 'SESSION#no-such-stream')).toBeUndefined();
  });
});

describe('token', () => {
  const claims = { event: 'probe' };

  test.each<[string, () => string | undefined | Promise<string>]>([
    ['is missing', () => undefined],
    ['is no token', () => 'gibberish'],
    ['is signed with another secret', () => signEvent(claims, 'another secret')],
    ['has expired', () => signEvent(claims, undefined, -60)],
    ['has another subject', () => signEvent({ ...claims, sub: 'someone-else' })],
    ['is not signed at all', () => new UnsecuredJWT({ sub: 'rtmp_event', ...claims }).setExpirationTime('2m').encode()],
    ['has an event that is not known', () => signEvent({ ...claims, event: 'party' })],
    ['names an impossible channel', () => signEvent(startClaims('a/b', 'key'))],
    ['is huge', () => 'x'.repeat(9000)],
  ])('is refused when it %s', async (_name, token) => {
    const answer = await post(await token());
    expect(answer.status).toBe(401);
    expect(await answer.text()).toBe('unauthorized');
  });

  test('of a probe is accepted and touches no state', async () => {
    const answer = await deliver({ event: 'probe' });
    expect(answer.status).toBe(200);
    expect(answer.headers.get('stream-id')).toBeNull();
  });
});

test('a fault of ours is a 503, which the service tries again', async () => {
  const broken = await startLambdaFixture();
  callback = broken.createCallback();
  await broken.stop();
  const answer = await deliver(startClaims('any', 'any-key'));
  expect(answer.status).toBe(503);
  expect(await answer.text()).toBe('unavailable');
});

test('no key, token, hash or secret is logged', async () => {
  const channel = freshChannel();
  const key = await fixture.createChannel(channel);
  const token = await signEvent(startClaims(channel, key));
  await post(token);
  await post(`${token}x`);
  await start(channel, 'a-key-that-is-wrong');
  const everything = fixture.log.lines.join('\n');
  const hash = (await fixture.dynamoDb.getItem(fixture.tableName, `CH#${channel}`))?.['keyHash']?.S ?? 'no hash';
  for (const secret of [key, token, hash, KEY_PEPPER, 'a-key-that-is-wrong']) expect(everything).not.toContain(secret);
});
