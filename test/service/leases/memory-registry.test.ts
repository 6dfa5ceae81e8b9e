import { beforeEach, describe, expect, test } from '@jest/globals';
import { MemoryRegistryView } from '../../../service/leases/memory-registry-view';
import { MemoryRegistry } from '../../../service/leases/memory-registry';
import type { StopRecord } from '../../../service/auth/stop-record';
import type { LeaseRequest, RegistryListener, RegistryOrder } from '../../../service/leases/lease-registry';

const PLAY_KEY_HASH = 'hash-of-play-key';
let now: number;
let registry: MemoryRegistry;

class Told implements RegistryListener {
  readonly orders: RegistryOrder[] = [];
  readonly changed: string[] = [];
  readonly claimed: StopRecord[] = [];

  order(order: RegistryOrder): void {
    this.orders.push(order);
  }

  channelChanged(channel: string): void {
    this.changed.push(channel);
  }

  stopsClaimed(stops: readonly StopRecord[]): void {
    this.claimed.push(...stops);
  }

  localLeases(): [] {
    return [];
  }
}

async function join(id: string): Promise<{ member: MemoryRegistryView; told: Told }> {
  const member = new MemoryRegistryView(registry, id);
  const told = new Told();
  await member.start(told);
  return { member, told };
}

function request(publishId: string, channel = 'ch'): LeaseRequest {
  const stop = { jti: publishId, channel, key: 'key', clientIp: '192.0.2.1', query: '', streamId: '' };
  return { channel, publishId, keyHash: 'hash-of-key', startedAt: now, stop };
}

async function publish(
  member: MemoryRegistryView,
  publishId: string,
  streamId = `id-${publishId}`,
): Promise<LeaseRequest> {
  const wanted = request(publishId);
  expect(await member.acquire(wanted)).toEqual({ kind: 'acquired' });
  expect(await member.confirm('ch', publishId, { streamId, playKeyHash: PLAY_KEY_HASH })).toBe(true);
  return wanted;
}

beforeEach(() => {
  now = 1_000_000;
  registry = new MemoryRegistry(() => now);
});

describe('a lease', () => {
  test('is one publisher’s, and the others learn whose', async () => {
    const { member: a } = await join('a');
    const { member: b, told } = await join('b');
    a.reachableAt('127.0.0.1', 4000);
    await publish(a, 's1');
    expect(await b.acquire(request('s2'))).toMatchObject({
      kind: 'busy',
      lease: {
        channel: 'ch',
        node: 'a',
        publishId: 's1',
        state: 'live',
        streamId: 'id-s1',
        playKeyHash: PLAY_KEY_HASH,
      },
      owner: { id: 'a' },
    });
    expect(await b.locate('ch')).toMatchObject({ lease: { publishId: 's1' }, owner: { id: 'a' } });
    expect(told.changed).toEqual(['ch']);
    const refused = request('s0', 'refused');
    await a.acquire(refused);
    await a.abandon('refused', 's0');
    expect(told.changed).toEqual(['ch']);
  });

  test('is free again when the stream ended, the start was refused, or the member left', async () => {
    const { member: a } = await join('a');
    const { member: b } = await join('b');
    const first = await publish(a, 's1');
    await a.end('ch', 's1', first.stop);
    expect(await b.acquire(request('s2'))).toEqual({ kind: 'acquired' });
    await b.abandon('ch', 's2');
    expect(await a.acquire(request('s3'))).toEqual({ kind: 'acquired' });
    await a.stop();
    expect(await b.acquire(request('s4'))).toEqual({ kind: 'acquired' });
  });

  test('is not freed or changed by a publishId that has lost it', async () => {
    const { member: a } = await join('a');
    const { member: b } = await join('b');
    await publish(a, 's1');
    expect(await b.replace(request('s2'), 's1', false)).toBe(true);
    await a.hold('ch', 's1', 5);
    await a.end('ch', 's1', request('s1').stop);
    expect(await a.confirm('ch', 's1', { streamId: 'x', playKeyHash: '' })).toBe(false);
    expect(await a.locate('ch')).toMatchObject({ lease: { publishId: 's2', state: 'starting' } });
  });

  test('of a lost publisher says where the stream is to go on', async () => {
    const { member: a } = await join('a');
    await publish(a, 's1');
    await a.hold('ch', 's1', 42_000);
    expect(await a.locate('ch')).toMatchObject({ lease: { state: 'held', lastTimestamp: 42_000 } });
  });

  test('says whether the publishId keeps the channel that it took over', async () => {
    const { member: a } = await join('a');
    await publish(a, 's1');
    expect(await a.locate('ch')).toMatchObject({ lease: { keeps: false } });
    await a.keep('ch', 's1', true);
    await a.keep('ch', 's2', false);
    expect(await a.locate('ch')).toMatchObject({ lease: { keeps: true } });
  });

  test('is shown with an owner that is draining', async () => {
    const { member: a } = await join('a');
    const { member: b } = await join('b');
    await publish(a, 's1');
    await a.drain();
    expect(await b.acquire(request('s2'))).toMatchObject({ kind: 'busy', owner: { id: 'a', draining: true } });
  });
});

describe('a replacement', () => {
  test('tells the former member, after the request', async () => {
    const { member: a, told } = await join('a');
    const { member: b } = await join('b');
    await publish(a, 's1');
    const replaced = b.replace(request('s2'), 's1', true);
    expect(told.orders).toEqual([]);
    expect(await replaced).toBe(true);
    const moved = { kind: 'moved', channel: 'ch', publishId: 's1', continues: true, stopIsSent: false };
    expect(told.orders).toEqual([moved]);
  });

  test('comes to nothing when another one was first', async () => {
    const { member: a } = await join('a');
    await publish(a, 's1');
    expect(await a.replace(request('s2'), 's1', false)).toBe(true);
    expect(await a.replace(request('s3'), 's1', false)).toBe(false);
  });
});

