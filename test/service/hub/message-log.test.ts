import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { LEFT_OUT, MessageLog, type LogObserver } from '../../../service/hub/message-log';
import type { LogMessage } from '../../../service/hub/open-message';
import { SLAB_BYTES, SlabPool } from '../../../service/hub/slab';
import { encodedLength, encodeMessage } from '../../../service/protocol/chunk/chunk-writer';
import type { PayloadSink } from '../../../service/protocol/chunk/payload-sink';
import { MediaFlag } from '../../../service/protocol/media/media-tag';

const { Audio, Video, Data, Keyframe, Config } = MediaFlag;
const CHUNK_SIZE = 4096;
const CHUNK_STREAMS: Readonly<Record<number, number>> = { 8: 4, 9: 5, 18: 6 };

/** Flags by type; a video payload that begins with `k` is a keyframe, with `h` a header, with `x` left out. */
class Observer implements LogObserver {
  readonly seen: { typeId: number; timestamp: number; first: number }[] = [];

  messageReady({ slab, typeId, timestamp, end }: LogMessage, payloadAt: number): number {
    const first = payloadAt < end ? slab.bytes[payloadAt]! : -1;
    if (first === 0x78) return LEFT_OUT;
    this.seen.push({ typeId, timestamp, first });
    if (typeId === 18) return Data;
    if (typeId === 9 && first === 0x68) return Video | Config;
    return typeId === 8 ? Audio : Video | (first === 0x6b ? Keyframe : 0);
  }
}

function make(pool = new SlabPool(1 << 26), chunkSize = CHUNK_SIZE) {
  const observer = new Observer();
  return { pool, observer, log: new MessageLog(pool, chunkSize, observer) };
}

/** The message as players must get it. */
function encoded(typeId: number, timestamp: number, payload: Buffer, chunkSize = CHUNK_SIZE, streamId = 1): Buffer {
  return encodeMessage(CHUNK_STREAMS[typeId]!, timestamp, typeId, streamId, payload, chunkSize);
}

function bytesOf(log: MessageLog, from: number, to: number): Buffer {
  const views: Buffer[] = [];
  log.views(from, to, views);
  return Buffer.concat(views);
}

