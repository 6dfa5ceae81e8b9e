import { describe, expect, test } from '@jest/globals';
import type { FakePlayer } from './fake-player';
import { aacFrame, avcHeader, interFrame, keyframe, StreamRig } from './stream-rig';

const MB = 1024 * 1024;

/** A frame of one megabyte that begins with the label. */
const mega = (frame: Buffer): Buffer => Buffer.concat([frame, Buffer.from(' '), Buffer.alloc(MB, 0)]);

/** A stream that has begun, with a player whose socket accepts nothing, and a fast player. */
function make(): { rig: StreamRig; slow: FakePlayer; fast: FakePlayer } {
  const rig = new StreamRig({ chunkSize: 65_536 });
  rig.video(0, avcHeader('V'));
  rig.video(0, keyframe('k0'));
  rig.flush();
  return { rig, slow: rig.join({ fast: false }), fast: rig.join() };
}

function publish(rig: StreamRig, timestamp: number, payload: Buffer): void {
  rig.video(timestamp, payload);
  rig.flush();
}

/** Sends inter frames of a megabyte, `i1` to `iN`. */
function publishMany(rig: StreamRig, count: number): void {
  for (let i = 1; i <= count; i += 1) publish(rig, i, mega(interFrame(`i${i}`)));
}

describe('a player that cannot keep up', () => {
  test('gets nothing more past 8 MB unsent, and goes on at a keyframe after it drained', () => {
    const { rig, slow, fast } = make();
    publishMany(rig, 12);
    expect(slow.outlet.unsentBytes).toBeLessThan(10 * MB);
    expect(rig.traffic.droppedFrames).toBe(4);

    slow.outlet.drain(6 * MB);
    publish(rig, 20, keyframe('k20'));
    expect(rig.traffic.droppedFrames).toBe(5);
    slow.outlet.drain();
    publish(rig, 21, interFrame('i21'));
    publish(rig, 22, keyframe('k22'));
    publish(rig, 23, interFrame('i23'));
    slow.outlet.drain();
    const times = slow.outlet.messages(65_536).map(({ timestamp }) => timestamp);
    expect(times).toEqual([0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 22, 23]);
    expect(slow.outlet.last).toBe(fast.outlet.last);
    expect(slow.events).toEqual([]);
    expect(fast.outlet.messages(65_536)).toHaveLength(2 + 12 + 4);
    expect(rig.traffic.droppedFrames).toBe(6);
  });

  test('gets the headers that changed meanwhile before that keyframe', () => {
    const { rig, slow } = make();
    publishMany(rig, 9);
    publish(rig, 20, avcHeader('W'));
    slow.outlet.drain();
    publish(rig, 21, keyframe('k21'));
    slow.outlet.drain();
    expect(rig.received(slow).slice(-2)).toEqual(['video 20 W', 'video 21 k21']);
  });

  test('without video goes on anywhere', () => {
    const rig = new StreamRig({ chunkSize: 65_536 });
    const slow = rig.join({ fast: false });
    for (let i = 1; i <= 10; i += 1) {
      rig.audio(i, mega(aacFrame(`a${i}`)));
      rig.flush();
    }
    slow.outlet.drain();
    rig.audio(11, aacFrame('a11'));
    rig.flush();
    slow.outlet.drain();
    expect(rig.received(slow).at(-1)).toBe('audio 11 a11');
  });

  test('is cut off after 30 seconds of it', () => {
    const { rig, slow, fast } = make();
    publishMany(rig, 9);
    rig.stream.tick(rig.clock + 30_000);
    expect(slow.events).toEqual([]);
    rig.stream.tick(rig.clock + 30_001);
    expect(slow.events).toEqual(['too slow for 30 s']);
    expect(fast.events).toEqual([]);
  });

  test('is told nothing when it has left before its turn', () => {
    const { rig } = make();
    const players: FakePlayer[] = [];
    const slow = (): void => {
      for (const { player } of players) rig.stream.removePlayer(player);
    };
    for (let i = 0; i < 3; i += 1) players.push(rig.join({ fast: false, slow }));
    publishMany(rig, 9);
    rig.stream.tick(rig.clock + 30_001);
    expect(players.flatMap(({ events }) => events)).toEqual(['too slow for 30 s']);
  });

  test('is cut off past 64 MB unsent', () => {
    const { rig, slow } = make();
    rig.video(1, Buffer.concat([interFrame('huge'), Buffer.alloc(15 * MB)]));
    for (let i = 0; i < 5; i += 1) rig.video(2, Buffer.concat([interFrame('huge'), Buffer.alloc(15 * MB)]));
    rig.flush();
    rig.stream.tick(rig.clock);
    expect(slow.events).toEqual([expect.stringMatching(/^\d{8} bytes unsent$/)]);
  });

  test('that pauses is not too slow for what it is not sent', () => {
    const { rig, slow } = make();
    publishMany(rig, 9);
    slow.player.paused = true;
    rig.stream.playerChanged(slow.player);
    rig.stream.tick(rig.clock + 60_000);
    expect(slow.events).toEqual([]);
  });
});

