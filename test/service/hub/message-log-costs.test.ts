import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { LEFT_OUT, MAX_BLOCKED_BYTES, MAX_WAITING_MESSAGES, MessageLog } from '../../../service/hub/message-log';
import { Slab, SLAB_BYTES, SlabPool } from '../../../service/hub/slab';
import { encodedLength } from '../../../service/protocol/chunk/chunk-writer';
import type { PayloadSink } from '../../../service/protocol/chunk/payload-sink';
import { MediaFlag } from '../../../service/protocol/media/media-tag';
import { avcHeader, interFrame, keyframe, StreamRig } from './stream-rig';

/** What a hostile publisher makes the log do, in counts that do not depend on the machine. */

const CHUNK_SIZE = 65_536;
const TINY = Buffer.of(0x27);
const TINY_BYTES = encodedLength(0, 1, CHUNK_SIZE);

function make(flags: number = MediaFlag.Video) {
  const pool = new SlabPool(1 << 26);
  return { pool, log: new MessageLog(pool, CHUNK_SIZE, { messageReady: () => flags }) };
}

/** Begins an audio message, which the next messages wait for. */
function begin(log: MessageLog, length = 100): PayloadSink {
  return log.open(8, 0, length);
}

function finish(sink: PayloadSink, length = 100): void {
  sink.append(Buffer.alloc(length), 0, length);
  sink.complete();
}

function appendTiny(log: MessageLog, count: number): void {
  for (let i = 0; i < count; i += 1) log.append(9, i, TINY);
}

/** Counts the bytes that slabs move within themselves. */
function countMoves() {
  const counts = { bytes: 0, calls: 0 };
  const original = Reflect.get(Buffer.prototype, 'copyWithin') as (...args: unknown[]) => unknown;
  jest.spyOn(Buffer.prototype, 'copyWithin').mockImplementation(function (this: unknown, ...args: unknown[]) {
    const [, from, end] = args as number[];
    counts.calls += 1;
    counts.bytes += end! - from!;
    return original.apply(this, args);
  });
  return counts;
}

afterEach(() => {
  jest.restoreAllMocks();
});

describe('messages that wait behind an unfinished one', () => {
  test('become readable without a move of the rest for each', () => {
    const { log } = make();
    const unfinished = begin(log);
    appendTiny(log, 5_000);
    const shift = jest.spyOn(Array.prototype, 'shift');
    const splice = jest.spyOn(Array.prototype, 'splice');
    const moves = countMoves();
    finish(unfinished);
    const calls = shift.mock.calls.length + splice.mock.calls.length;
    expect([calls, moves.calls]).toEqual([0, 0]);
    expect(log.position).toBe(encodedLength(0, 100, CHUNK_SIZE) + 5_000 * TINY_BYTES);
  });

  test('may be so many: with one more, the publisher is at fault', () => {
    const { log } = make();
    begin(log);
    appendTiny(log, MAX_WAITING_MESSAGES - 1);
    expect(() => appendTiny(log, 1)).toThrow(/left unfinished/);
  });

  test('may have so many bytes: the publisher is at fault when they need more memory than that', () => {
    const { log, pool } = make();
    begin(log);
    const large = Buffer.alloc(SLAB_BYTES - 100);
    const append = () => {
      for (let i = 0; i < 1_000; i += 1) log.append(9, i, large);
    };
    expect(append).toThrow(/left unfinished/);
    expect(pool.created).toBeLessThanOrEqual(MAX_BLOCKED_BYTES / SLAB_BYTES + 2);
  });

  test('are moved once each where messages between them are aborted', () => {
    const { log } = make();
    const unfinished = begin(log);
    for (let i = 0; i < 1_000; i += 1) {
      const aborted = log.open(9, i, 20);
      appendTiny(log, 1);
      aborted.abort();
    }
    const moves = countMoves();
    finish(unfinished);
    expect(moves.bytes).toBe(1_000 * TINY_BYTES);
    expect(log.position).toBe(encodedLength(0, 100, CHUNK_SIZE) + 1_000 * TINY_BYTES);
  });

  test('are moved no more than once each where they are left out', () => {
    const { log } = make(LEFT_OUT);
    const unfinished = begin(log);
    appendTiny(log, 5_000);
    const moves = countMoves();
    finish(unfinished);
    expect(moves.bytes).toBeLessThanOrEqual(5_000 * TINY_BYTES);
    expect([log.position, log.blockedBytes]).toEqual([0, 0]);
  });
});

