import { beforeEach, expect, test } from '@jest/globals';
import { Repetition } from '../../../service/hub/repetition';
import { MediaFlag } from '../../../service/protocol/media/media-tag';
import { MessageType } from '../../../service/protocol/message-types';

const { Audio, Video } = MediaFlag;
const Key = Video | MediaFlag.Keyframe;

let repetition: Repetition;
beforeEach(() => {
  repetition = new Repetition();
});

/** Sends the frames that are not left out; returns whether each is. */
function leavesOut(...frames: (readonly [flags: number, timestamp: number])[]): boolean[] {
  return frames.map(([flags, timestamp]) => {
    const isHad = repetition.holds(timestamp, flags);
    if (!isHad) repetition.sent((flags & Video) === 0 ? MessageType.Audio : MessageType.Video, timestamp);
    return isHad;
  });
}

test('a source of its own is sent whole, whatever its clock', () => {
  expect(leavesOut([Key, 100], [Video, 60], [Audio, 0], [Audio, 0], [Key, 0])).not.toContain(true);
  repetition.begin(false);
  expect(leavesOut([Key, 100], [Video, 60], [Audio, 0])).not.toContain(true);
});

test('of the same frames again, those up to the last of each kind are left out', () => {
  leavesOut([Key, 0], [Audio, 0], [Video, 40], [Audio, 21], [Video, 80]);
  repetition.begin(true);
  expect(leavesOut([Key, 0], [Audio, 0], [Video, 40], [Audio, 21], [Video, 80])).not.toContain(false);
  expect(leavesOut([Audio, 42], [Video, 120])).toEqual([false, false]);
});

test('frames of several tracks have the same time: as many are left out as were sent', () => {
  leavesOut([Key, 0], [Video, 0], [Video, 0]);
  leavesOut([Video, 40], [Video, 40]);
  repetition.begin(true);
  expect(leavesOut([Key, 0], [Video, 0], [Video, 0], [Video, 40], [Video, 40])).not.toContain(false);
  expect(leavesOut([Video, 40], [Video, 40])).toEqual([false, false]);
});

test('a source with another clock may come in between, and counts once it has sent a frame', () => {
  leavesOut([Key, 500], [Audio, 500]);
  repetition.begin(false);
  repetition.begin(true);
  expect(leavesOut([Key, 500], [Audio, 500])).toEqual([true, true]);
  repetition.begin(false);
  leavesOut([Key, 100]);
  repetition.begin(true);
  expect(leavesOut([Key, 100], [Audio, 400], [Video, 140])).toEqual([true, false, false]);
});

test('the clock wraps', () => {
  leavesOut([Key, 0xffff_fff0], [Video, 10]);
  repetition.begin(true);
  expect(leavesOut([Key, 0xffff_fff0], [Video, 10], [Video, 50])).toEqual([true, true, false]);
});

test('all that follows a new picture is new, even if its clock steps back', () => {
  leavesOut([Key, 0], [Audio, 1_000], [Video, 40]);
  repetition.begin(true);
  expect(leavesOut([Video, 80], [Audio, 900], [Key, 20])).toEqual([false, false, false]);
});

test('after a clock was set back, the second keyframe is new, and all that follows it', () => {
  leavesOut([Key, 9_000], [Video, 10_000], [Audio, 10_000]);
  repetition.begin(true);
  expect(leavesOut([Key, 0], [Video, 40], [Audio, 60])).toEqual([true, true, true]);
  expect(leavesOut([Key, 1_000], [Video, 1_040], [Audio, 1_060])).toEqual([false, false, false]);
});

test('what is much older is not of the same group of pictures', () => {
  leavesOut([Key, 100_000]);
  repetition.begin(true);
  expect(leavesOut([Key, 69_999])).toEqual([false]);
});
