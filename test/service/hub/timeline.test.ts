import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Timeline } from '../../../service/hub/timeline';
import { MessageType } from '../../../service/protocol/message-types';

const { Audio, Video } = MessageType;

/** Sends one frame as a stream does; null when it is left out. */
function frame(timeline: Timeline, typeId: number, timestamp: number): number | null {
  const placed = timeline.place(typeId, timestamp);
  if (timeline.overlaps(typeId, placed, timestamp)) return null;
  timeline.sent(typeId, placed, timestamp);
  return placed;
}

/** Sends video with these timestamps; returns what players get. */
const send = (timeline: Timeline, ...timestamps: number[]): (number | null)[] =>
  timestamps.map((timestamp) => frame(timeline, Video, timestamp));
const sendAudio = (timeline: Timeline, ...timestamps: number[]): (number | null)[] =>
  timestamps.map((timestamp) => frame(timeline, Audio, timestamp));

const anyTime = fc.nat({ max: 0xffffffff });
const anyKind = fc.constantFrom<number>(Audio, Video);

describe('timestamps', () => {
  test('of the only source pass as they are, back and past the end of the clock', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(anyKind, anyTime)), (frames) => {
        const timeline = new Timeline();
        for (const [kind, time] of frames) expect(frame(timeline, kind, time)).toBe(time);
      }),
    );
  });

  test('of the next source go on where the last one is, not where a stray frame of it was', () => {
    const timeline = new Timeline();
    send(timeline, 0, 40, 3_600_000, 80, 120);
    timeline.join();
    expect(send(timeline, 7_000, 7_040)).toEqual([153, 193]);
  });

  test('of the next source go on where the last one’s ended, at their own pace', () => {
    fc.assert(
      fc.property(anyTime, anyTime, fc.nat({ max: 100_000 }), (first, second, step) => {
        const timeline = new Timeline();
        const [start] = send(timeline, first) as [number];
        timeline.join();
        const expected = [(start + 33) >>> 0, (start + 33 + step) >>> 0];
        expect(send(timeline, second, (second + step) >>> 0)).toEqual(expected);
      }),
    );
  });

  test('frames that are placed but never sent do not set the clock', () => {
    const timeline = new Timeline();
    send(timeline, 1_000);
    timeline.join();
    expect([timeline.place(Video, 70), timeline.place(Audio, 90)]).toEqual([1_033, 1_033]);
    expect(send(timeline, 200, 240)).toEqual([1_033, 1_073]);
  });

  test('the latest is that of the frame furthest on, not of the last', () => {
    const timeline = new Timeline();
    send(timeline, 0xfffffff0, 20, 0xfffffffa);
    expect(timeline.latest).toBe(20);
    timeline.join();
    expect(send(timeline, 5)).toEqual([53]);
  });

  test('of a source that turns out to be the same go on by the clock they had', () => {
    const timeline = new Timeline();
    send(timeline, 1_000);
    timeline.join();
    expect(send(timeline, 500, 600)).toEqual([1_033, 1_133]);
    timeline.join();
    timeline.join();
    timeline.goOn();
    expect(timeline.isJoining).toBe(false);
    expect(send(timeline, 700)).toEqual([1_233]);
    timeline.goOn();
    expect(send(timeline, 800)).toEqual([1_333]);
  });

  test('a source that joins a stream without frames passes as it is', () => {
    const timeline = new Timeline();
    timeline.join();
    expect(send(timeline, 500, 540)).toEqual([500, 540]);
    expect(new Timeline().latest).toBe(0);
  });
});

describe('sound and picture of the next source', () => {
  /** Another source has a keyframe at 540, which is sent at 2198; audio has been sent up to 2165, video up to 2000. */
  function joined(): Timeline {
    const timeline = new Timeline();
    send(timeline, 2_000);
    sendAudio(timeline, 2_165);
    timeline.join();
    expect(send(timeline, 540)).toEqual([2_198]);
    return timeline;
  }

  test('audio from before the keyframe is left out up to where the former source’s ended', () => {
    const timeline = joined();
    expect(sendAudio(timeline, 240, 485, 507, 528)).toEqual([null, null, 2_165, 2_186]);
    expect(send(timeline, 580)).toEqual([2_238]);
    expect(sendAudio(timeline, 570)).toEqual([2_228]);
  });

  test('audio that began to arrive before the keyframe was there, and is from before it, is left out', () => {
    const timeline = new Timeline();
    sendAudio(timeline, 2_000);
    timeline.join();
    const placed = timeline.place(Audio, 500);
    expect(send(timeline, 540)).toEqual([2_033]);
    expect(timeline.overlaps(Audio, placed, 500)).toBe(true);
    expect(sendAudio(timeline, 521)).toEqual([2_014]);
  });

  test('video that steps back below what players have is put there, and all that follows with it', () => {
    const timeline = joined();
    // 340 would be sent at 1998, and no time may be below 2000.
    expect(send(timeline, 340, 380)).toEqual([2_000, 2_040]);
    expect(sendAudio(timeline, 507)).toEqual([2_167]);
  });

  test('a clock that starts over goes on from where players are, for both kinds alike', () => {
    const timeline = joined();
    const jumped = sendAudio(timeline, 0x7000_0000, 0x7000_0015);
    expect(jumped).toEqual([0x7000_0000 + 1_658, 0x7000_0015 + 1_658]);
    const other = joined();
    send(other, 60_540);
    other.join();
    expect(send(other, 90_000)).toEqual([62_231]);
    expect(sendAudio(other, 0, 21)).toEqual([2_165, 2_186]);
    expect(send(other, 40)).toEqual([62_198]);
  });

  test('ten seconds on, a step back is the source’s own', () => {
    const timeline = joined();
    expect(send(timeline, 11_000, 100)).toEqual([12_658, 1_758]);
    expect(sendAudio(timeline, 200)).toEqual([1_858]);
  });

  test('never go below what players had of them, nor apart from each other', () => {
    const step = fc.record({ kind: anyKind, afterMs: fc.nat({ max: 60 }), lagMs: fc.nat({ max: 1_500 }) });
    fc.assert(
      fc.property(
        anyTime,
        anyTime,
        fc.array(step, { minLength: 5 }),
        fc.array(step),
        (first, second, before, after) => {
          const timeline = new Timeline();
          const floors = new Map<number, number>();
          let clock = first;
          const next = ({ kind, afterMs, lagMs }: (typeof before)[number]): number => {
            clock += afterMs;
            return (clock - (kind === Audio ? lagMs : 0)) >>> 0;
          };
          for (const each of before) {
            const placed = frame(timeline, each.kind, next(each))!;
            const floor = floors.get(each.kind);
            if (floor === undefined || ((placed - floor) | 0) > 0) floors.set(each.kind, placed);
          }
          timeline.join();
          clock = second;
          const offset = (frame(timeline, Video, second)! - second) >>> 0;
          for (const each of after) {
            const time = next(each);
            const placed = frame(timeline, each.kind, time);
            if (placed === null) continue;
            expect((placed - time) >>> 0).toBe(offset);
            expect((placed - (floors.get(each.kind) ?? placed)) | 0).toBeGreaterThanOrEqual(0);
          }
        },
      ),
    );
  });
});
