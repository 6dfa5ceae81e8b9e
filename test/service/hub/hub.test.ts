import { beforeEach, describe, expect, test } from '@jest/globals';
import type { Channel } from '../../../service/hub/channel';
import { Hub } from '../../../service/hub/hub';
import type { Publication } from '../../../service/hub/publication';
import type { Publisher } from '../../../service/hub/publisher';
import { FakePlayer } from './fake-player';
import { aacFrame, aacHeader, inWords, interFrame, keyframe, StreamRig } from './stream-rig';
import type { LiveStream } from '../../../service/hub/live-stream';
import { MessageType } from '../../../service/protocol/message-types';

class FakePublisher implements Publisher {
  readonly clientIp = '192.0.2.1';
  readonly software = 'test';
  readonly isRelay = false;
  /** How its connection was ended. */
  readonly ends: string[] = [];

  kill(reason: string): void {
    this.ends.push(`killed: ${reason}`);
  }

  displaced(reason: string): void {
    this.ends.push(`displaced: ${reason}`);
  }
}

const grant = { streamId: 'id' };
const begins = (key = 'key') => ({ key, grant, admitsKey: (given: string) => given === key });

let rig: StreamRig;
let hub: Hub;
let channel: Channel;
let publisher: FakePublisher;

beforeEach(() => {
  rig = new StreamRig();
  hub = new Hub(rig.env);
  channel = hub.channel('channel');
  publisher = new FakePublisher();
});

function start(key?: string): Publication {
  channel.reserve(publisher);
  return channel.begin(publisher, begins(key));
}

function join(key = 'key'): FakePlayer {
  const fake = new FakePlayer({ key });
  channel.addPlayer(fake.player);
  return fake;
}

const received = ({ outlet }: FakePlayer): string[] => outlet.messages(rig.env.chunkSize).map(inWords);

function send(stream: LiveStream, timestamp: number, payload: Buffer, type: number = MessageType.Video): void {
  stream.appendMedia(type, timestamp, payload);
  stream.flush();
}

describe('the publisher’s place', () => {
  test('is for one at a time, from before the decision on', () => {
    const other = new FakePublisher();
    expect(channel.reserve(publisher)).toBe(true);
    expect(channel.reserve(other)).toBe(false);
    expect(channel.reserve(other, true)).toBe(false);
    channel.begin(publisher, begins());
    expect(channel.reserve(other)).toBe(false);
  });

  test('is free again when the candidate withdraws or the stream ends', () => {
    const other = new FakePublisher();
    channel.reserve(publisher);
    channel.withdraw(other);
    expect(channel.reserve(other)).toBe(false);
    channel.withdraw(publisher);
    expect(channel.reserve(other)).toBe(true);
    channel.withdraw(other);
    channel.end(start());
    expect(channel.publication).toBeNull();
    expect(channel.reserve(other)).toBe(true);
  });

  test('is nobody’s who has not reserved it', () => {
    expect(() => channel.begin(publisher, begins())).toThrow('not reserved');
    channel.reserve(publisher);
    expect(() => channel.begin(new FakePublisher(), begins())).toThrow('not reserved');
    expect(() => channel.resume(publisher, begins())).toThrow('no stream to resume');
  });

  test('the end of an earlier stream does not touch the one that followed it', () => {
    const first = start();
    channel.end(first);
    const second = start();
    channel.end(first);
    expect(channel.publication).toBe(second);
  });
});

