import { beforeEach, describe, expect, test } from '@jest/globals';
import type { Channel } from '../../../service/hub/channel';
import { Hub } from '../../../service/hub/hub';
import type { Publication } from '../../../service/hub/publication';
import type { Publisher } from '../../../service/hub/publisher';
import type { PayloadSink } from '../../../service/protocol/chunk/payload-sink';
import { MessageType } from '../../../service/protocol/message-types';
import { FakePlayer } from './fake-player';
import { aacFrame, avcHeader, inWords, interFrame, keyframe, StreamRig } from './stream-rig';

/** A publisher, or a relay of another node's stream, with its input to the channel. */
class Source implements Publisher {
  readonly clientIp = '192.0.2.1';
  readonly software = 'test';
  isDisplaced = false;
  origin?: string;
  publication!: Publication;
  #inlet!: Publication['inlet'];
  #unfinished: PayloadSink | undefined;

  constructor(readonly isRelay: boolean) {}

  begin(): this {
    channel.reserve(this, true);
    return this.#holds(channel.begin(this, begins));
  }

  goOn(gently: boolean): this {
    channel.reserve(this, true);
    return this.#holds(channel.resume(this, begins, gently));
  }

  /** Begins a message of this length, sends its first bytes, and leaves it unfinished until it is displaced. */
  sendBeginOf(timestamp: number, length: number, payload: Buffer): void {
    this.#unfinished = this.#inlet.openMedia(MessageType.Video, timestamp, length);
    this.#unfinished.append(payload, 0, payload.length);
  }

  sendAudio(timestamp: number, payload: Buffer): void {
    this.#inlet.appendMedia(MessageType.Audio, timestamp, payload);
  }

  send(timestamp: number, payload: Buffer): void {
    this.#inlet.appendMedia(MessageType.Video, timestamp, payload);
    this.publication.stream.flush();
  }

  kill(): void {}

  displaced(): void {
    this.isDisplaced = true;
    this.#unfinished?.abort();
  }

  #holds(publication: Publication): this {
    this.publication = publication;
    this.#inlet = publication.inlet;
    return this;
  }
}

const begins = { key: 'key', grant: { streamId: 'id' }, admitsKey: () => true };
const client = (): Source => new Source(false);
const relay = (): Source => new Source(true);

let rig: StreamRig;
let channel: Channel;
beforeEach(() => {
  rig = new StreamRig();
  channel = new Hub(rig.env).channel('channel');
});

function join(isRelay = false): FakePlayer {
  const fake = new FakePlayer({ isRelay });
  channel.addPlayer(fake.player);
  return fake;
}

const received = ({ outlet }: FakePlayer): string[] => outlet.messages(rig.env.chunkSize).map(inWords);

