import { describe, expect, test } from '@jest/globals';
import { MessageLog } from '../../../service/hub/message-log';
import { SLAB_BYTES, SlabPool } from '../../../service/hub/slab';
import { MediaFlag } from '../../../service/protocol/media/media-tag';
import { encodedLength } from '../../../service/protocol/chunk/chunk-writer';

const CHUNK_SIZE = 65_536;
/** Fills a slab to the last byte. */
const SLABFUL = SLAB_BYTES - 12 - 3;

function make(pool = new SlabPool(1 << 26)) {
  return { pool, log: new MessageLog(pool, CHUNK_SIZE, { messageReady: () => MediaFlag.Video }) };
}

/** Appends a message that fills a slab; returns a view of it. */
function fill(log: MessageLog, content: string): Buffer {
  const from = log.position;
  log.append(9, 0, Buffer.alloc(SLABFUL, content));
  const views: Buffer[] = [];
  log.views(from, log.position, views);
  expect(views).toHaveLength(1);
  return views[0]!;
}

let overwritten = 0;

/** Whether the pool gives the memory of `view` to the next taker. */
function isUsedAgain(view: Buffer, pool: SlabPool): boolean {
  const before = Buffer.from(view);
  const { log } = make(pool);
  overwritten += 1;
  for (let i = 0; i < 100; i += 1) fill(log, `overwritten ${overwritten}`);
  log.close(Infinity);
  return !before.equals(view);
}

test('SLABFUL is one', () => {
  expect(encodedLength(0, SLABFUL, CHUNK_SIZE)).toBe(SLAB_BYTES);
});

describe('slabs are used again', () => {
  test('once nothing before their end is kept or held', () => {
    const { log, pool } = make();
    for (let i = 0; i < 50; i += 1) {
      fill(log, `${i}`);
      log.trim(log.position, Infinity);
    }
    expect(pool.created).toBe(2);
  });

  test('by other streams too', () => {
    const { log, pool } = make();
    fill(log, 'a');
    log.close(Infinity);
    fill(make(pool).log, 'b');
    expect(pool.created).toBe(1);
  });

  test('not while they are kept for late players', () => {
    const { log, pool } = make();
    const view = fill(log, 'kept');
    fill(log, 'newer');
    log.trim(0, Infinity);
    expect(isUsedAgain(view, pool)).toBe(false);
    log.trim(log.position, Infinity);
    expect(isUsedAgain(view, pool)).toBe(true);
  });

  test('not while a player holds them', () => {
    const { log, pool } = make();
    const views = [fill(log, '0'), fill(log, '1'), fill(log, '2')] as const;
    fill(log, 'newest');
    log.trim(log.position, SLAB_BYTES);
    expect(isUsedAgain(views[1], pool)).toBe(false);
    expect(isUsedAgain(views[2], pool)).toBe(false);
    expect(isUsedAgain(views[0], pool)).toBe(true);
    log.trim(log.position, 2 * SLAB_BYTES);
    expect(isUsedAgain(views[2], pool)).toBe(false);
    expect(isUsedAgain(views[1], pool)).toBe(true);
  });

  test('not when a player left that holds them, neither those kept nor those let go of', () => {
    const { log, pool } = make();
    const views = [fill(log, '0'), fill(log, '1'), fill(log, '2')] as const;
    log.trim(2 * SLAB_BYTES, SLAB_BYTES);
    log.taint(SLAB_BYTES);
    const newest = fill(log, 'newest');
    expect(newest.equals(views[0])).toBe(true);
    log.trim(log.position, Infinity);
    expect(isUsedAgain(views[1], pool)).toBe(false);
    expect(isUsedAgain(views[2], pool)).toBe(false);
  });

  test('not when they are of unusual size', () => {
    const { log, pool } = make();
    log.append(9, 0, Buffer.alloc(2 * SLAB_BYTES));
    fill(log, 'next');
    log.trim(log.position, Infinity);
    log.append(9, 0, Buffer.alloc(2 * SLAB_BYTES));
    expect(pool.created).toBe(3);
  });

  test('as many as the pool may keep', () => {
    const pool = new SlabPool(3 * SLAB_BYTES);
    const { log } = make(pool);
    for (let i = 0; i < 10; i += 1) fill(log, `${i}`);
    log.close(Infinity);
    const other = make(pool).log;
    for (let i = 0; i < 10; i += 1) fill(other, `${i}`);
    expect(pool.created).toBe(10 + 7);
  });
});

describe('a stuck player', () => {
  test('costs no more than so many slabs that nobody else needs', () => {
    const { log, pool } = make();
    const views = Array.from({ length: 90 }, (_, i) => {
      const view = fill(log, `${i} `);
      log.trim(log.position, 0);
      return view;
    });
    // A slab that the log has dropped stays intact for the player, and is left to the garbage collector.
    log.trim(log.position, Infinity);
    expect(isUsedAgain(views[0]!, pool)).toBe(false);
    expect(views[0]!.toString('latin1', 12, 14)).toBe('0 ');
    expect(isUsedAgain(views[80]!, pool)).toBe(true);
  });
});

describe('the end of a stream', () => {
  test('gives back what no player holds', () => {
    const { log, pool } = make();
    const views = [fill(log, '0'), fill(log, '1'), fill(log, '2')] as const;
    log.close(SLAB_BYTES);
    expect(isUsedAgain(views[0], pool)).toBe(true);
    expect(isUsedAgain(views[1], pool)).toBe(false);
    expect(isUsedAgain(views[2], pool)).toBe(false);
  });

  test('a publisher that goes on with a message it had begun writes into nobody else’s stream', () => {
    const { log, pool } = make();
    const unfinished = log.open(9, 0, 50_000);
    unfinished.append(Buffer.alloc(10_000, 'mine'), 0, 10_000);
    log.close(Infinity);
    const other = make(pool).log;
    const view = fill(other, 'theirs');
    const before = Buffer.from(view);
    unfinished.append(Buffer.alloc(40_000, 'mine'), 0, 40_000);
    unfinished.complete();
    expect(view.equals(before)).toBe(true);
    expect(log.position).toBe(0);
  });
});