describe('the memory of a message that is aborted', () => {
  /** Bytes of the slabs that were taken from the pool and not given back. */
  function countTaken(pool: SlabPool): () => number {
    let bytes = 0;
    const take = pool.take.bind(pool);
    const release = pool.release.bind(pool);
    jest.spyOn(pool, 'take').mockImplementation((base, size) => {
      const slab = take(base, size);
      bytes += slab.bytes.length;
      return slab;
    });
    jest.spyOn(pool, 'release').mockImplementation((slab) => {
      bytes -= slab.bytes.length;
      release(slab);
    });
    return () => bytes;
  }

  test('is given back at once, so that a tiny message after it does not keep it', () => {
    const { log, pool } = make();
    const taken = countTaken(pool);
    appendTiny(log, 1);
    for (let i = 0; i < 50; i += 1) {
      log.open(9, i, 0xfffff0).abort();
      appendTiny(log, 1);
    }
    expect(taken()).toBe(SLAB_BYTES);
    expect(log.position).toBe(51 * TINY_BYTES);
  });

  test('is given back at once where others wait behind it or before it', () => {
    const { log, pool } = make();
    const taken = countTaken(pool);
    const unfinished = begin(log);
    for (let i = 0; i < 50; i += 1) {
      const aborted = log.open(9, i, 0xfffff0);
      appendTiny(log, 1);
      aborted.abort();
    }
    expect(taken()).toBeLessThanOrEqual(51 * SLAB_BYTES);
    finish(unfinished);
    const views: Buffer[] = [];
    log.views(0, log.position, views);
    const bytes = encodedLength(0, 100, CHUNK_SIZE) + 50 * TINY_BYTES;
    expect(views.reduce((sum, { length }) => sum + length, 0)).toBe(bytes);
  });

  test('in ordinary pieces counts as waiting: small messages behind it do not keep ever more of it', () => {
    const { log, pool } = make();
    const taken = countTaken(pool);
    begin(log);
    const attack = () => {
      for (let i = 0; i < 1_000; i += 1) {
        const aborted = log.open(9, i, SLAB_BYTES - 100);
        appendTiny(log, 1);
        aborted.abort();
      }
    };
    expect(attack).toThrow(/left unfinished/);
    expect(taken()).toBeLessThanOrEqual(MAX_BLOCKED_BYTES + 2 * SLAB_BYTES);
  });

  test('is not kept for late players because of tiny messages behind it', () => {
    const pool = new SlabPool(1 << 26);
    const taken = countTaken(pool);
    const { stream } = new StreamRig({ pool, chunkSize: CHUNK_SIZE, gopCacheBytes: 4 * SLAB_BYTES });
    stream.appendMedia(9, 0, keyframe('k'));
    for (let i = 0; i < 500; i += 1) {
      const aborted = stream.openMedia(9, i, SLAB_BYTES - 40);
      stream.appendMedia(9, i, TINY);
      aborted.abort();
    }
    expect(taken()).toBeLessThanOrEqual(MAX_BLOCKED_BYTES + 10 * SLAB_BYTES);
  });
});

test('the index of tiny messages is outside of the JavaScript heap, and follows their number', () => {
  const slab = new Slab(SLAB_BYTES);
  for (let i = 0; i < 20_000; i += 1) slab.add(i * TINY_BYTES, (i + 1) * TINY_BYTES, MediaFlag.Video);
  expect([slab.count, slab.firstFrom(15_000 * TINY_BYTES), slab.endOf(19_999)]).toEqual([
    20_000,
    15_000,
    20_000 * TINY_BYTES,
  ]);
  expect([slab.starts, slab.flags].every((index) => ArrayBuffer.isView(index))).toBe(true);
  expect(slab.starts.length).toBeLessThan(40_000);
  slab.reset(0);
  expect(slab.starts.length + slab.flags.length).toBeLessThan(2_000);
});

