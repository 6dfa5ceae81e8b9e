import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import fc from 'fast-check';
import { TrafficCounters } from '../../../../service/metrics/traffic-counters';
import { Batching } from '../../../../service/net/batching/batching';
import type { FakePlayer } from '../../hub/fake-player';
import { aacFrame, interFrame, StreamRig } from '../../hub/stream-rig';

beforeEach(() => {
  jest.useFakeTimers();
});
afterEach(() => {
  jest.useRealTimers();
});

/** A node's controller with a stream that has one player. */
class Node {
  readonly traffic = new TrafficCounters();
  readonly batching: Batching;
  readonly rig: StreamRig;
  readonly player: FakePlayer;

  constructor(latencyMs: number) {
    this.batching = new Batching({ latencyMs, traffic: this.traffic });
    this.rig = this.addStream();
    this.player = this.rig.join();
  }

  addStream(): StreamRig {
    return new StreamRig({ scheduler: this.batching, traffic: this.traffic });
  }

  /** A read that brings messages. */
  read(...bring: (() => void)[]): void {
    for (const message of bring) message();
    this.batching.afterRead();
  }

  /** Advances the time under this load; afterwards the node has evaluated the load. */
  load(messagesOut: number, messagesIn = 0, ms = 1_000, publisher = this.rig): void {
    const bring = audio(publisher);
    for (let at = 0; at < ms; at += 250) {
      this.traffic.messagesOut += messagesOut / 4;
      for (let i = 0; i < messagesIn / 4; i += 1) bring();
      jest.advanceTimersByTime(250);
    }
  }

  get setting(): string {
    return `${this.batching.mode} ${this.batching.intervalMs}`;
  }

  get received(): number {
    return this.player.outlet.writes;
  }
}

const video = (rig: StreamRig) => () => rig.video(0, interFrame('i'));
const audio = (rig: StreamRig) => () => rig.audio(0, aacFrame('a'));

describe('the mode follows the load', () => {
  test.each([
    [100, 0, 0, 'at-once 0'],
    [100, 1_900, 900, 'at-once 0'],
    [100, 2_100, 0, 'ride-along 50'],
    [100, 0, 1_100, 'ride-along 50'],
    [100, 5_100, 0, 'tick 50'],
    [100, 6_100, 0, 'tick 100'],
    [100, 0, 3_100, 'tick 100'],
    [250, 50_000, 0, 'tick 250'],
    [60, 50_000, 0, 'tick 60'],
    [50, 50_000, 0, 'tick 50'],
    [49, 50_000, 0, 'ride-along 49'],
    [20, 50_000, 0, 'ride-along 20'],
    [0, 50_000, 50_000, 'at-once 0'],
  ])('knob %d ms, %d messages a second to players, %d from publishers: %s', (latencyMs, out, into, setting) => {
    const node = new Node(latencyMs);
    node.load(out, into);
    expect(node.setting).toBe(setting);
    expect(node.batching.paces(node.rig.stream)).toBe(setting.startsWith('tick'));
    node.batching.close();
  });

  test('but not that of publishers whom nobody plays', () => {
    const node = new Node(100);
    node.load(100, 20_000, 1_000, node.addStream());
    expect(node.setting).toBe('at-once 0');
    node.batching.close();
  });

  test('and does not go to and fro around a threshold', () => {
    const node = new Node(100);
    for (const [load, setting] of [
      [6_100, 'tick 100'],
      [4_300, 'tick 100'],
      [4_100, 'tick 50'],
      [2_900, 'tick 50'],
      [2_700, 'ride-along 50'],
      [1_500, 'ride-along 50'],
      [1_300, 'at-once 0'],
      [1_900, 'at-once 0'],
    ] as const) {
      node.load(load);
      expect(node.setting).toBe(setting);
    }
    node.batching.close();
  });
});

describe('at once', () => {
  test('what a read brought goes out after it, in one write', () => {
    const node = new Node(100);
    node.read(audio(node.rig), audio(node.rig), video(node.rig));
    expect(node.received).toBe(1);
    node.read(audio(node.rig));
    expect(node.received).toBe(2);
    node.read();
    expect(node.received).toBe(2);
    node.batching.close();
  });

  test('with the knob at 0 nothing is ever held, and nothing is timed', () => {
    const node = new Node(0);
    expect(jest.getTimerCount()).toBe(0);
    for (let i = 1; i <= 100; i += 1) {
      node.traffic.messagesOut += 100_000;
      jest.advanceTimersByTime(10);
      node.read(audio(node.rig));
      expect(node.received).toBe(i);
    }
    expect(node.batching.paces(node.rig.stream)).toBe(false);
  });
});