describe('a player that begins with a large cache', () => {
  function joined(): { rig: StreamRig; slow: FakePlayer } {
    const rig = new StreamRig({ chunkSize: 65_536 });
    publish(rig, 0, mega(keyframe('k0')));
    publishMany(rig, 20);
    return { rig, slow: rig.join({ fast: false }) };
  }

  test('is not lagging while it takes that', () => {
    const { rig, slow } = joined();
    expect(slow.outlet.unsentBytes).toBeGreaterThan(20 * MB);
    publish(rig, 30, interFrame('i30'));
    publish(rig, 31, interFrame('i31'));
    slow.outlet.drain();
    expect(slow.outlet.messages(65_536).at(-1)?.timestamp).toBe(31);
    expect(rig.traffic.droppedFrames).toBe(0);
  });

  test('is once it has taken that and is behind again', () => {
    const { rig, slow } = joined();
    publish(rig, 30, interFrame('i30'));
    slow.outlet.drain();
    publishMany(rig, 12);
    expect(rig.traffic.droppedFrames).toBeGreaterThan(0);
  });
});

describe('a player that begins with more than it can take in half a minute', () => {
  /** A GOP of 120 MB, and a player to which it has been sent. */
  function joined(): { rig: StreamRig; slow: FakePlayer } {
    const rig = new StreamRig({ chunkSize: 65_536 });
    publish(rig, 0, keyframe('k0'));
    for (let i = 1; i <= 8; i += 1) publish(rig, i, Buffer.concat([interFrame('huge'), Buffer.alloc(15 * MB)]));
    return { rig, slow: rig.join({ fast: false }) };
  }

  /** Seconds, in each of which this much is published and this much drains. */
  function pass(rig: StreamRig, slow: FakePlayer, seconds: number, published: number, drained: number): void {
    for (let i = 0; i < seconds; i += 1) {
      publish(rig, 1_000, Buffer.concat([interFrame('i'), Buffer.alloc(published)]));
      slow.outlet.drain(drained);
      rig.clock += 1_000;
      rig.stream.tick(rig.clock);
    }
  }

  test('works through that while it gains on the stream', () => {
    const { rig, slow } = joined();
    pass(rig, slow, 120, 0.5 * MB, 2 * MB);
    expect(slow.events).toEqual([]);
    expect(slow.outlet.unsentBytes).toBe(0);
    expect(rig.traffic.droppedFrames).toBe(0);
  });

  test('that does not gain on it gets no more until it is done and a keyframe comes', () => {
    const { rig, slow } = joined();
    pass(rig, slow, 100, 3 * MB, 2 * MB);
    expect(slow.events).toEqual([]);
    expect(rig.traffic.droppedFrames).toBeGreaterThan(50);
    slow.outlet.drain();
    publish(rig, 2_000, keyframe('again'));
    slow.outlet.drain();
    expect(rig.received(slow).at(-1)).toBe('video 2000 again');
  });

  test('is cut off when it takes nothing, and when it stops in the middle', () => {
    for (const begins of [0, 40]) {
      const { rig, slow } = joined();
      pass(rig, slow, begins, 1 * MB, 2 * MB);
      pass(rig, slow, 37, 1 * MB, 0);
      expect(slow.events).toEqual([]);
      pass(rig, slow, 3, 1 * MB, 0);
      expect(slow.events[0]).toBe('too slow for 30 s');
      expect(slow.outlet.unsentBytes).toBeLessThan((120 - begins + 12) * MB);
    }
  });
});

test('a player that has drained is not cut off because the keyframe is late', () => {
  const { rig, slow } = make();
  publishMany(rig, 9);
  slow.outlet.drain();
  slow.outlet.fast = true;
  rig.stream.tick((rig.clock += 30_001));
  expect(slow.events).toEqual([]);
  publish(rig, 20, interFrame('cannot be decoded'));
  publish(rig, 21, keyframe('k21'));
  expect(rig.received(slow).at(-1)).toBe('video 21 k21');
  expect(slow.outlet.messages(65_536).map(({ timestamp }) => timestamp)).not.toContain(20);
});

test('a cache of more than 64 MB is sent whole', () => {
  const rig = new StreamRig({ chunkSize: 65_536 });
  publish(rig, 0, keyframe('k0'));
  for (let i = 0; i < 5; i += 1) publish(rig, 1, Buffer.concat([interFrame('huge'), Buffer.alloc(15 * MB)]));
  const received = rig.received(rig.join()).map((line) => line.replace(/\0+$/, ''));
  expect(received).toEqual(['video 0 k0', ...Array<string>(5).fill('video 1 huge')]);
});