describe('what goes in comes out chunk-encoded', () => {
  test('across as many slabs as it takes, from any message to any other', () => {
    const { log } = make();
    const borders = [0];
    const all: Buffer[] = [];
    for (let i = 0; i < 40; i += 1) {
      const payload = Buffer.alloc(20_000 + i, `message ${i} `);
      log.append(9, 0xfffff0 + i, payload);
      all.push(encoded(9, 0xfffff0 + i, payload));
      borders.push(log.position);
    }
    for (const [from, to] of [
      [0, 40],
      [0, 1],
      [39, 40],
      [7, 31],
      [12, 13],
      [13, 13],
    ] as const) {
      expect(bytesOf(log, borders[from]!, borders[to]!).equals(Buffer.concat(all.slice(from, to)))).toBe(true);
    }
    expect(borders[40]).toBeGreaterThan(3 * SLAB_BYTES);
  });

  test('bytes that are expected to come together lie in one piece', () => {
    const { log, pool } = make();
    log.append(9, 0, Buffer.alloc(SLAB_BYTES - 30_000));
    const from = log.position;
    log.makeRoom(29_000);
    expect(pool.created).toBe(1);
    log.makeRoom(40_000);
    const sound = Buffer.alloc(300, 'sound');
    const picture = Buffer.alloc(39_000, 'picture');
    log.append(8, 1, sound);
    log.append(9, 2, picture);
    const views: Buffer[] = [];
    log.views(from, log.position, views);
    expect(views).toEqual([Buffer.concat([encoded(8, 1, sound), encoded(9, 2, picture)])]);
    expect(pool.created).toBe(2);
  });

  test('but not at the price of much memory, nor in front of a message that has begun', () => {
    const { log, pool } = make();
    log.append(9, 0, Buffer.alloc(SLAB_BYTES - 30_000));
    log.makeRoom(SLAB_BYTES / 2);
    const open = log.open(9, 1, 20_000);
    log.makeRoom(40_000);
    const sound = encoded(8, 2, Buffer.from('sound'));
    log.append(8, 2, Buffer.from('sound'));
    open.append(Buffer.alloc(20_000, 'picture'), 0, 20_000);
    open.complete();
    expect(pool.created).toBe(1);
    expect(bytesOf(log, 0, log.position).subarray(-sound.length)).toEqual(sound);
  });

  test('a message larger than a slab gets one of its own', () => {
    const { log, pool } = make();
    const large = Buffer.alloc(3 * SLAB_BYTES, 'large');
    log.append(8, 1, Buffer.from('before'));
    const from = log.position;
    log.append(9, 2, large);
    log.append(8, 3, Buffer.from('after'));
    const [before, after] = [encoded(8, 1, Buffer.from('before')), encoded(8, 3, Buffer.from('after'))];
    expect(bytesOf(log, 0, log.position).equals(Buffer.concat([before, encoded(9, 2, large), after]))).toBe(true);
    expect(from).toBeLessThan(log.position);
    expect(pool.created).toBe(3);
  });

  test('empty messages keep their header', () => {
    const { log } = make();
    log.append(8, 5, Buffer.alloc(0));
    expect(bytesOf(log, 0, log.position)).toEqual(encoded(8, 5, Buffer.alloc(0)));
  });

  test('select takes the wanted kinds, with another message stream id', () => {
    const { log } = make();
    const [a, v, d] = [Buffer.from('audio'), Buffer.alloc(10_000, 'video'), Buffer.from('data')];
    log.append(8, 1, a);
    const from = log.position;
    log.append(9, 0x1000000, v);
    log.append(18, 3, d);
    log.append(8, 4, a);
    expect(log.select(0, log.position, Audio, 7)).toEqual(
      Buffer.concat([encoded(8, 1, a, CHUNK_SIZE, 7), encoded(8, 4, a, CHUNK_SIZE, 7)]),
    );
    expect([log.selected, log.skippedHeaders]).toEqual([2, 0]);
    expect(log.select(from, log.position, Video | Data, 0xffffffff)).toEqual(
      Buffer.concat([encoded(9, 0x1000000, v, CHUNK_SIZE, 0xffffffff), encoded(18, 3, d, CHUNK_SIZE, 0xffffffff)]),
    );
    expect(log.select(log.position, log.position, Audio, 1)).toHaveLength(0);
    log.append(9, 5, Buffer.from('header'));
    log.select(0, log.position, Audio, 7);
    expect([log.selected, log.skippedHeaders]).toEqual([2, Video]);
  });

  test('find gives the first that bears the flag, in the range and nowhere else', () => {
    const { log } = make();
    const starts: number[] = [];
    for (let i = 0; i < 60; i += 1) {
      starts.push(log.position);
      log.append(9, i, Buffer.alloc(10_000, i % 20 === 5 ? 'k' : 'i'));
    }
    const find = (from: number, to: number): number => log.find(starts[from]!, starts[to]!, Keyframe);
    expect(find(0, 59)).toBe(starts[5]);
    expect(find(5, 59)).toBe(starts[5]);
    expect(find(6, 59)).toBe(starts[25]);
    expect(find(6, 25)).toBe(-1);
    expect(find(46, 59)).toBe(-1);
  });
});

