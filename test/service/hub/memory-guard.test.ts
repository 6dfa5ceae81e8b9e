import { beforeEach, describe, expect, test } from '@jest/globals';
import { defaultMemoryBudget, MemoryGuard } from '../../../service/hub/memory-guard';
import { MemoryLogger } from '../../support/memory-logger';
import type { Player } from '../../../service/hub/player';
import type { FakePlayer } from './fake-player';
import { interFrame, keyframe, StreamRig } from './stream-rig';

const MB = 2 ** 20;
const BUDGET = 100 * MB;

let log: MemoryLogger;
let streams: StreamRig[];
/** Players without a stream. */
let idle: Player[];
let nowMs: number;
/** Bytes in buffers besides the cached starts. */
let otherBytes: number;
let heapBytes: number;
beforeEach(() => {
  log = new MemoryLogger();
  streams = [];
  idle = [];
  nowMs = 0;
  otherBytes = 0;
  heapBytes = 50 * MB;
});

function newGuard(budgetBytes = BUDGET): MemoryGuard {
  return new MemoryGuard({
    budgetBytes,
    log,
    streams: () => streams.map(({ stream }) => stream),
    players: () => [...streams.flatMap(({ stream }) => stream.players), ...idle],
    used: () => otherBytes + streams.reduce((sum, { stream }) => sum + stream.cachedBytes, 0),
    heap: () => ({ used: heapBytes, limit: 1_000 * MB }),
    now: () => nowMs,
  });
}

/** A stream whose cached start has this many megabytes. */
function cached(megabytes: number): StreamRig {
  const rig = new StreamRig({ chunkSize: 65_536 });
  rig.video(0, keyframe('k'));
  for (let i = 1; i <= megabytes; i += 1) rig.video(i, Buffer.concat([interFrame('i'), Buffer.alloc(MB)]));
  streams.push(rig);
  return rig;
}

/** A player of the stream that reads nothing, with this many megabytes unsent. */
function slow(rig: StreamRig, megabytes: number): FakePlayer {
  const player = rig.join({ fast: false });
  for (let i = 0; i < megabytes; i += 1) {
    rig.video(1_000 + i, Buffer.concat([keyframe('s'), Buffer.alloc(MB)]));
    rig.flush();
  }
  return player;
}

const cachedMegabytes = (): number[] => streams.map(({ stream }) => Math.floor(stream.cachedBytes / MB));

describe('a node near its memory budget', () => {
  test('gives up cached starts that nobody plays, the largest first, and no more than it must', () => {
    for (const megabytes of [10, 40, 20]) cached(megabytes);
    otherBytes = 20 * MB;
    const guard = newGuard();
    guard.tick();
    expect(cachedMegabytes()).toEqual([10, 0, 20]);
    expect(guard.relieved).toEqual({ caches: 1, players: 0 });
    expect(log.matching(/^warning memory is short/)).toHaveLength(1);
  });

  test('goes on with what is played, as long as there is something else', () => {
    const played = cached(40);
    played.join();
    cached(30);
    otherBytes = 20 * MB;
    newGuard().tick();
    expect(cachedMegabytes()).toEqual([40, 0]);
  });

  test('then disconnects the player that has the most unsent, and says why', () => {
    const rig = new StreamRig({ chunkSize: 65_536, gopCacheBytes: 0 });
    streams.push(rig);
    rig.video(0, keyframe('k'));
    const [large, small] = [slow(rig, 5), slow(rig, 2)];
    otherBytes = 34.5 * MB;
    newGuard(40 * MB).tick();
    expect([small.events, large.events.join()]).toEqual([[], expect.stringContaining('short of memory')]);
  });

  test('also one that has not read what a stream sent it that has ended', () => {
    const rig = new StreamRig({ chunkSize: 65_536, gopCacheBytes: 0 });
    rig.video(0, keyframe('k'));
    const player = slow(rig, 5);
    rig.stream.end();
    idle.push(player.player);
    otherBytes = 95 * MB;
    newGuard().tick();
    expect(player.events.join()).toMatch(/short of memory/);
  });

  test('gives up the cached starts of streams that are played, rather than exceed it', () => {
    cached(90).join();
    const guard = newGuard();
    guard.tick();
    expect(cachedMegabytes()).toEqual([0]);
  });

  test('waits for the garbage collector before it gives up more, unless the budget is exceeded', () => {
    cached(10);
    cached(10);
    otherBytes = 70 * MB;
    const guard = newGuard();
    guard.tick();
    otherBytes = 90 * MB;
    cached(1);
    guard.tick();
    expect(guard.relieved.caches).toBe(2);
    expect(cachedMegabytes()).toEqual([0, 0, 1]);
    otherBytes = 101 * MB;
    guard.tick();
    expect(cachedMegabytes()).toEqual([0, 0, 0]);
  });

  test('turns new publishers away, and takes them again when there is room', () => {
    const guard = newGuard();
    otherBytes = 95 * MB;
    guard.tick();
    expect(guard.isTight).toBe(true);
    otherBytes = 50 * MB;
    guard.tick();
    expect(guard.isTight).toBe(false);
  });

  test('counts a heap that is larger than ordinary', () => {
    cached(20);
    heapBytes = 330 * MB;
    const guard = newGuard();
    guard.tick();
    expect(Math.round(guard.usedBytes / MB)).toBe(94);
    expect([guard.isTight, cachedMegabytes()]).toEqual([true, [0]]);
  });

  test('does the same when the heap is near the size at which the process ends', () => {
    for (const megabytes of [20, 30]) cached(megabytes);
    const guard = newGuard(10_000 * MB);
    heapBytes = 840 * MB;
    guard.tick();
    expect([guard.isTight, cachedMegabytes()]).toEqual([false, [20, 30]]);
    heapBytes = 910 * MB;
    guard.tick();
    expect([guard.isTight, cachedMegabytes()]).toEqual([true, [0, 0]]);
    heapBytes = 600 * MB;
    guard.tick();
    expect(guard.isTight).toBe(false);
  });

  test('far from it nothing is given up', () => {
    cached(50);
    const guard = newGuard();
    guard.tick();
    expect([cachedMegabytes(), guard.relieved, log.entries]).toEqual([[50], { caches: 0, players: 0 }, []]);
  });
});

test.each([
  ['a container', 1, 2_000 * MB, 8_000 * MB, 1_200],
  ['a machine without a limit', 1, 0, 8_000 * MB, 4_800],
  ['a limit beyond the machine, which is none', 1, 2 ** 60, 8_000 * MB, 4_800],
  ['four workers of a machine', 4, 0, 8_000 * MB, 1_200],
])('the default budget of %s', (_name, workers, limit, total, megabytes) => {
  expect(defaultMemoryBudget(workers, limit, total)).toBe(megabytes * MB);
});
