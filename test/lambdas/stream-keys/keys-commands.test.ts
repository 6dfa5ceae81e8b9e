import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import type { CallbackHandler } from '../../../lambdas/stream-callback/callback-handler';
import { startFunctionUrl, type FunctionUrl } from '../../support/aws/function-url';
import { signEvent, startClaims, startLambdaFixture, type LambdaFixture } from '../lambda-fixture';

let fixture: LambdaFixture;
let callback: CallbackHandler;
let functionUrl: FunctionUrl;

beforeAll(async () => {
  fixture = await startLambdaFixture();
  callback = fixture.createCallback();
  functionUrl = await startFunctionUrl(callback);
});
afterAll(async () => {
  await functionUrl.stop();
  await fixture.stop();
});

/** Status that the callback answers a publisher with this key. */
async function publishStatus(channel: string, key: string): Promise<number> {
  const token = await signEvent(startClaims(channel, key));
  return (await fetch(functionUrl.url, { method: 'POST', headers: { 'rtmp-event': token } })).status;
}

async function rotate(channel: string, overlapSeconds?: number): Promise<string> {
  const result = await fixture.runKeys({ command: 'rotate', channel, ...(overlapSeconds ? { overlapSeconds } : {}) });
  if (!('key' in result)) throw new Error('rotate returned no key');
  return result.key;
}

describe('create', () => {
  test('returns a key of 128 bits or more that publishes, and stores only its hash', async () => {
    const key = await fixture.createChannel('created');
    expect(key).toMatch(/^[A-Za-z0-9_][A-Za-z0-9_-]{21,}$/);
    expect(await publishStatus('created', key)).toBe(200);
    const item = await fixture.dynamoDb.getItem(fixture.tableName, 'CH#created');
    expect(JSON.stringify(item)).not.toContain(key);
  });

  test('never replaces a channel that exists', async () => {
    const key = await fixture.createChannel('existing');
    await expect(fixture.createChannel('existing')).rejects.toThrow(/exists already/);
    expect(await publishStatus('existing', key)).toBe(200);
  });

  test('takes over a key that a streamer uses already', async () => {
    await fixture.runKeys({ command: 'create', channel: 'moved', key: 'their-own-old-key' });
    expect(await publishStatus('moved', 'their-own-old-key')).toBe(200);
  });
});

describe('rotate', () => {
  test('ends the old key at once', async () => {
    const oldKey = await fixture.createChannel('rotated');
    const newKey = await rotate('rotated');
    expect(await publishStatus('rotated', newKey)).toBe(200);
    expect(await publishStatus('rotated', oldKey)).toBe(403);
  });

  test('with an overlap lets both keys in, and a further rotation ends the oldest', async () => {
    const first = await fixture.createChannel('overlapping');
    const second = await rotate('overlapping', 600);
    expect(await publishStatus('overlapping', first)).toBe(200);
    expect(await publishStatus('overlapping', second)).toBe(200);
    const third = await rotate('overlapping', 600);
    expect(await publishStatus('overlapping', first)).toBe(403);
    expect(await publishStatus('overlapping', second)).toBe(200);
    expect(await publishStatus('overlapping', third)).toBe(200);
    await rotate('overlapping');
    expect(await publishStatus('overlapping', third)).toBe(403);
  });
});

test('disable refuses publishers until enable', async () => {
  const key = await fixture.createChannel('switched');
  await fixture.runKeys({ command: 'disable', channel: 'switched' });
  expect(await publishStatus('switched', key)).toBe(403);
  await fixture.runKeys({ command: 'enable', channel: 'switched' });
  expect(await publishStatus('switched', key)).toBe(200);
});

test('set changes some settings, clears others and leaves the rest', async () => {
  await fixture.createChannel('tuned', { maxBitrateKbps: 5000, playKey: 'viewers', allowedCidrs: ['192.0.2.0/24'] });
  await fixture.runKeys({
    command: 'set',
    channel: 'tuned',
    policy: { maxBitrateKbps: 6000 },
    clear: ['allowedCidrs'],
  });
  expect(await fixture.runKeys({ command: 'show', channel: 'tuned' })).toMatchObject({
    policy: { enabled: true, maxBitrateKbps: 6000, playKey: 'viewers', allowedCidrs: [] },
  });
});