describe('a stream gets another source', () => {
  test('gently: the former one feeds it until the new one has a keyframe, nothing is lost or repeated', () => {
    const viewer = join();
    const former = relay().begin();
    former.send(0, keyframe('k0'));
    const next = client().goOn(true);
    expect(channel.publication?.publisher).toBe(next);
    former.send(40, interFrame('i1'));
    next.send(9_000, interFrame('undecodable'));
    former.send(80, interFrame('i2'));
    expect(former.isDisplaced).toBe(false);
    next.send(9_040, keyframe('k3'));
    expect(former.isDisplaced).toBe(true);
    next.send(9_080, interFrame('i4'));
    expect(received(viewer)).toEqual(['video 0 k0', 'video 40 i1', 'video 80 i2', 'video 113 k3', 'video 153 i4']);
    expect(viewer.events).toEqual(['began']);
  });

  test('gently, and without the video it had: after five seconds of audio alone, without another five', () => {
    const viewer = join();
    relay().begin().send(0, keyframe('k0'));
    const next = client().goOn(true);
    for (let time = 0; time <= 7_000; time += 1_000) next.sendAudio(time, aacFrame(`a${time}`));
    next.publication.stream.flush();
    expect(received(viewer)).toEqual(['video 0 k0', 'audio 33 a6000', 'audio 1033 a7000']);
  });

  test('at once, and a stream of audio alone does not wait for a keyframe, even if the new one sends video', () => {
    const viewer = join();
    client().begin().sendAudio(0, aacFrame('a0'));
    const next = client().goOn(false);
    next.send(0, avcHeader('V'));
    next.sendAudio(0, aacFrame('a1'));
    next.publication.stream.flush();
    expect(received(viewer)).toEqual(['audio 0 a0', 'video 33 V', 'audio 33 a1']);
  });

  test('at once, when the former one may be dead', () => {
    const former = client().begin();
    const next = client().goOn(false);
    expect(former.isDisplaced).toBe(true);
    expect(next.isDisplaced).toBe(false);
  });

  test('and what waited behind an unfinished message of the former one is no frame of the new one', () => {
    const viewer = join();
    const former = client().begin();
    former.send(100_000, keyframe('k0'));
    former.sendBeginOf(100_040, 5_000, interFrame('unfinished'));
    former.sendAudio(100_050, aacFrame('a1'));
    const next = client().goOn(false);
    for (let time = 0; time < 400; time += 40) next.send(time, interFrame('undecodable'));
    next.send(400, keyframe('k2'));
    next.send(440, interFrame('i3'));
    expect(received(viewer)).toEqual(['video 100000 k0', 'audio 100050 a1', 'video 100083 k2', 'video 100123 i3']);
  });

  test('and a third before the second had a keyframe: the first one still feeds it', () => {
    const viewer = join();
    const first = relay().begin();
    first.send(0, keyframe('k0'));
    const second = relay().goOn(true);
    const third = relay().goOn(true);
    expect([first.isDisplaced, second.isDisplaced]).toEqual([false, true]);
    second.send(0, keyframe('not heard'));
    first.send(40, interFrame('i1'));
    third.send(0, keyframe('k2'));
    expect(first.isDisplaced).toBe(true);
    expect(received(viewer)).toEqual(['video 0 k0', 'video 40 i1', 'video 73 k2']);
  });

  test('a relay that breaks before its keyframe leaves the stream to the former source', () => {
    const viewer = join();
    const former = relay().begin();
    former.send(0, keyframe('k0'));
    const next = relay().goOn(true);
    channel.hold(next);
    expect(channel.publication?.publisher).toBe(former);
    former.send(40, interFrame('i1'));
    expect(received(viewer)).toEqual(['video 0 k0', 'video 40 i1']);
  });

  test('and the former one is lost before the keyframe of the new one, a relay, which breaks too: nobody has it', () => {
    const former = client().begin();
    former.send(0, keyframe('k0'));
    const next = relay().goOn(true);
    channel.hold(former);
    expect(channel.publication?.publisher).toBe(next);
    channel.hold(next);
    expect(channel.publication?.publisher).toBeNull();
  });

  test('a publisher that is lost before its keyframe is waited for: the stream is its own', () => {
    const former = relay().begin();
    const next = client().goOn(true);
    channel.hold(next);
    expect(former.isDisplaced).toBe(true);
    expect(channel.publication?.publisher).toBeNull();
  });

  test('and ends: both sources are let go', () => {
    const viewer = join();
    const former = relay().begin();
    const next = client().goOn(true);
    channel.end(next.publication);
    expect(former.isDisplaced).toBe(true);
    expect(viewer.events).toEqual(['began', 'ended']);
  });
});

