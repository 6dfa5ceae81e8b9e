import { expect, test } from '@jest/globals';
import { SilenceWatch } from '../../../service/admission/silence-watch';

/** The value of `sends` after each look at [seconds, time of the last media]. */
function looks(...at: readonly (readonly [number, number])[]): boolean[] {
  const watch = new SilenceWatch();
  return at.map(([seconds, mediaAt]) => {
    const before = watch.sends;
    expect(watch.look(mediaAt, seconds * 1_000)).toBe(watch.sends !== before);
    return watch.sends;
  });
}

test('a stream that has just begun has time to send something', () => {
  expect(looks([100, 0], [101, 0], [102, 0], [103, 0])).toEqual([true, true, true, false]);
});

test('a stream is kept while its publisher sends, and again when it goes on', () => {
  expect(looks([0, 0], [2, 10], [4, 20], [6, 20], [7, 20], [8, 21])).toEqual([true, true, true, true, false, true]);
});