describe('players', () => {
  test('wait for a stream, get it, are told of its end and get the next', () => {
    const player = join();
    const first = start();
    send(first.stream, 40, keyframe('k1'));
    channel.end(first);
    const second = start();
    send(second.stream, 0, keyframe('k2'));
    expect(player.events).toEqual(['began', 'ended', 'began']);
    expect(received(player)).toEqual(['video 40 k1', 'video 0 k2']);
  });

  test('with another key may wait, but are refused when the stream begins', () => {
    expect(channel.admits('wrong')).toBe(true);
    const [wrong, right] = [join('wrong'), join('key')];
    const { stream } = start();
    send(stream, 0, keyframe('k'));
    expect(wrong.events).toEqual(['refused']);
    expect(wrong.outlet.writes).toBe(0);
    expect(right.events).toEqual(['began']);
    expect(received(right)).toEqual(['video 0 k']);
    expect(channel.viewerCount).toBe(1);
    expect([channel.admits('wrong'), channel.admits('key')]).toEqual([false, true]);
  });

  test('of other nodes are let in without a key, and are not counted as viewers', () => {
    const relay = new FakePlayer({ key: '', isRelay: true });
    channel.addPlayer(relay.player);
    join();
    start();
    expect(relay.events).toEqual(['began']);
    expect([channel.isUnused, channel.viewerCount]).toEqual([false, 1]);
  });

  test('that are closed when they are told of a stream are gone', () => {
    const closed = new FakePlayer({ began: (player) => channel.removePlayer(player) });
    channel.addPlayer(closed.player);
    const { stream } = start();
    send(stream, 0, keyframe('k'));
    expect([closed.outlet.writes, stream.playerCount, channel.viewerCount]).toEqual([0, 0, 0]);
  });

  test('that left before they could be told are not told', () => {
    const first = new FakePlayer({ began: () => channel.removePlayer(second.player) });
    const second = new FakePlayer();
    channel.addPlayer(first.player);
    channel.addPlayer(second.player);
    start();
    expect([first.events, second.events]).toEqual([['began'], []]);
  });

  test('that have left get nothing', () => {
    const [gone, waiting] = [join(), join()];
    channel.removePlayer(waiting.player);
    const { stream } = start();
    channel.removePlayer(gone.player);
    send(stream, 0, keyframe('k'));
    expect([gone.outlet.writes, waiting.outlet.writes, waiting.events.length]).toEqual([0, 0, 0]);
  });
});

describe('a stream goes on', () => {
  test('with the publisher that comes back: players notice a keyframe and a clock that runs on', () => {
    const player = join();
    const publication = start();
    const { stream } = publication;
    send(stream, 1_000, keyframe('k1'));
    send(stream, 1_040, interFrame('i2'));
    channel.hold(publisher);
    expect(channel.publication?.publisher).toBeNull();

    const again = new FakePublisher();
    expect(channel.reserve(again)).toBe(false);
    expect(channel.reserve(again, true)).toBe(true);
    expect(channel.resume(again, begins())).toBe(publication);
    send(stream, 500, interFrame('cannot be decoded'));
    send(stream, 540, keyframe('k3'));
    send(stream, 580, interFrame('i4'));
    expect(received(player)).toEqual(['video 1000 k1', 'video 1040 i2', 'video 1073 k3', 'video 1113 i4']);
    expect(player.events).toEqual(['began']);
    expect(publisher.ends).toEqual([]);
  });

  test('with sound that the encoder sends behind its picture, but not from before what players have', () => {
    const player = join();
    const { stream } = start();
    send(stream, 1_000, keyframe('k1'));
    send(stream, 1_100, aacFrame('a2'), MessageType.Audio);
    channel.hold(publisher);
    channel.reserve(publisher, true);
    channel.resume(publisher, begins());
    send(stream, 540, keyframe('k3'));
    for (const time of [240, 500, 521]) send(stream, time, aacFrame(`a${time}`), MessageType.Audio);
    const goesOn = ['video 1133 k3', 'audio 1114 a521'];
    expect(received(player)).toEqual(['video 1000 k1', 'audio 1100 a2', ...goesOn]);
  });

  test('with a second publisher, which displaces the first', () => {
    start();
    const second = new FakePublisher();
    channel.reserve(second, true);
    channel.resume(second, begins());
    expect(publisher.ends).toEqual([expect.stringContaining('displaced')]);
    channel.hold(publisher);
    expect(channel.publication?.publisher).toBe(second);
  });

  test('without the video it had, after five seconds of audio alone', () => {
    const player = join();
    const { stream } = start();
    send(stream, 1_000, keyframe('k1'));
    channel.reserve(publisher, true);
    channel.resume(publisher, begins());
    for (let time = 0; time <= 6_000; time += 1_000) send(stream, time, aacFrame(`a${time}`), MessageType.Audio);
    expect(received(player)).toEqual(['video 1000 k1', 'audio 1033 a6000']);
  });

  test('with its video, which may take longer than that to a keyframe', () => {
    const player = join();
    const { stream } = start();
    send(stream, 1_000, keyframe('k1'));
    channel.reserve(publisher, true);
    channel.resume(publisher, begins());
    for (let time = 0; time < 9_000; time += 1_000) {
      send(stream, time, interFrame('i'));
      send(stream, time, aacFrame('a'), MessageType.Audio);
    }
    send(stream, 9_000, keyframe('k2'));
    expect(received(player)).toEqual(['video 1000 k1', 'video 1033 k2']);
  });

  test('headers that did not change are not sent again', () => {
    const player = join();
    const { stream } = start();
    send(stream, 0, aacHeader('A'), MessageType.Audio);
    channel.reserve(publisher, true);
    channel.resume(publisher, begins());
    send(stream, 0, aacHeader('A'), MessageType.Audio);
    send(stream, 0, aacHeader('B'), MessageType.Audio);
    expect(received(player).map((line) => line.slice(-1))).toEqual(['A', 'B']);
  });
});