describe('a relay breaks, and another one brings the same stream', () => {
  let viewer: FakePlayer;
  const [i1, i2, i3] = ['i1', 'i2', 'i3'].map(interFrame) as [Buffer, Buffer, Buffer];

  /** A relay to this publish at another node. */
  function relayOf(origin: string): Source {
    return Object.assign(relay(), { origin });
  }

  beforeEach(() => {
    viewer = join();
    const other = client().begin();
    other.send(100, keyframe('other'));
    channel.hold(other);
    const broken = relayOf('x').goOn(true);
    broken.send(0, keyframe('k0'));
    broken.sendAudio(15, aacFrame('a0'));
    broken.send(40, i1);
    channel.hold(broken);
  });
  const had = ['video 100 other', 'video 133 k0', 'audio 148 a0', 'video 173 i1'];

  test('what viewers have is left out, and the rest goes on by the same clock', () => {
    const again = relayOf('x').goOn(true);
    again.send(0, keyframe('k0'));
    again.sendAudio(15, aacFrame('a0'));
    again.send(40, i1);
    again.sendAudio(39, aacFrame('a1'));
    again.send(85, i2);
    again.send(120, keyframe('k3'));
    expect(received(viewer)).toEqual([...had, 'audio 172 a1', 'video 218 i2', 'video 253 k3']);
  });

  test('when it breaks again amid what viewers have, too', () => {
    const second = relayOf('x').goOn(true);
    second.send(0, keyframe('k0'));
    channel.hold(second);
    const third = relayOf('x').goOn(true);
    channel.hold(third);
    const again = relayOf('x').goOn(true);
    for (const [time, frame] of [
      [0, keyframe('k0')],
      [40, i1],
      [80, i2],
    ] as const)
      again.send(time, frame);
    expect(received(viewer)).toEqual([...had, 'video 213 i2']);
  });

  test('but not in time for the same group of pictures: it goes on with the next one', () => {
    const again = relayOf('x').goOn(true);
    again.send(5_000, keyframe('k2'));
    again.send(5_040, i3);
    expect(received(viewer)).toEqual([...had, 'video 206 k2', 'video 246 i3']);
  });

  test('but it is another publish, or one that another source came after: all is new', () => {
    const another = relayOf('y').goOn(true);
    another.send(0, keyframe('k2'));
    channel.hold(another);
    relayOf('x').goOn(true).send(0, keyframe('k3'));
    expect(received(viewer)).toEqual([...had, 'video 206 k2', 'video 239 k3']);
  });

  test('while the broken one seems to feed it still: nothing comes twice', () => {
    const second = relayOf('x').goOn(true);
    second.send(0, keyframe('k0'));
    second.send(40, i1);
    second.send(80, i2);
    const third = relayOf('x').goOn(true);
    third.send(0, keyframe('k0'));
    third.send(80, i2);
    third.send(120, i3);
    expect(received(viewer)).toEqual([...had, 'video 213 i2', 'video 253 i3']);
  });

  test('without video, too', () => {
    channel = new Hub(rig.env).channel('sound');
    const listener = join();
    const broken = relayOf('x').begin();
    for (const time of [0, 21, 42]) broken.sendAudio(time, aacFrame(`a${time}`));
    channel.hold(broken);
    const again = relayOf('x').goOn(true);
    for (const time of [21, 42, 63, 84]) again.sendAudio(time, aacFrame(`a${time}`));
    again.publication.stream.flush();
    expect(received(listener)).toEqual(['audio 0 a0', 'audio 21 a21', 'audio 42 a42', 'audio 63 a63', 'audio 84 a84']);
  });
});

describe('another node', () => {
  test('that comes while a stream gets another source is served from that one on', () => {
    const former = relay().begin();
    former.send(0, keyframe('k0'));
    const next = client().goOn(true);
    const node = join(true);
    former.send(40, keyframe('k1'));
    next.send(0, keyframe('k2'));
    next.send(40, interFrame('i3'));
    expect(received(node)).toEqual(['video 73 k2', 'video 113 i3']);
  });

  test('that comes before a publisher that has come back sends anything gets nothing of before', () => {
    const lost = client().begin();
    lost.send(0, keyframe('k0'));
    channel.hold(lost);
    const again = client().goOn(false);
    const [node, viewer] = [join(true), join()];
    again.send(0, keyframe('k1'));
    expect(received(node)).toEqual(['video 33 k1']);
    expect(received(viewer)).toEqual(['video 0 k0', 'video 33 k1']);
  });

  test('is not served what a relay brings, for it fetches that itself', () => {
    const leaving = client().begin();
    const [before, viewer] = [join(true), join()];
    leaving.send(0, keyframe('k0'));
    const next = relay().goOn(true);
    leaving.send(40, interFrame('i1'));
    next.send(0, keyframe('k2'));
    const after = join(true);
    next.send(40, interFrame('i3'));
    expect(received(before)).toEqual(['video 0 k0', 'video 40 i1']);
    expect(received(after)).toEqual([]);
    expect(received(viewer)).toHaveLength(4);
  });

  test('is served again when the publisher comes back to this node', () => {
    relay().begin().send(0, keyframe('k0'));
    const node = join(true);
    client().goOn(false).send(0, keyframe('k1'));
    expect(received(node)).toEqual(['video 33 k1']);
  });

  test('that has waited since the end of a relayed stream is served the next one, until it leaves', () => {
    const viewer = join();
    const relayed = relay().begin();
    channel.end(relayed.publication);
    const node = join(true);
    const next = client().begin();
    next.send(0, keyframe('k0'));
    expect(node.events).toEqual(['began']);
    channel.removePlayer(node.player);
    next.send(40, interFrame('i1'));
    expect(received(node)).toEqual(['video 0 k0']);
    expect(received(viewer)).toEqual(['video 0 k0', 'video 40 i1']);
  });

  test('that leaves while it waits is not served', () => {
    relay().begin();
    const node = join(true);
    channel.removePlayer(node.player);
    client().goOn(false).send(0, keyframe('k1'));
    expect(node.outlet.writes).toBe(0);
  });
});
