import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Timeline } from '../../../service/hub/timeline';

/** Sends frames with these timestamps; returns what players get. */
function send(timeline: Timeline, ...timestamps: number[]): number[] {
  return timestamps.map((timestamp) => {
    const placed = timeline.place(timestamp);
    timeline.sent(placed, timestamp);
    return placed;
  });
}

const anyTime = fc.nat({ max: 0xffffffff });

describe('timestamps', () => {
  test('of the only source pass as they are, back and past the end of the clock', () => {
    fc.assert(fc.property(fc.array(anyTime), (times) => expect(send(new Timeline(), ...times)).toEqual(times)));
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
    expect([timeline.place(70), timeline.place(90)]).toEqual([1_033, 1_033]);
    expect(send(timeline, 200, 240)).toEqual([1_033, 1_073]);
  });

  test('the latest is that of the frame furthest on, not of the last', () => {
    const timeline = new Timeline();
    send(timeline, 0xfffffff0, 20, 0xfffffffa);
    expect(timeline.latest).toBe(20);
    timeline.join();
    expect(send(timeline, 5)).toEqual([53]);
  });

  test('a source that joins a stream without frames passes as it is', () => {
    const timeline = new Timeline();
    timeline.join();
    expect(send(timeline, 500, 540)).toEqual([500, 540]);
    expect(new Timeline().latest).toBe(0);
  });
});