describe('a selection of tiny messages', () => {
  /** Calls that make a buffer or a view. */
  function countBuffers(): () => number {
    const spies = (['from', 'concat', 'alloc', 'allocUnsafe', 'allocUnsafeSlow'] as const).map((name) =>
      jest.spyOn(Buffer, name),
    );
    const views = jest.spyOn(Buffer.prototype, 'subarray');
    return () => [...spies, views].reduce((sum, { mock }) => sum + mock.calls.length, 0);
  }

  test('makes one buffer for all of them, or one view for each piece of memory', () => {
    const { log } = make();
    appendTiny(log, 50_000);
    const views: Buffer[] = [];
    const count = countBuffers();
    const copy = log.select(0, log.position, MediaFlag.Video, 7);
    expect([count(), log.selected, copy.length]).toEqual([1, 50_000, 50_000 * TINY_BYTES]);
    log.selectViews(0, log.position, MediaFlag.Video, views);
    expect([count(), views.length]).toEqual([4, 3]);
  });
});

describe('a player that cannot share the common bytes', () => {
  const joinApart = (rig: StreamRig) => rig.join({ streamId: 7 });

  test('gets a cached start of so many messages; with more it begins at the next keyframe, after its headers', () => {
    const rig = new StreamRig({ chunkSize: CHUNK_SIZE });
    rig.video(0, avcHeader('V'));
    rig.video(0, keyframe('k0'));
    for (let i = 1; i < 20_000; i += 1) rig.video(i, interFrame(''));
    rig.flush();
    const early = joinApart(rig);
    expect(rig.received(early)).toHaveLength(1 + 20_000);
    rig.video(20_001, interFrame('one more'));
    rig.flush();
    const late = joinApart(rig);
    rig.video(20_002, interFrame('skipped'));
    rig.video(20_003, keyframe('k'));
    rig.flush();
    expect(rig.received(late)).toEqual(['video 0 V', 'video 20003 k']);
  });

  test('gets one of 16 MB, and none of more', () => {
    const rig = new StreamRig({ chunkSize: CHUNK_SIZE });
    rig.video(0, keyframe('k0'));
    for (let i = 1; i <= 15; i += 1) rig.video(i, Buffer.concat([interFrame('i'), Buffer.alloc(1 << 20)]));
    rig.flush();
    const early = joinApart(rig);
    expect(early.outlet.last?.length).toBeGreaterThan(15 << 20);
    rig.video(16, Buffer.concat([interFrame('i'), Buffer.alloc(1 << 20)]));
    rig.flush();
    expect([joinApart(rig).outlet.writes, rig.join().outlet.writes]).toEqual([0, 1]);
  });

  test('gets none while the last one is unsent', () => {
    const rig = new StreamRig({ chunkSize: CHUNK_SIZE });
    rig.video(0, keyframe('k0'));
    rig.video(1, Buffer.concat([interFrame('i'), Buffer.alloc(9 << 20)]));
    rig.flush();
    const { player, outlet } = rig.join({ streamId: 7, fast: false });
    for (let i = 0; i < 3; i += 1) {
      rig.stream.removePlayer(player);
      rig.stream.addPlayer(player);
    }
    expect(outlet.writes).toBe(1);
  });

  test('shares its start with those that join within a second; then it is not kept', () => {
    const rig = new StreamRig({ chunkSize: CHUNK_SIZE });
    rig.video(0, keyframe('k0'));
    rig.flush();
    const [first, second] = [joinApart(rig), joinApart(rig)];
    rig.stream.tick(rig.clock + 1_000);
    const third = joinApart(rig);
    expect(second.outlet.last).toBe(first.outlet.last);
    expect(third.outlet.last).not.toBe(first.outlet.last);
    expect(third.outlet.last).toEqual(first.outlet.last);
  });
});
