import { describe, expect, test } from '@jest/globals';
import type { FakePlayer } from './fake-player';
import { aacFrame, avcHeader, interFrame, keyframe, StreamBench } from './stream-bench';

const MB = 1024 * 1024;

/** A frame of one megabyte that begins with the label. */
const mega = (frame: Buffer): Buffer => Buffer.concat([frame, Buffer.from(' '), Buffer.alloc(MB, 0)]);

/** A stream that has begun, with one player whose socket takes nothing, and one that is fast. */
function make(): { bench: StreamBench; slow: FakePlayer; fast: FakePlayer } {
  const bench = new StreamBench({ chunkSize: 65_536 });
  bench.video(0, avcHeader('V'));
  bench.video(0, keyframe('k0'));
  bench.flush();
  return { bench, slow: bench.join({ fast: false }), fast: bench.join() };
}

function publish(bench: StreamBench, timestamp: number, payload: Buffer): void {
  bench.video(timestamp, payload);
  bench.flush();
}

/** Sends inter frames of a megabyte, `i1` to `iN`. */
function publishMany(bench: StreamBench, count: number): void {
  for (let i = 1; i <= count; i += 1) publish(bench, i, mega(interFrame(`i${i}`)));
}

describe('a player that cannot keep up', () => {
  test('gets nothing more past 8 MB unsent, and goes on at a keyframe after it drained', () => {
    const { bench, slow, fast } = make();
    publishMany(bench, 12);
    expect(slow.outlet.unsentBytes).toBeLessThan(10 * MB);
    expect(bench.traffic.droppedFrames).toBe(4);

    slow.outlet.drain(6 * MB);
    publish(bench, 20, keyframe('k20'));
    expect(bench.traffic.droppedFrames).toBe(5);
    slow.outlet.drain();
    publish(bench, 21, interFrame('i21'));
    publish(bench, 22, keyframe('k22'));
    publish(bench, 23, interFrame('i23'));
    slow.outlet.drain();
    const times = slow.outlet.messages(65_536).map(({ timestamp }) => timestamp);
    expect(times).toEqual([0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 22, 23]);
    expect(slow.outlet.last).toBe(fast.outlet.last);
    expect(slow.events).toEqual([]);
    expect(fast.outlet.messages(65_536)).toHaveLength(2 + 12 + 4);
    expect(bench.traffic.droppedFrames).toBe(6);
  });

  test('gets the headers that changed meanwhile before that keyframe', () => {
    const { bench, slow } = make();
    publishMany(bench, 9);
    publish(bench, 20, avcHeader('W'));
    slow.outlet.drain();
    publish(bench, 21, keyframe('k21'));
    slow.outlet.drain();
    expect(bench.received(slow).slice(-2)).toEqual(['video 20 W', 'video 21 k21']);
  });

  test('without video goes on anywhere', () => {
    const bench = new StreamBench({ chunkSize: 65_536 });
    const slow = bench.join({ fast: false });
    for (let i = 1; i <= 10; i += 1) {
      bench.audio(i, mega(aacFrame(`a${i}`)));
      bench.flush();
    }
    slow.outlet.drain();
    bench.audio(11, aacFrame('a11'));
    bench.flush();
    slow.outlet.drain();
    expect(bench.received(slow).at(-1)).toBe('audio 11 a11');
  });

  test('is cut off after 30 seconds of it', () => {
    const { bench, slow, fast } = make();
    publishMany(bench, 9);
    bench.stream.tick(bench.clock + 30_000);
    expect(slow.events).toEqual([]);
    bench.stream.tick(bench.clock + 30_001);
    expect(slow.events).toEqual(['too slow for 30 s']);
    expect(fast.events).toEqual([]);
  });

  test('is told nothing when it has left before its turn', () => {
    const { bench } = make();
    const players: FakePlayer[] = [];
    const slow = (): void => {
      for (const { player } of players) bench.stream.removePlayer(player);
    };
    for (let i = 0; i < 3; i += 1) players.push(bench.join({ fast: false, slow }));
    publishMany(bench, 9);
    bench.stream.tick(bench.clock + 30_001);
    expect(players.flatMap(({ events }) => events)).toEqual(['too slow for 30 s']);
  });

  test('is cut off past 64 MB unsent', () => {
    const { bench, slow } = make();
    bench.video(1, Buffer.concat([interFrame('huge'), Buffer.alloc(15 * MB)]));
    for (let i = 0; i < 5; i += 1) bench.video(2, Buffer.concat([interFrame('huge'), Buffer.alloc(15 * MB)]));
    bench.flush();
    bench.stream.tick(bench.clock);
    expect(slow.events).toEqual([expect.stringMatching(/^\d{8} bytes unsent$/)]);
  });

  test('that pauses is not too slow for what it is not sent', () => {
    const { bench, slow } = make();
    publishMany(bench, 9);
    slow.player.paused = true;
    bench.stream.playerChanged(slow.player);
    bench.stream.tick(bench.clock + 60_000);
    expect(slow.events).toEqual([]);
  });
});

