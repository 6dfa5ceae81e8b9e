import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  codecName,
  MediaFlag,
  MediaTag,
  readAudioTag,
  readVideoTag,
} from '../../../../service/protocol/media/media-tag';
import {
  audioManyTracks,
  audioOneTrack,
  AudioPacketType,
  fourCcAudio,
  fourCcVideo,
  videoManyTracks,
  videoOneTrack,
  VideoPacketType,
  withModEx,
} from '../../../support/rtmp/enhanced-media';
import { aac, avc, content, h263, hevc12, mp3, speex } from '../../../support/rtmp/media';

const { Audio, Video, Keyframe, Config, SequenceHeader, SideTrack, WrappedMain } = MediaFlag;
const HEADER = Config | SequenceHeader;

function video(body: Buffer, tag = new MediaTag()): { flags: number; codec: string } {
  readVideoTag(body, 0, body.length, tag);
  return { flags: tag.flags, codec: codecName(tag.codec, true) };
}

function audio(body: Buffer, tag = new MediaTag()): { flags: number; codec: string } {
  readAudioTag(body, 0, body.length, tag);
  return { flags: tag.flags, codec: codecName(tag.codec, false) };
}

describe('legacy video tags', () => {
  test.each([
    ['AVC sequence header', avc.sequenceHeader(), HEADER, 'avc1'],
    ['AVC keyframe', avc.keyframe('k'), Keyframe, 'avc1'],
    ['AVC inter frame', avc.interFrame('i'), 0, 'avc1'],
    ['AVC end of sequence', avc.endOfSequence(), 0, 'avc1'],
    ['AVC sequence header marked as an inter frame', Buffer.of(0x27, 0, 0, 0, 0, 1), HEADER, 'avc1'],
    ['HEVC sequence header', hevc12.sequenceHeader(), HEADER, 'hvc1'],
    ['HEVC keyframe', hevc12.keyframe('k'), Keyframe, 'hvc1'],
    ['HEVC inter frame', hevc12.interFrame('i'), 0, 'hvc1'],
    ['AV1 sequence header', Buffer.of(0x1d, 0, 0, 0, 0, 1), HEADER, 'av01'],
    ['AV1 keyframe', Buffer.of(0x1d, 1, 0, 0, 0, 1), Keyframe, 'av01'],
    ['H.263 keyframe', h263.keyframe('\0k'), Keyframe, 'h263'],
    ['H.263 inter frame', h263.interFrame('\0i'), 0, 'h263'],
    ['Screen video keyframe', Buffer.of(0x13, 0, 0), Keyframe, 'screen'],
    ['VP6 keyframe', Buffer.of(0x14, 0, 0), Keyframe, 'vp6'],
    ['VP6 with alpha, inter frame', Buffer.of(0x25, 0, 0), 0, 'vp6a'],
    ['Screen video 2 keyframe', Buffer.of(0x16, 0, 0), Keyframe, 'screen2'],
    ['an unknown codec', Buffer.of(0x1e, 0, 0), Keyframe, 'legacy-14'],
    ['an AVC tag of one byte', Buffer.of(0x17), Keyframe, 'avc1'],
    ['an AVC sequence header without a configuration', Buffer.of(0x17, 0, 0, 0, 0), 0, 'avc1'],
  ])('%s', (_, body, flags, codec) => {
    expect(video(body)).toEqual({ flags: Video | flags, codec });
  });

  test.each([0, 1])('the seek order %d is not taken for a sequence header', (order) => {
    expect(video(Buffer.of(0x57, order))).toEqual({ flags: Video, codec: 'avc1' });
  });
});

describe('legacy audio tags', () => {
  test.each([
    ['AAC sequence header', aac.sequenceHeader(), HEADER, 'mp4a'],
    ['AAC frame', aac.frame('a'), 0, 'mp4a'],
    ['an AAC tag of one byte', Buffer.of(0xaf), 0, 'mp4a'],
    ['an AAC sequence header without a configuration', Buffer.of(0xaf, 0), 0, 'mp4a'],
    ['MP3', mp3.frame('\0a'), 0, '.mp3'],
    ['MP3 at 8 kHz', Buffer.of(0xe2, 0), 0, '.mp3'],
    ['Speex', speex.frame('\0a'), 0, 'speex'],
    ['linear PCM', Buffer.of(0x3e, 0), 0, 'pcm'],
    ['PCM of the platform', Buffer.of(0x0e, 0), 0, 'pcm'],
    ['ADPCM', Buffer.of(0x1e, 0), 0, 'adpcm'],
    ['Nellymoser', Buffer.of(0x6e, 0), 0, 'nellymoser'],
    ['G.711 A-law', Buffer.of(0x7e, 0), 0, 'g711a'],
    ['G.711 mu-law', Buffer.of(0x8e, 0), 0, 'g711u'],
    ['sound of a device', Buffer.of(0xfe, 0), 0, 'legacy-15'],
  ])('%s', (_, body, flags, codec) => {
    expect(audio(body)).toEqual({ flags: Audio | flags, codec });
  });
});