test('release frees a channel whose stream was lost, so that a rejecting channel can be published again', async () => {
  const key = await fixture.createChannel('stuck', { whenBusy: 'reject' });
  expect(await publishStatus('stuck', key)).toBe(200);
  expect(await publishStatus('stuck', key)).toBe(409);
  await fixture.runKeys({ command: 'release', channel: 'stuck' });
  expect(await publishStatus('stuck', key)).toBe(200);
});

test('list and show tell the state of every channel and no hash', async () => {
  const key = await fixture.createChannel('a-listed-one');
  await publishStatus('a-listed-one', key);
  await rotate('a-listed-one', 60);
  const list = await fixture.runKeys({ command: 'list' });
  const show = await fixture.runKeys({ command: 'show', channel: 'a-listed-one' });
  if (!('channels' in list)) throw new Error('list returned no channels');
  expect(list.channels[0]).toEqual(show);
  expect(show).toMatchObject({ channel: 'a-listed-one', live: { clientIp: '198.51.100.7' } });
  expect(list.channels.every(({ channel }) => !channel.includes('#'))).toBe(true);
  const item = await fixture.dynamoDb.getItem(fixture.tableName, 'CH#a-listed-one');
  const hashes = [item?.['keyHash']?.S ?? 'none', item?.['previousKeyHash']?.S ?? 'none'];
  for (const hash of hashes) {
    expect(hash).toMatch(/^[0-9a-f]{64}$/);
    expect(JSON.stringify(list)).not.toContain(hash);
  }
});

test('sessions tells the history of a channel, newest first', async () => {
  const key = await fixture.createChannel('historic');
  await publishStatus('historic', key);
  await publishStatus('historic', key);
  const result = await fixture.runKeys({ command: 'sessions', channel: 'historic' });
  if (!('sessions' in result)) throw new Error('no sessions');
  expect(result.sessions).toHaveLength(2);
  expect(result.sessions[1]?.supersededBy).toBe(result.sessions[0]?.streamId);
});

test.each(['rotate', 'enable', 'disable', 'show', 'release', 'delete'])(
  '%s of a channel that does not exist says so and makes none',
  async (command) => {
    await expect(fixture.runKeys({ command, channel: 'absent' })).rejects.toThrow('there is no channel absent');
    expect(await fixture.dynamoDb.getItem(fixture.tableName, 'CH#absent')).toBeUndefined();
  },
);

test('a deleted channel is gone', async () => {
  const key = await fixture.createChannel('deleted');
  await fixture.runKeys({ command: 'delete', channel: 'deleted' });
  expect(await publishStatus('deleted', key)).toBe(403);
});

test.each<[string, unknown, RegExp]>([
  ['no command', { channel: 'x' }, /command must be one of create, rotate/],
  ['a command of the prototype', { command: 'constructor' }, /command must be one of/],
  ['a bad channel', { command: 'show', channel: 'a/b' }, /channel must be a name/],
  ['no channel', { command: 'disable' }, /channel must be a name/],
  [
    'a field of another command',
    { command: 'show', channel: 'x', overlapSeconds: 1 },
    /show takes no "overlapSeconds"/,
  ],
  ['a short key', { command: 'create', channel: 'x', key: 'short' }, /key must be a name/],
  ['an unknown policy field', { command: 'set', channel: 'x', policy: { speed: 1 } }, /policy has no field "speed"/],
  [
    'several faults, all named',
    {
      command: 'create',
      channel: 'x',
      policy: { whenBusy: 'fight', allowedCidrs: ['10.0.0.0/33'], maxBitrateKbps: 0 },
    },
    /whenBusy must be .*allowedCidrs must be .*maxBitrateKbps must be/,
  ],
  ['a change of nothing', { command: 'set', channel: 'x' }, /set changes nothing/],
])('a request with %s is refused', async (_name, request, message) => {
  await expect((async () => fixture.runKeys(request as object))()).rejects.toThrow(message);
});
