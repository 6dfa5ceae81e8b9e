import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { Hub } from '../../../service/hub/hub';
import type { Channel } from '../../../service/hub/channel';
import { FleetKeys } from '../../../service/leases/fleet-keys';
import { KeyHash } from '../../../service/leases/key-hash';
import type { LifeStore, Location } from '../../../service/leases/life-store';
import { TrafficCounters } from '../../../service/metrics/traffic-counters';
import { Batching } from '../../../service/net/batching/batching';
import { Lookups } from '../../../service/relay/lookups';
import { RelayTokens } from '../../../service/relay/relay-token';
import { Relays } from '../../../service/relay/relays';
import { MemoryLogger } from '../../support/memory-logger';
import { FakePlayer } from '../hub/fake-player';
import { avcHeader, inWords, interFrame, keyframe, StreamRig } from '../hub/stream-rig';
import { FakeOwner } from './fake-owner';

const SECRET = Buffer.alloc(32);

let rig: StreamRig;
let batching: Batching;
let relays: Relays;
let channel: Channel;
let viewer: FakePlayer;
let owners: FakeOwner[];
let log: MemoryLogger;
let located: Location | undefined;

beforeEach(async () => {
  log = new MemoryLogger();
  const traffic = new TrafficCounters();
  batching = new Batching({ latencyMs: 0, traffic });
  rig = new StreamRig({ traffic, scheduler: batching });
  const hub = new Hub(rig.env);
  const keys = new FleetKeys();
  const self = { id: 'self', incarnation: 'run of self' };
  const store = { self, connected: true, locate: () => Promise.resolve(located) } as unknown as LifeStore;
  relays = new Relays({
    ...{ hub, batching, traffic, store, log, lookups: new Lookups(store) },
    keyHash: new KeyHash(keys, SECRET),
    tokens: new RelayTokens({ keys, fallback: SECRET, self: () => self }),
    orphanMs: 60_000,
    isHeld: () => false,
  });
  owners = await Promise.all(['a', 'b'].map((id) => FakeOwner.start(id)));
  viewer = new FakePlayer();
  channel = hub.channel('ch');
  channel.addPlayer(viewer.player);
});

afterEach(() => {
  relays.close();
  batching.close();
  for (const owner of owners) owner.close();
});

/** The stream is published on this node from now on, and the registry announces it. */
function moves(to: FakeOwner, publish: string, key = 'key'): void {
  const playKeyHash = new KeyHash(new FleetKeys(), SECRET).of('ch', key);
  located = { channel: 'ch', publish, streamId: 'id', playKeyHash, owner: to.address };
  relays.look('ch');
}

const received = (): string[] => viewer.outlet.messages(rig.env.chunkSize).map(inWords);

/** Resolves when it is so, at the latest when the test is out of time. */
async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise(setImmediate);
}

const sees = (label: string): Promise<void> => until(() => received().some((message) => message.endsWith(label)));
const labels = (): string[] => received().map((message) => message.split(' ')[2]!);

describe('the stream is at a node again', () => {
  let a: FakeOwner;
  let b: FakeOwner;
  /** Node `b` has had it without a keyframe, so that the relay to `a` still feeds it. */
  beforeEach(async () => {
    [a, b] = owners as [FakeOwner, FakeOwner];
    moves(a, 'first');
    await a.has(1);
    a.video(0, avcHeader('H'));
    a.video(0, keyframe('k0'));
    await sees('k0');
    moves(b, 'second');
    await b.has(1);
  });

  /** The relay to `b` is to take over. */
  async function isHandingOver(): Promise<void> {
    const former = channel.publication?.publisher;
    b.video(0, avcHeader('H2'));
    await until(() => channel.publication?.publisher !== former);
  }

  test.each<[string, () => Promise<void>]>([
    ['another node sent but headers', isHandingOver],
    ['another node sent nothing', () => Promise.resolve()],
  ])('after %s: the relay that feeds it goes on, and each frame comes once', async (_name, before) => {
    await before();
    moves(a, 'third');
    await Promise.race([a.has(2), b.has(0)]);
    a.video(1_000, keyframe('k1'));
    a.video(1_040, interFrame('i2'));
    await sees('i2');
    expect(labels()).toEqual(['H', 'k0', 'k1', 'i2']);
    const made = log.entries.filter(({ message }) => message === 'relay from another node');
    expect(made.map(({ fields }) => fields['node'])).toEqual(['a', 'b']);
  });

  test('and viewers need the key that it has there now', async () => {
    await isHandingOver();
    moves(a, 'third', 'another');
    await b.has(0);
    expect([channel.admits('key'), channel.admits('another')]).toEqual([false, true]);
  });

  test('after the relay that fed it broke: another one goes there', async () => {
    await isHandingOver();
    a.relays[0]!.cut();
    await until(() => channel.publication?.stream.sources.feeding === null);
    moves(a, 'third');
    await a.has(1);
    a.video(1_000, keyframe('k1'));
    await sees('k1');
    expect(labels()).toEqual(['H', 'k0', 'k1']);
  });

  test('and when both relays break, the stream is fetched again', async () => {
    await isHandingOver();
    a.relays[0]!.cut();
    await until(() => channel.publication?.stream.sources.feeding === null);
    b.relays[0]!.cut();
    await until(() => channel.publication?.publisher === null);
    await b.has(1);
    b.video(500, keyframe('k1'));
    await sees('k1');
    expect(labels()).toEqual(['H', 'k0', 'k1']);
  });
});

describe('a relay breaks, and another one to the same node is first sent what that node has cached', () => {
  /** Viewers have k0 and i1. The new relay is sent these frames. */
  async function again(publish: string, ...frames: (readonly [number, Buffer])[]): Promise<void> {
    const [a] = owners as [FakeOwner];
    moves(a, 'first');
    await a.has(1);
    a.video(5_000, avcHeader('H'));
    a.video(5_000, keyframe('k0'));
    a.video(5_040, interFrame('i1'));
    await sees('i1');
    a.relays[0]!.cut();
    await until(() => channel.publication?.publisher === null);
    moves(a, publish);
    await a.has(1);
    for (const [timestamp, frame] of frames) a.video(timestamp, frame);
  }

  test('from the same publisher: viewers get what they do not have, by the same clock', async () => {
    const header = [5_000, avcHeader('H')] as const;
    await again('first', header, [5_000, keyframe('k0')], [5_040, interFrame('i1')], [5_090, interFrame('i2')]);
    await sees('i2');
    expect(received()).toEqual(['video 5000 H', 'video 5000 k0', 'video 5040 i1', 'video 5090 i2']);
  });

  test('from another publisher: its clock says nothing of what viewers have', async () => {
    await again('second', [5_000, keyframe('k2')], [5_040, interFrame('i3')]);
    await sees('i3');
    expect(received()).toEqual([
      ...['video 5000 H', 'video 5000 k0', 'video 5040 i1'],
      ...['video 5073 k2', 'video 5113 i3'],
    ]);
  });
});