describe('enhanced video tags', () => {
  test.each(['avc1', 'hvc1', 'av01', 'vp08', 'vp09', 'vvc1'])('%s', (fourCc) => {
    const make = fourCcVideo(fourCc);
    const flagsOf = (body: Buffer): number => {
      const { flags, codec } = video(body);
      expect(codec).toBe(fourCc);
      return flags & ~Video;
    };
    expect(flagsOf(make.sequenceStart())).toBe(HEADER);
    expect(flagsOf(make.keyframe('k'))).toBe(Keyframe);
    expect(flagsOf(make.keyframeX('k'))).toBe(Keyframe);
    expect(flagsOf(make.interFrame('i'))).toBe(0);
    expect(flagsOf(make.interFrameX('i'))).toBe(0);
    expect(flagsOf(make.sequenceEnd())).toBe(0);
    expect(flagsOf(make.metadata(content('colorInfo')))).toBe(Config);
    expect(flagsOf(withModEx(make.keyframe('k')))).toBe(Keyframe);
    expect(flagsOf(withModEx(withModEx(make.sequenceStart()), content('long', 300), 1))).toBe(HEADER);
  });

  test('the start of MPEG-2 TS is a sequence header', () => {
    expect(video(Buffer.from('\x95av01ts', 'latin1'))).toEqual({ flags: Video | HEADER, codec: 'av01' });
  });

  test('ModEx data of every size is passed over, 256 bytes and more in the long form', () => {
    for (const size of [1, 2, 255, 256, 257, 65_536]) {
      expect(video(withModEx(fourCcVideo('hvc1').keyframe('k'), content('x', size)))).toEqual({
        flags: Video | Keyframe,
        codec: 'hvc1',
      });
    }
  });

  test('a command frame says nothing; metadata ignores the frame type', () => {
    expect(video(Buffer.from('\xd0\x00', 'latin1'))).toEqual({ flags: Video, codec: '' });
    expect(video(Buffer.from('\xd4hvc1amf', 'latin1'))).toEqual({ flags: Video | Config, codec: 'hvc1' });
  });
});

describe('enhanced audio tags', () => {
  test.each(['Opus', 'fLaC', 'ac-3', 'ec-3', '.mp3', 'mp4a'])('%s', (fourCc) => {
    const make = fourCcAudio(fourCc);
    expect(audio(make.sequenceStart())).toEqual({ flags: Audio | HEADER, codec: fourCc });
    expect(audio(make.frame('a'))).toEqual({ flags: Audio, codec: fourCc });
    expect(audio(make.sequenceEnd())).toEqual({ flags: Audio, codec: fourCc });
    expect(audio(make.multichannelConfig(content('51')))).toEqual({ flags: Audio | Config, codec: fourCc });
    expect(audio(withModEx(make.sequenceStart()))).toEqual({ flags: Audio | HEADER, codec: fourCc });
  });
});

describe('configurations', () => {
  const track = (id: number, fourCc = 'hvc1') => ({ id, fourCc, body: content('record') });
  const keyOf = (body: Buffer, kind: 'audio' | 'video'): number => {
    const tag = new MediaTag();
    (kind === 'video' ? readVideoTag : readAudioTag)(body, 0, body.length, tag);
    expect(tag.flags & Config).not.toBe(0);
    return tag.configKey;
  };

  test('each track, packet type and kind of media has a place of its own', () => {
    const start = VideoPacketType.sequenceStart;
    const keys = [
      keyOf(avc.sequenceHeader(), 'video'),
      keyOf(fourCcVideo('hvc1').metadata(content('x')), 'video'),
      keyOf(videoOneTrack(start, track(1)), 'video'),
      keyOf(videoOneTrack(start, track(255)), 'video'),
      keyOf(videoManyTracks(start, [track(0), track(1)]), 'video'),
      keyOf(videoManyTracks(start, [track(0), track(1, 'avc1')]), 'video'),
      keyOf(aac.sequenceHeader(), 'audio'),
      keyOf(fourCcAudio('Opus').multichannelConfig(content('x')), 'audio'),
      keyOf(audioOneTrack(AudioPacketType.sequenceStart, track(1)), 'audio'),
      keyOf(audioManyTracks(AudioPacketType.sequenceStart, [track(0), track(1)]), 'audio'),
    ];
    expect(new Set(keys).size).toBe(keys.length);
  });

  test('a newer one takes the place of the older, whichever form the tag has', () => {
    const keys = [
      avc.sequenceHeader(),
      hevc12.sequenceHeader(),
      fourCcVideo('av01').sequenceStart(),
      videoOneTrack(VideoPacketType.sequenceStart, track(0)),
      withModEx(fourCcVideo('hvc1').sequenceStart()),
    ].map((body) => keyOf(body, 'video'));
    expect(new Set(keys).size).toBe(1);
  });

  test('those of audio sort before those of video, whatever the track', () => {
    const audioKey = keyOf(
      audioManyTracks(AudioPacketType.multichannelConfig, [track(255), track(3, 'Opus')]),
      'audio',
    );
    expect(audioKey).toBeLessThan(keyOf(avc.sequenceHeader(), 'video'));
  });
});