describe('a publisher whom nobody plays', () => {
  test.each([
    [0, false],
    [33, false],
    [34, true],
    [100, true],
  ])('with the knob at %d ms is left unread for a while: %s', (latencyMs, paced) => {
    const node = new Node(latencyMs);
    const { stream, join } = unplayed(node);
    expect(node.batching.paces(stream)).toBe(paced);
    expect(node.batching.paces(node.rig.stream)).toBe(false);
    join();
    expect(node.batching.paces(stream)).toBe(false);
    node.batching.close();
  });

  test('is read again when the knob says, together with all others', () => {
    const node = new Node(100);
    const timers = jest.getTimerCount();
    const read: string[] = [];
    const reader = (name: string) => ({ readAgain: () => void read.push(name) });
    node.batching.hold(reader('first'));
    jest.advanceTimersByTime(60);
    node.batching.hold(reader('second'));
    expect(jest.getTimerCount()).toBe(timers + 1);
    jest.advanceTimersByTime(39);
    expect(read).toEqual([]);
    jest.advanceTimersByTime(1);
    expect(read).toEqual(['first', 'second']);
    expect(jest.getTimerCount()).toBe(timers);
    node.batching.close();
  });

  test('is read on the tick once there is one, and is let go when the node ends', () => {
    const node = new Node(100);
    let reads = 0;
    const reader = {
      readAgain() {
        reads += 1;
        if (node.batching.paces(unplayed(node).stream)) node.batching.hold(reader);
      },
    };
    node.batching.hold(reader);
    node.load(20_000);
    const before = reads;
    jest.advanceTimersByTime(1);
    node.load(20_000);
    expect(reads - before).toBe(10);
    const last = reads;
    node.batching.close();
    expect(reads).toBe(last + 1);
    jest.runOnlyPendingTimers();
    expect(jest.getTimerCount()).toBe(0);
  });

  function unplayed(node: Node) {
    const rig = node.addStream();
    return { stream: rig.stream, join: () => rig.join() };
  }
});

describe('ride-along', () => {
  function riding(): Node {
    const node = new Node(100);
    node.load(3_000);
    return node;
  }

  test('video goes at once and takes the audio of its stream with it', () => {
    const node = riding();
    node.read(audio(node.rig));
    expect(node.received).toBe(0);
    node.read(video(node.rig));
    expect(node.received).toBe(1);
    expect(node.rig.received(node.player)).toHaveLength(2);
    node.batching.close();
  });

  test('video of one stream does not take the audio of others', () => {
    const node = riding();
    const other = node.addStream();
    const listener = other.join();
    node.read(audio(other), video(node.rig));
    expect([node.received, listener.outlet.writes]).toEqual([1, 0]);
    jest.advanceTimersByTime(50);
    expect([node.received, listener.outlet.writes]).toEqual([1, 1]);
    node.batching.close();
  });

  test('with 30 frames a second a player costs 30 writes, whatever audio comes between', () => {
    const node = riding();
    for (let ms = 1; ms <= 1_000; ms += 1) {
      jest.advanceTimersByTime(1);
      if (ms % 21 === 0) node.read(audio(node.rig));
      if (ms % 33 === 0) node.read(video(node.rig));
      if (ms % 250 === 1) node.traffic.messagesOut += 750;
    }
    expect(node.setting).toBe('ride-along 50');
    expect(node.received).toBe(30);
    node.batching.close();
  });

  test('audio without video is gathered for as long as the hold lasts', () => {
    const node = riding();
    node.read(audio(node.rig));
    jest.advanceTimersByTime(30);
    node.read(audio(node.rig));
    jest.advanceTimersByTime(17);
    expect(node.received).toBe(0);
    jest.advanceTimersByTime(3);
    expect(node.received).toBe(1);
    expect(node.rig.received(node.player)).toHaveLength(2);
    expect(jest.getTimerCount()).toBe(1);
    node.batching.close();
  });
});