describe('messages that arrive piece by piece', () => {
  test('one that waits for another becomes readable with it, in the order in which they began', () => {
    const { log, observer } = make();
    const video = log.open(9, 1, 10);
    log.append(8, 2, Buffer.from('sound'));
    expect([log.position, observer.seen]).toEqual([0, []]);
    expect(log.blockedBytes).toBe(encodedLength(1, 10, CHUNK_SIZE) + encodedLength(2, 5, CHUNK_SIZE));
    video.append(Buffer.from('..0123456789'), 2, 12);
    video.complete();
    expect(bytesOf(log, 0, log.position)).toEqual(
      Buffer.concat([encoded(9, 1, Buffer.from('0123456789')), encoded(8, 2, Buffer.from('sound'))]),
    );
    expect(observer.seen.map(({ timestamp }) => timestamp)).toEqual([1, 2]);
    expect(log.blockedBytes).toBe(0);
  });

  test('one that the observer leaves out is gone without a trace', () => {
    const { log } = make();
    log.append(9, 1, Buffer.from('i1'));
    const blocking = log.open(9, 2, 2);
    log.append(9, 3, Buffer.from('x-out'));
    log.append(9, 4, Buffer.from('i4'));
    blocking.append(Buffer.from('x2'), 0, 2);
    blocking.complete();
    log.append(9, 5, Buffer.from('x-last'));
    log.append(9, 6, Buffer.from('i6'));
    const rest = [
      [1, 'i1'],
      [4, 'i4'],
      [6, 'i6'],
    ] as const;
    expect(bytesOf(log, 0, log.position)).toEqual(
      Buffer.concat(rest.map(([time, text]) => encoded(9, time, Buffer.from(text)))),
    );
  });

  describe('and one that does not come to its end', () => {
    const open = (
      log: MessageLog,
      type: number,
      time: number,
      text: string,
    ): { sink: PayloadSink; rest: () => void } => {
      const payload = Buffer.from(text);
      const sink = log.open(type, time, payload.length);
      sink.append(payload, 0, 3);
      return {
        sink,
        rest: () => {
          sink.append(payload, 3, payload.length);
          sink.complete();
        },
      };
    };
    const expectLog = (log: MessageLog, ...messages: (readonly [type: number, time: number, text: string])[]): void => {
      const wanted = messages.map(([type, time, text]) => encoded(type, time, Buffer.from(text)));
      expect(bytesOf(log, 0, log.position)).toEqual(Buffer.concat(wanted));
    };

    test('is overtaken by those that were ready at the look before, and by all after them', () => {
      const { log } = make();
      const stuck = [open(log, 9, 1, 'video'), open(log, 8, 2, 'audio')];
      log.append(18, 3, Buffer.from('data'));
      log.letOvertake();
      expectLog(log);
      const young = open(log, 9, 4, 'young');
      log.append(18, 5, Buffer.from('more data'));
      log.letOvertake();
      expectLog(log, [18, 3, 'data']);
      young.rest();
      expectLog(log, [18, 3, 'data'], [9, 4, 'young'], [18, 5, 'more data']);
      log.append(18, 6, Buffer.from('at once'));
      stuck[1]!.rest();
      expectLog(log, [18, 3, 'data'], [9, 4, 'young'], [18, 5, 'more data'], [18, 6, 'at once'], [8, 2, 'audio']);
    });

    test('comes at last where none of its kind has overtaken it, and is left out where one has', () => {
      const { log } = make();
      const [video, audio] = [open(log, 9, 1, 'video'), open(log, 8, 2, 'audio')];
      log.append(9, 3, Buffer.from('another'));
      log.letOvertake();
      log.letOvertake();
      audio.rest();
      video.rest();
      expectLog(log, [9, 3, 'another'], [8, 2, 'audio']);
    });

    test('comes before one of its kind that was begun after it, whichever comes to its end', () => {
      const { log } = make();
      const first = open(log, 9, 1, 'first');
      log.append(8, 2, Buffer.from('sound'));
      const second = open(log, 9, 3, 'second');
      log.letOvertake();
      log.letOvertake();
      expectLog(log, [8, 2, 'sound']);
      first.rest();
      expectLog(log, [8, 2, 'sound'], [9, 1, 'first']);
      second.rest();
      expectLog(log, [8, 2, 'sound'], [9, 1, 'first'], [9, 3, 'second']);
    });

    test('may be aborted, or come to its end after the stream', () => {
      const { log } = make();
      const [aborted, late] = [open(log, 9, 1, 'aborted'), open(log, 9, 2, 'late')];
      log.append(8, 3, Buffer.from('sound'));
      log.letOvertake();
      log.letOvertake();
      aborted.sink.abort();
      expectLog(log, [8, 3, 'sound']);
      log.close(Infinity);
      const { position } = log;
      late.rest();
      expect(log.position).toBe(position);
    });

    test('may be given up, set aside or not: those behind it come out, the rest of it does not', () => {
      const { log } = make();
      const [aside, aborted] = [open(log, 9, 1, 'set aside'), open(log, 9, 2, 'aborted')];
      log.append(8, 3, Buffer.from('sound'));
      log.letOvertake();
      log.letOvertake();
      const unfinished = open(log, 9, 4, 'unfinished');
      log.append(8, 5, Buffer.from('behind'));
      log.abandonUnfinished();
      expectLog(log, [8, 3, 'sound'], [8, 5, 'behind']);
      expect(log.blockedBytes).toBe(0);
      const next = open(log, 9, 6, 'of the next source');
      aside.rest();
      aborted.sink.abort();
      unfinished.rest();
      next.rest();
      expectLog(log, [8, 3, 'sound'], [8, 5, 'behind'], [9, 6, 'of the next source']);
    });

    test('is left where it is while it is the only one, or the last', () => {
      const { log } = make();
      log.append(8, 1, Buffer.from('before'));
      const last = open(log, 9, 2, 'video');
      for (let i = 0; i < 5; i += 1) log.letOvertake();
      log.append(8, 3, Buffer.from('after'));
      log.letOvertake();
      last.rest();
      expectLog(log, [8, 1, 'before'], [9, 2, 'video'], [8, 3, 'after']);
    });
  });

  /** A step: begin a message, add to an unfinished one, finish it, or abort it. */
  const steps = fc.array(
    fc.oneof(
      {
        weight: 3,
        arbitrary: fc.record({
          do: fc.constant('open' as const),
          type: fc.constantFrom(8, 9),
          length: fc.oneof(fc.nat({ max: 400 }), fc.constantFrom(9_000, 70_000, 150_000, SLAB_BYTES + 5)),
          extended: fc.boolean(),
          leftOut: fc.boolean(),
        }),
      },
      {
        weight: 5,
        arbitrary: fc.record({
          do: fc.constant('append' as const),
          which: fc.nat({ max: 9 }),
          share: fc.constantFrom(0.2, 0.5, 1),
        }),
      },
      { weight: 4, arbitrary: fc.record({ do: fc.constant('finish' as const), which: fc.nat({ max: 9 }) }) },
      { weight: 2, arbitrary: fc.record({ do: fc.constant('abort' as const), which: fc.nat({ max: 9 }) }) },
    ),
    { maxLength: 60, size: '+1' },
  );

  test('in any interleaving, with any of them aborted or left out, the others come out whole and in order', () => {
    fc.assert(
      fc.property(steps, fc.constantFrom(128, 4096, 65_536), (script, chunkSize) => {
        const { log, observer } = make(new SlabPool(1 << 26), chunkSize);
        interface Entry {
          readonly wire: Buffer;
          readonly payload: Buffer;
          readonly sink: PayloadSink;
          sent: number;
          state: 'open' | 'done' | 'aborted';
        }
        const entries: Entry[] = [];
        const add = (entry: Entry, upTo: number): void => {
          entry.sink.append(entry.payload, entry.sent, upTo);
          entry.sent = upTo;
        };
        for (const [i, step] of script.entries()) {
          if (step.do === 'open') {
            const timestamp = i + (step.extended ? 0x1000000 : 0);
            const payload = Buffer.alloc(step.length, `${step.leftOut ? 'x' : 'i'} number ${i} `);
            const wire =
              step.leftOut && step.length > 0 ? Buffer.alloc(0) : encoded(step.type, timestamp, payload, chunkSize);
            entries.push({ wire, payload, sink: log.open(step.type, timestamp, step.length), sent: 0, state: 'open' });
            continue;
          }
          const unfinished = entries.filter(({ state }) => state === 'open');
          const entry = unfinished[step.which % Math.max(1, unfinished.length)];
          if (entry === undefined) continue;
          if (step.do === 'append')
            add(entry, entry.sent + Math.ceil((entry.payload.length - entry.sent) * step.share));
          else if (step.do === 'finish') {
            add(entry, entry.payload.length);
            entry.state = 'done';
            entry.sink.complete();
          } else {
            entry.state = 'aborted';
            entry.sink.abort();
          }
          const open = entries.findIndex(({ state }) => state === 'open');
          const readable = entries.slice(0, open < 0 ? undefined : open).filter(({ state }) => state === 'done');
          const wanted = Buffer.concat(readable.map(({ wire }) => wire));
          expect(bytesOf(log, 0, log.position).equals(wanted)).toBe(true);
          expect(observer.seen).toHaveLength(readable.filter(({ wire }) => wire.length > 0).length);
        }
      }),
      { numRuns: 200 },
    );
  });
});