describe('a player that begins with a large cache', () => {
  function joined(): { bench: StreamBench; slow: FakePlayer } {
    const bench = new StreamBench({ chunkSize: 65_536 });
    publish(bench, 0, mega(keyframe('k0')));
    publishMany(bench, 20);
    return { bench, slow: bench.join({ fast: false }) };
  }

  test('is not lagging while it takes that', () => {
    const { bench, slow } = joined();
    expect(slow.outlet.unsentBytes).toBeGreaterThan(20 * MB);
    publish(bench, 30, interFrame('i30'));
    publish(bench, 31, interFrame('i31'));
    slow.outlet.drain();
    expect(slow.outlet.messages(65_536).at(-1)?.timestamp).toBe(31);
    expect(bench.traffic.droppedFrames).toBe(0);
  });

  test('is once it has taken that and is behind again', () => {
    const { bench, slow } = joined();
    publish(bench, 30, interFrame('i30'));
    slow.outlet.drain();
    publishMany(bench, 12);
    expect(bench.traffic.droppedFrames).toBeGreaterThan(0);
  });
});

describe('a player that begins with more than it can take in half a minute', () => {
  /** A GOP of 120 MB, and a player that has been sent that. */
  function joined(): { bench: StreamBench; slow: FakePlayer } {
    const bench = new StreamBench({ chunkSize: 65_536 });
    publish(bench, 0, keyframe('k0'));
    for (let i = 1; i <= 8; i += 1) publish(bench, i, Buffer.concat([interFrame('huge'), Buffer.alloc(15 * MB)]));
    return { bench, slow: bench.join({ fast: false }) };
  }

  /** Seconds in which so much is published and so much drains. */
  function pass(bench: StreamBench, slow: FakePlayer, seconds: number, published: number, drained: number): void {
    for (let i = 0; i < seconds; i += 1) {
      publish(bench, 1_000, Buffer.concat([interFrame('i'), Buffer.alloc(published)]));
      slow.outlet.drain(drained);
      bench.clock += 1_000;
      bench.stream.tick(bench.clock);
    }
  }

  test('works through that while it gains on the stream', () => {
    const { bench, slow } = joined();
    pass(bench, slow, 120, 0.5 * MB, 2 * MB);
    expect(slow.events).toEqual([]);
    expect(slow.outlet.unsentBytes).toBe(0);
    expect(bench.traffic.droppedFrames).toBe(0);
  });

  test('that does not gain on it gets no more until it is done and a keyframe comes', () => {
    const { bench, slow } = joined();
    pass(bench, slow, 100, 3 * MB, 2 * MB);
    expect(slow.events).toEqual([]);
    expect(bench.traffic.droppedFrames).toBeGreaterThan(50);
    slow.outlet.drain();
    publish(bench, 2_000, keyframe('again'));
    slow.outlet.drain();
    expect(bench.received(slow).at(-1)).toBe('video 2000 again');
  });

  test('is cut off when it takes nothing, and when it stops in the middle', () => {
    for (const begins of [0, 40]) {
      const { bench, slow } = joined();
      pass(bench, slow, begins, 1 * MB, 2 * MB);
      pass(bench, slow, 37, 1 * MB, 0);
      expect(slow.events).toEqual([]);
      pass(bench, slow, 3, 1 * MB, 0);
      expect(slow.events[0]).toBe('too slow for 30 s');
      expect(slow.outlet.unsentBytes).toBeLessThan((120 - begins + 12) * MB);
    }
  });
});

test('a player that has drained is not cut off because the keyframe is late', () => {
  const { bench, slow } = make();
  publishMany(bench, 9);
  slow.outlet.drain();
  slow.outlet.fast = true;
  bench.stream.tick((bench.clock += 30_001));
  expect(slow.events).toEqual([]);
  publish(bench, 20, interFrame('cannot be decoded'));
  publish(bench, 21, keyframe('k21'));
  expect(bench.received(slow).at(-1)).toBe('video 21 k21');
  expect(slow.outlet.messages(65_536).map(({ timestamp }) => timestamp)).not.toContain(20);
});

test('a cache of more than 64 MB is sent whole', () => {
  const bench = new StreamBench({ chunkSize: 65_536 });
  publish(bench, 0, keyframe('k0'));
  for (let i = 0; i < 5; i += 1) publish(bench, 1, Buffer.concat([interFrame('huge'), Buffer.alloc(15 * MB)]));
  const received = bench.received(bench.join()).map((line) => line.replace(/\0+$/, ''));
  expect(received).toEqual(['video 0 k0', ...Array<string>(5).fill('video 1 huge')]);
});
