import { expect, test } from '@jest/globals';
import { kindsOf } from '../../../../service/http/flv/flv-kinds';
import { aacFrame, aacHeader, avcHeader, keyframe, StreamRig } from '../../hub/stream-rig';

const LATER = 60_000;

test('kinds that have come are announced', () => {
  const rig = new StreamRig();
  rig.video(0, avcHeader('h'));
  rig.video(0, keyframe('k'));
  expect(kindsOf(rig.stream, LATER)).toEqual({ audio: false, video: true });
  rig.audio(0, aacHeader('h'));
  expect(kindsOf(rig.stream, LATER)).toEqual({ audio: true, video: true });
});

test('a kind that the metadata names may come later', () => {
  const rig = new StreamRig();
  rig.data(0, 'onMetaData', { audiocodecid: 'mp4a', videocodecid: 7 });
  rig.video(0, keyframe('k'));
  expect(kindsOf(rig.stream, LATER)).toEqual({ audio: true, video: true });
  rig.data(0, 'onMetaData', { hasAudio: false, audiocodecid: 10, videocodecid: 7 });
  expect(kindsOf(rig.stream, LATER)).toEqual({ audio: false, video: true });
});

test('without metadata, a stream that has just begun may contain both, as does one that is not known', () => {
  const rig = new StreamRig();
  rig.audio(0, aacFrame('a'));
  expect(kindsOf(rig.stream, rig.clock)).toEqual({ audio: true, video: true });
  expect(kindsOf(rig.stream, LATER)).toEqual({ audio: true, video: false });
  expect(kindsOf(new StreamRig().stream, LATER)).toEqual({ audio: true, video: true });
  expect(kindsOf(undefined, LATER)).toEqual({ audio: true, video: true });
});