test('another stream takes a live one’s place: players are told of end and begin', () => {
  const player = join();
  send(start().stream, 0, keyframe('old'));
  const second = new FakePublisher();
  channel.reserve(second, true);
  send(channel.begin(second, begins()).stream, 0, keyframe('new'));
  expect(publisher.ends).toHaveLength(1);
  expect(player.events).toEqual(['began', 'ended', 'began']);
  expect(received(player)).toEqual(['video 0 old', 'video 0 new']);
});

describe('the hub', () => {
  test('keeps a channel while it has a publisher, a candidate or players', () => {
    const isKept = (): boolean => hub.find('channel') === channel;
    const player = join();
    channel.reserve(publisher);
    channel.removePlayer(player.player);
    expect(isKept()).toBe(true);
    const publication = channel.begin(publisher, begins());
    channel.hold(publisher);
    expect(isKept()).toBe(true);
    channel.end(publication);
    expect(isKept()).toBe(false);
    expect(hub.channel('channel')).not.toBe(channel);
    // A removed channel does not remove a new channel of the same name.
    channel.removePlayer(player.player);
    expect(hub.find('channel')).toBeDefined();
  });

  test('keeps a channel that is without anything only in the middle of a change', () => {
    const publication = start();
    const next = new FakePublisher();
    channel.change(() => {
      channel.end(publication);
      expect(channel.isUnused).toBe(true);
      channel.reserve(next);
      channel.begin(next, begins());
    });
    expect(hub.find('channel')).toBe(channel);
    expect(channel.publication?.publisher).toBe(next);
  });

  test('forgets a channel whose candidate gives up', () => {
    channel.reserve(publisher);
    channel.withdraw(publisher);
    expect(hub.find('channel')).toBeUndefined();
  });

  test('knows what is live and who waits', () => {
    const other = hub.channel('other');
    const publication = start();
    join();
    other.addPlayer(new FakePlayer().player);
    expect([...hub.publications()]).toEqual([publication]);
    expect([hub.publicationCount, hub.viewersByProtocol]).toEqual([1, { rtmp: 2, 'http-flv': 0, 'ws-flv': 0 }]);
    expect([...hub.waiting()]).toEqual([other]);
  });
});

describe('a player whose stream has ended while much of it was unsent', () => {
  const MB = 2 ** 20;

  /** A player of an ended stream with so many megabytes unsent. */
  function left(megabytes: number): FakePlayer {
    const { stream } = start();
    const fake = new FakePlayer({ fast: false });
    channel.addPlayer(fake.player);
    send(stream, 0, keyframe('k'));
    for (let i = 0; i < megabytes; i += 1) send(stream, i, Buffer.concat([interFrame('i'), Buffer.alloc(MB)]));
    channel.end(channel.publication!);
    fake.events.length = 0;
    return fake;
  }

  function pass(seconds: number, each: () => void = () => {}): void {
    for (let i = 0; i < seconds; i += 1) {
      rig.clock += 1_000;
      each();
      hub.tick(rig.clock);
    }
  }

  test('is disconnected when nothing drains for 30 seconds', () => {
    const fake = left(6);
    pass(31);
    expect(fake.events).toEqual([]);
    pass(1);
    expect(fake.events).toEqual(['too slow for 30 s']);
  });

  test('stays when it drains in time', () => {
    const fake = left(7);
    pass(25, () => fake.outlet.drain(MB / 4));
    pass(60);
    expect(fake.events).toEqual([]);
  });

  test('stays when little is unsent', () => {
    const fake = left(1);
    pass(60);
    expect(fake.events).toEqual([]);
  });

  test('is judged by the next stream once that has begun', () => {
    const fake = left(6);
    pass(20);
    const { stream } = start();
    send(stream, 0, keyframe('k'));
    expect(fake.player.laggingSince).toBe(0);
    pass(20);
    expect(fake.events).toEqual(['began']);
    fake.outlet.drain();
    expect(received(fake).at(-1)).toBe('video 0 k');
  });

  test('is among the players of the node', () => {
    const fake = left(1);
    expect([...hub.players()]).toEqual([fake.player]);
  });
});
