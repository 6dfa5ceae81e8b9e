import { describe, expect, test } from '@jest/globals';
import { CodecNotTaken, formForTarget } from '../../../../service/outputs/forward/target-form';
import { TargetSupport } from '../../../../service/outputs/forward/target-support';
import type { AmfObject } from '../../../../service/protocol/amf/amf-value';
import { MediaTag, readAudioTag, readVideoTag } from '../../../../service/protocol/media/media-tag';
import { fourCcAudio, fourCcVideo, videoOneTrack, withModEx } from '../../../support/rtmp/enhanced-media';
import { aac, avc, h263, hevc12, mp3 } from '../../../support/rtmp/media';

/** Says nothing of Enhanced RTMP. */
const silent = new TargetSupport();
/** Says that it takes none of its codecs. */
const none = new TargetSupport(new Map([['fourCcList', []]]));
const all = new TargetSupport(new Map([['fourCcList', ['*']]]));
const everything = new TargetSupport(
  new Map<string, string[] | number>([
    ['fourCcList', ['*']],
    ['capsEx', 6],
  ]),
);

type Form = ReturnType<typeof formForTarget>;
type Media = 'audio' | 'video';

function form(media: Media, payload: Buffer, support: TargetSupport, tag = new MediaTag()): Form {
  if (media === 'audio') readAudioTag(payload, 0, payload.length, tag);
  else readVideoTag(payload, 0, payload.length, tag);
  return formForTarget(payload, tag, support);
}

const text = (found: Form): string | undefined => (found instanceof Buffer ? found.toString('latin1') : undefined);

test('legacy tags pass as they are, to every target', () => {
  for (const [media, payload] of [
    ['video', avc.sequenceHeader()],
    ['video', avc.keyframe('k')],
    ['video', h263.keyframe('h')],
    ['audio', aac.frame('a')],
    ['audio', mp3.frame('m')],
  ] as const) {
    expect(form(media, payload, silent)).toBe(payload);
    expect(form(media, payload, none)).toBe(payload);
    expect(form(media, payload, everything)).toBe(payload);
  }
});

describe('H.264, AAC and MP3 as Enhanced RTMP, to a target without it', () => {
  const avc1 = fourCcVideo('avc1');
  test.each([
    ['sequence start', 'video', avc1.sequenceStart(Buffer.from('rec')), '\x17\x00\x00\x00\x00rec'],
    ['keyframe', 'video', avc1.keyframe('k'), '\x17\x01\x00\x00\x00k'],
    ['frame without composition time', 'video', avc1.interFrameX('p'), '\x27\x01\x00\x00\x00p'],
    ['end', 'video', avc1.sequenceEnd(), '\x17\x02\x00\x00\x00'],
    ['AAC configuration', 'audio', fourCcAudio('mp4a').sequenceStart(Buffer.from('rec')), '\xaf\x00rec'],
    ['AAC', 'audio', fourCcAudio('mp4a').frame('a'), '\xaf\x01a'],
    ['MP3', 'audio', fourCcAudio('.mp3').frame('m'), '\x2fm'],
    ['metadata of colours', 'video', avc1.metadata(Buffer.from('hdr')), undefined],
  ] as const)('%s', (_name, media, payload, legacy) => {
    expect(text(form(media, payload, none))).toBe(legacy);
    expect(text(form(media, payload, silent))).toBe(legacy);
    expect(form(media, payload, all)).toBe(payload);
  });
});

test.each(['hvc1', 'av01', 'vp09', 'vvc1'])('%s has no legacy form', (fourCc) => {
  const payload = fourCcVideo(fourCc).keyframe('k');
  expect(form('video', payload, none)).toBeInstanceOf(CodecNotTaken);
  expect(form('video', payload, silent)).toBe(payload);
  expect(form('video', payload, all)).toBe(payload);
});

test('HEVC with a legacy codec id stays as it is where nothing is known', () => {
  const payload = hevc12.keyframe('k');
  expect(form('video', payload, silent)).toBe(payload);
  expect(form('video', payload, none)).toBeInstanceOf(CodecNotTaken);
});

test('ModEx packets go only to targets that announce them', () => {
  const plain = fourCcVideo('hvc1').keyframe('k');
  const extended = withModEx(plain);
  expect(form('video', extended, everything)).toBe(extended);
  expect(form('video', extended, all)).toEqual(plain);
  expect(text(form('video', withModEx(fourCcVideo('avc1').keyframe('k')), none))).toBe('\x17\x01\x00\x00\x00k');
});

test('a target with multitrack that does not announce the main codec gets the main track in legacy tags', () => {
  const support = new TargetSupport(
    new Map<string, string[] | number>([
      ['fourCcList', ['hvc1']],
      ['capsEx', 2],
    ]),
  );
  const tag = new MediaTag();
  const main = videoOneTrack(1, { id: 0, fourCc: 'avc1', body: Buffer.from('\x00\x00\x00k', 'latin1') });
  const side = videoOneTrack(1, { id: 1, fourCc: 'avc1', body: Buffer.from('\x00\x00\x00s', 'latin1') });
  expect(text(form('video', main, support, tag))).toBe('\x17\x01\x00\x00\x00k');
  expect(form('video', side, none, tag)).toBeUndefined();
});

test.each([
  Buffer.alloc(0),
  Buffer.from([0x90]),
  Buffer.from([0x97]),
  Buffer.from('9568766331', 'hex'),
  Buffer.from([0x1c, 0]),
])('messages that are cut short do no harm (%#)', (payload) => {
  for (const support of [silent, none, all, everything]) {
    expect(() => form('video', payload, support)).not.toThrow();
    expect(() => form('audio', payload, support)).not.toThrow();
  }
});

test('what targets announce, in the forms that servers use', () => {
  const list = (value: AmfObject): TargetSupport => new TargetSupport(undefined, value);
  expect(list(new Map([['fourCcList', new Map([['0', 'hvc1']])]])).announces('hvc1', true)).toBe(true);
  expect(list(new Map([['videoFourCcInfoMap', new Map([['*', 4]])]])).announces('av01', true)).toBe(true);
  expect(list(new Map([['audioFourCcInfoMap', new Map([['Opus', 1]])]])).announces('Opus', false)).toBe(true);
  expect(list(new Map([['audioFourCcInfoMap', new Map([['Opus', 2]])]])).refuses('Opus', false)).toBe(true);
  expect(list(new Map([['fourCcList', ['hvc1']]])).refuses('Opus', false)).toBe(true);
  // Maps say nothing of the other kind of media, and what is no list says nothing.
  expect(list(new Map([['videoFourCcInfoMap', new Map([['hvc1', 4]])]])).refuses('Opus', false)).toBe(false);
  expect(list(new Map([['fourCcList', 'hvc1']])).announces('hvc1', true)).toBe(false);
  expect(list(new Map([['fourCcList', 'hvc1']])).refuses('av01', true)).toBe(false);
});