describe('multitrack', () => {
  const frame = (id: number, fourCc = 'hvc1') => ({ id, fourCc, body: content('frame') });
  const coded = VideoPacketType.codedFrames;

  test('many tracks in one message: keyframe and codec are those of the main one, wherever it stands', () => {
    const same = videoManyTracks(coded, [frame(0), frame(1)]);
    const mixed = videoManyTracks(coded, [frame(0, 'av01'), frame(1, 'avc1')]);
    const turned = videoManyTracks(coded, [frame(1, 'avc1'), frame(0, 'av01')]);
    expect(video(same)).toEqual({ flags: Video | WrappedMain | Keyframe, codec: 'hvc1' });
    for (const body of [mixed, turned, withModEx(mixed)]) {
      expect(video(body)).toEqual({ flags: Video | WrappedMain | Keyframe, codec: 'av01' });
    }
    const inter = videoManyTracks(coded, [frame(0), frame(1)], false);
    expect(video(inter)).toEqual({ flags: Video | WrappedMain, codec: 'hvc1' });
    expect(audio(audioManyTracks(AudioPacketType.codedFrames, [frame(0, 'Opus'), frame(1, 'mp4a')]))).toEqual({
      flags: Audio | WrappedMain,
      codec: 'Opus',
    });
  });

  test.each([
    ['one codec', 'hvc1'],
    ['several codecs', 'avc1'],
  ])('many tracks of %s without the main one are side tracks', (_, second) => {
    const tag = new MediaTag();
    video(avc.keyframe('k'), tag);
    const sides = videoManyTracks(coded, [frame(1), frame(2, second)]);
    expect(video(sides, tag)).toEqual({ flags: Video | SideTrack, codec: '' });
  });

  test.each([
    ['a track without a number', avc.keyframe('k'), Video | Keyframe, 'avc1'],
    ['track 0', videoOneTrack(coded, frame(0)), Video | Keyframe | WrappedMain, 'hvc1'],
    ['track 1, if there is no other', videoOneTrack(coded, frame(1)), Video | Keyframe | WrappedMain, 'hvc1'],
  ])('the keyframes of side tracks are not those of the stream, which is %s', (_, main, flags, codec) => {
    const tag = new MediaTag();
    expect(video(main, tag)).toEqual({ flags, codec });
    expect(video(videoOneTrack(coded, frame(2, 'av01')), tag)).toEqual({ flags: Video | SideTrack, codec: '' });
    expect(video(main, tag)).toEqual({ flags, codec });
  });
});

describe('truncated and random tags', () => {
  const samples = [
    avc.sequenceHeader(),
    avc.keyframe('k'),
    aac.sequenceHeader(),
    fourCcVideo('hvc1').keyframe('k'),
    fourCcAudio('Opus').sequenceStart(),
    withModEx(withModEx(videoOneTrack(0, { id: 1, fourCc: 'hvc1', body: content('r') })), content('x', 300)),
    audioManyTracks(1, [
      { id: 0, fourCc: 'Opus', body: content('a') },
      { id: 1, fourCc: 'mp4a', body: content('b') },
    ]),
  ];

  /** The result with other bytes around the tag, which must make no difference. */
  function readAmid(body: Uint8Array, filler: number, read: typeof readVideoTag): MediaTag {
    const bytes = Buffer.alloc(body.length + 16, filler);
    bytes.set(body, 8);
    const tag = new MediaTag();
    read(bytes, 8, 8 + body.length, tag);
    return tag;
  }

  function expectContained(body: Uint8Array): void {
    for (const read of [readVideoTag, readAudioTag]) {
      const tag = readAmid(body, 0x00, read);
      expect(tag.flags & (read === readVideoTag ? Video : Audio)).not.toBe(0);
      expect(readAmid(body, 0xff, read)).toEqual(tag);
      // At the end of the memory, reading too far throws.
      read(Buffer.from(body), 0, body.length, new MediaTag());
    }
  }

  test('at every length of every kind: no throw, and no byte beyond the end is looked at', () => {
    for (const sample of samples) {
      for (let length = 0; length <= sample.length; length += 1) expectContained(sample.subarray(0, length));
    }
  });

  test('random bytes', () => {
    const first = fc.constantFrom(0x17, 0x90, 0x95, 0x96, 0x97, 0xa7, 0x9f, 0xd7);
    const tails = fc.uint8Array({ maxLength: 40 });
    fc.assert(fc.property(first, tails, (byte, tail) => expectContained(Buffer.concat([Buffer.of(byte), tail]))));
  });

  test('a tag that ends before its codec configures nothing', () => {
    expect(video(Buffer.from('\x90hvc', 'latin1'))).toEqual({ flags: Video, codec: '' });
    expect(video(Buffer.from('\x96\x00hvc1', 'latin1'))).toEqual({ flags: Video, codec: '' });
    expect(audio(Buffer.of(0x90))).toEqual({ flags: Audio, codec: '' });
  });

  test('codec names are printable, whatever stands in the tag', () => {
    expect(codecName(0x01020304, true)).toBe('1020304');
    expect(codecName(-1, true)).toBe('');
  });
});