describe('the stops of a member that has died', () => {
  test('are another one’s: of live streams, of starts being decided, of announced ones and pending ones', async () => {
    const { member: a } = await join('a');
    const { told } = await join('b');
    await publish(a, 's1');
    await a.acquire(request('s2', 'other'));
    await a.announce(request('s3'));
    await a.end('gone', 's4', { ...request('s4', 'gone').stop, streamId: 'id-s4' });
    registry.lost('a');
    const claimed = new Map(told.claimed.map(({ jti, streamId }) => [jti, streamId]));
    expect(claimed).toEqual(
      new Map([
        ['s1', 'id-s1'],
        ['s2', ''],
        ['s3', ''],
        ['s4', 'id-s4'],
      ]),
    );
  });

  test('are not sent for streams that go on elsewhere, nor again when they were delivered', async () => {
    const { member: a } = await join('a');
    const { member: b, told } = await join('b');
    await publish(a, 's1');
    await b.replace(request('s2'), 's1', true);
    await a.end('gone', 's3', request('s3', 'gone').stop);
    await a.stopDelivered('s3');
    registry.lost('a');
    expect(told.claimed).toEqual([]);
  });

  test('pass on to a third one, should the second die before they are delivered', async () => {
    const { member: a } = await join('a');
    await join('b');
    const { told } = await join('c');
    await publish(a, 's1');
    registry.lost('a');
    registry.lost('b');
    expect(told.claimed).toMatchObject([{ jti: 's1', streamId: 'id-s1' }]);
  });

  test('wait for the next member when there is no other', async () => {
    const { member: a } = await join('a');
    await publish(a, 's1');
    registry.lost('a');
    const { told } = await join('b');
    expect(told.claimed).toMatchObject([{ jti: 's1', streamId: 'id-s1' }]);
    registry.lost('b');
    const { member: c, told: toldNext } = await join('c');
    expect(toldNext.claimed).toHaveLength(1);
    await c.stopDelivered('s1');
    registry.lost('c');
    expect((await join('d')).told.claimed).toEqual([]);
  });

  test('go to a member that is not about to leave, if there is one', async () => {
    const { member: a } = await join('a');
    const { member: b } = await join('b');
    const { told } = await join('c');
    await publish(a, 's1');
    await b.drain();
    registry.lost('a');
    expect(told.claimed).toHaveLength(1);
  });
});

describe('an operator’s command', () => {
  test('that comes while a publish is being decided on ends it', async () => {
    const { member: a } = await join('a');
    const { member: b } = await join('b');
    await a.acquire(request('s1'));
    now += 5;
    expect(await b.remember({ verb: 'close-stream', channel: 'ch', streamIds: ['other'] })).toBe(true);
    expect(await a.confirm('ch', 's1', { streamId: 'mine', playKeyHash: '' })).toBe(true);
    await a.end('ch', 's1', request('s1').stop);
    await a.acquire(request('s2'));
    now += 5;
    await b.remember({ verb: 'kill-session', channel: 'ch' });
    expect(await a.confirm('ch', 's2', { streamId: 'mine', playKeyHash: '' })).toBe(false);
  });

  test('does not concern a publish that comes after it', async () => {
    const { member: a } = await join('a');
    await a.remember({ verb: 'kill-session', channel: 'ch' });
    now += 1;
    await publish(a, 's1');
  });

  test('that every member hears counts once', async () => {
    const { member: a } = await join('a');
    const { member: b } = await join('b');
    expect(await a.remember({ verb: 'kill-session', channel: 'ch' })).toBe(true);
    expect(await b.remember({ verb: 'kill-session', channel: 'ch' })).toBe(false);
    now += 60_000;
    expect(await b.remember({ verb: 'kill-session', channel: 'ch' })).toBe(true);
  });

  test('that a member missed is ordered again, if its stream is as old as that', async () => {
    const { member: a, told } = await join('a');
    const { member: b } = await join('b');
    await publish(a, 's1');
    now += 5;
    await b.remember({ verb: 'kill-session', channel: 'ch' });
    await a.redeliverCommands();
    expect(told.orders).toEqual([{ kind: 'command', text: 'kill-session>ch' }]);
    await a.end('ch', 's1', request('s1').stop);
    now += 5;
    await publish(a, 's2');
    await a.redeliverCommands();
    expect(told.orders).toHaveLength(1);
  });

  test('block keeps publishers out for its time, or until unblock', async () => {
    const { member: a } = await join('a');
    await a.remember({ verb: 'block', channel: 'ch', seconds: 30 });
    now += 10_000;
    expect(await a.acquire(request('s1'))).toEqual({ kind: 'blocked', seconds: 20 });
    now += 20_000;
    expect(await a.acquire(request('s2'))).toEqual({ kind: 'acquired' });
    await a.remember({ verb: 'block', channel: 'ch', seconds: 30 });
    expect(await a.replace(request('s3'), 's2', false)).toBe(false);
    await a.abandon('ch', 's2');
    expect(await a.remember({ verb: 'unblock', channel: 'ch' })).toBe(true);
    expect(await a.acquire(request('s4'))).toEqual({ kind: 'acquired' });
    expect(await a.remember({ verb: 'unblock', channel: 'never-blocked' })).toBe(false);
  });
});

test('members share one secret and know each other', async () => {
  const { member: a } = await join('a');
  const { member: b } = await join('b');
  expect(await a.fleetSecret()).toEqual(await b.fleetSecret());
  expect((await a.nodes()).map(({ id }) => id)).toEqual(['a', 'b']);
});