describe('tick', () => {
  /** Just after a tick, whose immediate runs a fake millisecond later. The load has ended, which is noticed soon. */
  function ticking(): Node {
    const node = new Node(100);
    node.load(20_000);
    jest.advanceTimersByTime(51);
    return node;
  }

  test('all that came since the last one goes out in one write', () => {
    const node = ticking();
    for (let i = 0; i < 9; i += 1) {
      node.read(video(node.rig), audio(node.rig));
      jest.advanceTimersByTime(10);
    }
    expect(node.received).toBe(0);
    jest.advanceTimersByTime(10);
    expect(node.received).toBe(1);
    expect(node.rig.received(node.player)).toHaveLength(18);
    node.batching.close();
  });

  test('a publisher that is held is read first, and what that brings goes out on the same tick', () => {
    const node = ticking();
    const events: string[] = [];
    const reader = {
      readAgain: () => {
        events.push(`read with ${node.received} writes before`);
        // The socket's bytes come with the poll that follows, before immediates.
        setImmediate(() => node.read(video(node.rig)));
      },
    };
    node.batching.hold(reader);
    jest.advanceTimersByTime(100);
    expect(events).toEqual(['read with 0 writes before']);
    expect(node.received).toBe(1);
    jest.advanceTimersByTime(300);
    expect(events).toHaveLength(1);
    node.batching.close();
  });

  test('what another node has batched is not held again', () => {
    const node = ticking();
    for (let i = 1; i <= 5; i += 1) {
      jest.advanceTimersByTime(60);
      node.rig.video(0, interFrame('i'));
      node.rig.audio(0, aacFrame('a'));
      node.batching.afterRelayRead(node.rig.stream);
      expect(node.received).toBe(i);
      jest.advanceTimersByTime(40);
      expect(node.received).toBe(i);
    }
    node.batching.close();
  });

  test('nor if it comes in pieces, of which one comes late', () => {
    const node = ticking();
    const piece = (label: string): void => {
      node.rig.video(0, interFrame(label));
      node.batching.afterRelayRead(node.rig.stream);
    };
    for (let i = 1; i <= 5; i += 1) {
      jest.advanceTimersByTime(30);
      piece('first');
      jest.advanceTimersByTime(1);
      piece('second');
      expect(node.rig.received(node.player)).toHaveLength(3 * i - 1);
      jest.advanceTimersByTime(9);
      piece('late');
      expect(node.rig.received(node.player)).toHaveLength(3 * i - 1);
      jest.advanceTimersByTime(60);
      expect(node.rig.received(node.player)).toHaveLength(3 * i);
    }
    node.batching.close();
  });

  test('what another node has not batched goes out little more than twice a tick', () => {
    const node = ticking();
    for (let i = 0; i < 100; i += 1) {
      jest.advanceTimersByTime(5);
      node.rig.video(0, interFrame('i'));
      node.batching.afterRelayRead(node.rig.stream);
      node.batching.afterRelayRead(undefined);
    }
    jest.advanceTimersByTime(100);
    expect(node.received).toBeLessThanOrEqual(14);
    expect(node.rig.received(node.player)).toHaveLength(100);
    node.batching.close();
  });

  test('when the load goes everything that is held is let go', () => {
    const node = ticking();
    const reader = { readAgain: jest.fn() };
    node.read(video(node.rig));
    node.batching.hold(reader);
    // The load is measured over several ticks.
    jest.advanceTimersByTime(1000);
    expect(node.setting).toBe('at-once 0');
    expect(node.received).toBe(1);
    expect(reader.readAgain).toHaveBeenCalledTimes(1);
    node.batching.close();
  });

  test('closing lets go of everything and leaves no timer', () => {
    const node = ticking();
    const reader = { readAgain: jest.fn() };
    node.read(video(node.rig));
    node.batching.hold(reader);
    node.batching.close();
    expect(node.received).toBe(1);
    expect(reader.readAgain).toHaveBeenCalledTimes(1);
    jest.runOnlyPendingTimers();
    expect(jest.getTimerCount()).toBe(0);
  });
});

test('a message never waits longer than the knob says, whatever the load and whenever it comes', () => {
  const loads = fc.array(fc.constantFrom(0, 1_000, 3_000, 6_000, 20_000), { minLength: 1, maxLength: 4 });
  const arrivals = fc.array(fc.tuple(fc.integer({ min: 1, max: 120 }), fc.boolean()), { minLength: 1, maxLength: 20 });
  fc.assert(
    fc.property(fc.constantFrom(0, 5, 20, 40, 50, 75, 100, 200), loads, arrivals, (latencyMs, phases, messages) => {
      const node = new Node(latencyMs);
      for (const load of phases) {
        node.load(load, 0, 500);
        for (const [after, isVideo] of messages) {
          jest.advanceTimersByTime(after);
          node.read(isVideo ? video(node.rig) : audio(node.rig));
          const before = node.rig.received(node.player).length;
          jest.advanceTimersByTime(latencyMs);
          const got = node.rig.received(node.player).length;
          expect(got).toBeGreaterThanOrEqual(before);
          expect(node.rig.stream.ticket.scheduled).toBe(false);
        }
      }
      node.batching.close();
      jest.clearAllTimers();
    }),
    { numRuns: 40 },
  );
});

test('the number of timers does not depend on that of streams and players', () => {
  const node = new Node(100);
  const benches = Array.from({ length: 1_000 }, () => node.addStream());
  for (const rig of benches) rig.join();
  node.load(20_000);
  node.read(...benches.map(video));
  // The evaluation and the tick.
  expect(jest.getTimerCount()).toBe(2);
  node.batching.close();
});
