import { afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { Hub } from '../../../service/hub/hub';
import { Player, type PlayerListener, type PlayerOutlet } from '../../../service/hub/player';
import type { Publisher } from '../../../service/hub/publisher';
import { SlabPool } from '../../../service/hub/slab';
import { TrafficCounters } from '../../../service/metrics/traffic-counters';
import { Batching } from '../../../service/net/batching/batching';
import { ChunkReader } from '../../../service/protocol/chunk/chunk-reader';
import { MessageType } from '../../../service/protocol/message-types';
import { ChunkBuilder } from '../../support/rtmp/wire-builder';
import { aacFrame, aacHeader, avcHeader, interFrame, keyframe, StreamRig } from './stream-rig';

/**
 * The cost of the media path, in counts that do not depend on the machine: if one of them rises, the server is slower.
 * The load: 4 Mbps of video at 30 frames a second with a keyframe every two seconds, and audio, in chunks of 4096
 * bytes, as it comes out of a socket: one read for each frame.
 */

const SECONDS = 12;
const WARM_UP_SECONDS = 6;
const FRAMES_PER_SECOND = 30;

/** Accepts writes like a socket that never has to wait; copies nothing. */
class CountingOutlet implements PlayerOutlet {
  readonly unsentBytes = 0;
  writes = 0;
  bytes = 0;

  write(bytes: Buffer): boolean {
    this.writes += 1;
    this.bytes += bytes.length;
    return false;
  }

  writeAll(views: readonly Buffer[]): boolean {
    this.writes += 1;
    for (const { length } of views) this.bytes += length;
    return false;
  }
}

const silent: PlayerListener = { streamBegan() {}, streamEnded() {}, keyRefused() {}, tooSlow() {} };

/** One buffer per read: a video frame and the audio that came with it. */
let reads: { readonly wire: Buffer; readonly payloadBytes: number; readonly messages: number }[] = [];

beforeAll(() => {
  const builder = new ChunkBuilder();
  builder.chunkSize = 4096;
  const message = (type: number, timestamp: number, payload: Buffer) => ({
    bytes: builder.message({ type, timestamp, streamId: 1, payload }, { fmt: timestamp === 0 ? 0 : 1 }),
    payload: payload.length,
  });
  const frame = Buffer.alloc(13_000, 'picture');
  const large = Buffer.alloc(119_000, 'picture');
  const sound = Buffer.alloc(340, 'sound');
  reads = Array.from({ length: SECONDS * FRAMES_PER_SECOND }, (_, i) => {
    const timestamp = Math.round((i * 1000) / FRAMES_PER_SECOND);
    const isKey = i % (2 * FRAMES_PER_SECOND) === 0;
    const parts = [
      ...(i === 0 ? [message(9, 0, avcHeader('V')), message(8, 0, aacHeader('A'))] : []),
      message(9, timestamp, isKey ? keyframe(large.toString()) : interFrame(frame.toString())),
      ...Array.from({ length: i % 2 === 0 ? 2 : 1 }, () => message(8, timestamp, aacFrame(sound.toString()))),
    ];
    return {
      wire: Buffer.concat(parts.map(({ bytes }) => bytes)),
      payloadBytes: parts.reduce((sum, { payload }) => sum + payload, 0),
      messages: parts.length,
    };
  });
});

interface Cost {
  readonly payloadBytes: number;
  readonly messages: number;
  readonly flushes: number;
  readonly writesPerPlayer: number[];
  readonly bytesCopied: number;
  /** Calls that allocate memory: Buffer.alloc, allocUnsafe, allocUnsafeSlow, from and concat. */
  readonly buffersMade: number;
  /** Calls of subarray. */
  readonly viewsMade: number;
  readonly slabsMade: number;
}

/** Plays the load to so many players, with a flush after every so many reads; counts after a warm-up. */
function run({ players, readsPerFlush }: { players: number; readsPerFlush: number }): Cost {
  const pool = new SlabPool(1 << 26);
  const { stream } = new StreamRig({ pool, chunkSize: 60_000 });
  const outlets = Array.from({ length: players }, () => new CountingOutlet());
  for (const outlet of outlets) stream.addPlayer(new Player({ outlet, listener: silent, streamId: 1, key: 'key' }));
  const reader = new ChunkReader(
    {
      openMessage: ({ typeId, timestamp, length }) =>
        typeId === MessageType.SetChunkSize ? null : stream.openMedia(typeId, timestamp, length),
      message: () => {},
    },
    { maxMessageBytes: 1 << 24, maxPartialBytes: 1 << 25, maxChunkStreams: 64 },
  );
  const size = new ChunkBuilder().message({ type: 1, streamId: 0, timestamp: 0, payload: Buffer.of(0, 0, 0x10, 0) });
  reader.read(size, 0, size.length);
  // As sockets are read: all reads use the same memory.
  const readBuffer = Buffer.alloc(128 * 1024);
  const feed = (from: number, to: number): number => {
    let flushes = 0;
    for (let i = from; i < to; i += 1) {
      const { wire } = reads[i]!;
      // Without the method that is counted.
      Uint8Array.prototype.set.call(readBuffer, wire);
      reader.read(readBuffer, 0, wire.length);
      if (i % readsPerFlush !== readsPerFlush - 1) continue;
      stream.flush();
      flushes += 1;
    }
    return flushes;
  };
  const warmUp = WARM_UP_SECONDS * FRAMES_PER_SECOND;
  feed(0, warmUp);
  const writesBefore = outlets.map(({ writes }) => writes);
  const slabsBefore = pool.created;
  const { counts, stop } = countBufferCalls();
  const flushes = feed(warmUp, reads.length);
  stop();
  const measured = reads.slice(warmUp);
  return {
    payloadBytes: measured.reduce((sum, { payloadBytes }) => sum + payloadBytes, 0),
    messages: measured.reduce((sum, { messages }) => sum + messages, 0),
    flushes,
    writesPerPlayer: outlets.map(({ writes }, i) => writes - writesBefore[i]!),
    ...counts,
    slabsMade: pool.created - slabsBefore,
  };
}

type Method = (this: unknown, ...args: unknown[]) => unknown;

/** Calls `note` with every call's result and first argument; returns a function that undoes that. */
function watch(target: object, name: string, note: (result: unknown, first: unknown) => void): () => void {
  const own = Object.getOwnPropertyDescriptor(target, name);
  const original = Reflect.get(target, name) as Method;
  const watched = function (this: unknown, ...args: unknown[]): unknown {
    const result = original.apply(this, args);
    note(result, args[0]);
    return result;
  };
  Object.defineProperty(target, name, { value: watched, configurable: true, writable: true });
  return () => {
    if (own === undefined) Reflect.deleteProperty(target, name);
    else Object.defineProperty(target, name, own);
  };
}

function countBufferCalls() {
  const counts = { bytesCopied: 0, buffersMade: 0, viewsMade: 0 };
  const prototype = Buffer.prototype as object;
  const undo = [
    watch(prototype, 'copy', (copied) => (counts.bytesCopied += copied as number)),
    watch(prototype, 'set', (_result, source) => (counts.bytesCopied += (source as Uint8Array).length)),
    watch(prototype, 'copyWithin', (buffer) => (counts.bytesCopied += (buffer as Buffer).length)),
    watch(prototype, 'subarray', () => (counts.viewsMade += 1)),
    ...['alloc', 'allocUnsafe', 'allocUnsafeSlow', 'from', 'concat'].map((name) =>
      watch(Buffer, name, () => (counts.buffersMade += 1)),
    ),
  ];
  return { counts, stop: () => undo.forEach((each) => each()) };
}

afterEach(() => {
  jest.useRealTimers();
});

describe.each([
  { players: 20, readsPerFlush: 1 },
  { players: 200, readsPerFlush: 3 },
])('with $players players and a flush for every $readsPerFlush reads', ({ players, readsPerFlush }) => {
  let cost: Cost;
  beforeAll(() => {
    cost = run({ players, readsPerFlush });
  });

  test('each player costs one write for each flush', () => {
    expect(cost.flushes).toBe(((SECONDS - WARM_UP_SECONDS) * FRAMES_PER_SECOND) / readsPerFlush);
    expect(new Set(cost.writesPerPlayer)).toEqual(new Set([cost.flushes]));
  });

  test('each payload byte is copied once, whatever the number of players', () => {
    expect(cost.bytesCopied).toBe(cost.payloadBytes);
  });

  test('no message makes a buffer; a flush makes a view, and one more where a keyframe does not fit into its slab', () => {
    expect(cost.messages).toBeGreaterThan(400);
    expect(cost.buffersMade).toBe(0);
    const keyframes = (SECONDS - WARM_UP_SECONDS) / 2;
    expect(cost.viewsMade).toBeGreaterThanOrEqual(cost.flushes);
    expect(cost.viewsMade).toBeLessThanOrEqual(cost.flushes + keyframes);
  });

  test('no memory is taken after the warm-up', () => {
    expect(cost.slabsMade).toBe(0);
  });
});

test('without players, each payload byte is copied once and nothing else is made', () => {
  const cost = run({ players: 0, readsPerFlush: 1 });
  expect(cost).toMatchObject({ bytesCopied: cost.payloadBytes, buffersMade: 0, viewsMade: 0, slabsMade: 0 });
});

test('a thousand channels with a stream and a player each need no timer of their own', () => {
  jest.useFakeTimers();
  const traffic = new TrafficCounters();
  const batching = new Batching({ latencyMs: 100, traffic });
  const { env } = new StreamRig({ scheduler: batching, traffic });
  const hub = new Hub(env);
  const timers = jest.getTimerCount();
  const publisher: Publisher = { clientIp: '', software: '', isRelay: false, kill() {}, displaced() {} };
  const outlets: CountingOutlet[] = [];
  for (let i = 0; i < 1_000; i += 1) {
    const channel = hub.channel(`channel-${i}`);
    const outlet = new CountingOutlet();
    outlets.push(outlet);
    channel.addPlayer(new Player({ outlet, listener: silent, streamId: 1, key: 'key' }));
    channel.reserve(publisher);
    const { stream } = channel.begin(publisher, { key: 'key', grant: { streamId: '' }, admitsKey: () => true });
    stream.appendMedia(MessageType.Video, 0, keyframe('k'));
  }
  expect(jest.getTimerCount()).toBe(timers);
  batching.afterRead();
  expect(outlets.every(({ writes }) => writes === 1)).toBe(true);
  expect(jest.getTimerCount()).toBe(timers);
  expect(timers).toBe(1);
  batching.close();
});
