import { Input } from '../engine/input';
import { must, type Target } from '../engine/target';
import { codecName, MediaFlag, MediaTag, readAudioTag, readVideoTag } from '../../../service/protocol/media/media-tag';
import { mainTrackAlone } from '../../../service/protocol/media/main-track';
import { mainContents } from '../../../service/protocol/media/sequence-header';
import { readFrame } from '../../../service/outputs/fmp4/frame';
import {
  audioManyTracks,
  AudioPacketType,
  fourCcAudio,
  fourCcVideo,
  videoManyTracks,
  videoOneTrack,
  VideoPacketType,
  withModEx,
} from '../../support/rtmp/enhanced-media';
import { aac, avc } from '../../support/rtmp/media';

/** A FourCC, a known name, or the number of a codec without one. */
const CODEC_NAME = /^(?:[\x20-\x7e]{4}|[\w.]{0,12}|legacy-\d+|[0-9a-f]+)$/;

/** Flags agree with each other, the beginning of a message with the whole, and the main track is the same without others. */
export const target: Target = {
  name: 'media-tags',
  reads: 'tags of audio and video: legacy FLV, Enhanced RTMP, ModEx, multitrack',
  maxLength: 1_024,
  steps: { base: 4_000, perByte: 60 },
  seeds: () => {
    const picture = fourCcVideo('hvc1');
    const tracks = [
      { id: 0, fourCc: 'avc1', body: Buffer.alloc(20, 1) },
      { id: 1, fourCc: 'av01', body: Buffer.alloc(12, 2) },
    ];
    const video = [
      avc.sequenceHeader(),
      picture.sequenceStart(),
      withModEx(picture.keyframe('k', 40)),
      picture.interFrameX('p', 30),
      videoOneTrack(VideoPacketType.codedFrames, tracks[1]!),
      videoManyTracks(VideoPacketType.codedFrames, tracks),
    ];
    const sound = [
      aac.sequenceHeader(),
      fourCcAudio('Opus').sequenceStart(),
      audioManyTracks(AudioPacketType.codedFrames, tracks),
    ];
    const seed = (isVideo: number) => (payload: Buffer) => Buffer.concat([Buffer.of(isVideo, 0), payload]);
    return [...video.map(seed(1)), ...sound.map(seed(0))];
  },
  run(data) {
    const input = new Input(data);
    const isVideo = input.flag();
    const known = input.byte();
    const payload = input.rest();
    const tag = new MediaTag();
    if (known % 2 === 1) tag.mainVideoTrack = tag.mainAudioTrack = known >> 1;
    const read = isVideo ? readVideoTag : readAudioTag;
    read(payload, 0, payload.length, tag);
    const { flags, codec, configKey } = tag;
    const has = (flag: number): boolean => (flags & flag) !== 0;
    must(has(isVideo ? MediaFlag.Video : MediaFlag.Audio), 'a message of another kind');
    must(!has(MediaFlag.SequenceHeader) || has(MediaFlag.Config), 'a sequence header that is no configuration');
    must(!(has(MediaFlag.SideTrack) && has(MediaFlag.WrappedMain)), 'with the main track, and without it');
    must(!(has(MediaFlag.Keyframe) && (has(MediaFlag.Config) || !isVideo)), 'a keyframe that cannot be one');
    must(Number.isInteger(configKey) && configKey >= 0, 'a key that is no number');
    must(CODEC_NAME.test(codecName(codec, isVideo)), 'a codec name that cannot be shown');
    withinOthers(payload, read, tag);
    const mainTrack = isVideo ? tag.mainVideoTrack : tag.mainAudioTrack;
    const alone = mainTrackAlone(payload, isVideo, mainTrack);
    if (alone === undefined) return;
    must(alone.length <= payload.length, 'the main track is longer than all tracks');
    const contents = mainContents(payload, isVideo, mainTrack);
    must(contents === undefined || contents.length <= alone.length, 'the contents are longer than the message');
    if (alone !== payload) checkAlone(alone, isVideo, read, tag);
    const frame = readFrame(payload, 0, isVideo, flags);
    must(frame === undefined || frame.data.length <= payload.length, 'a frame is longer than its message');
  },
};

type Read = typeof readVideoTag;

/** The bytes around a message do not matter. */
function withinOthers(payload: Buffer, read: Read, { flags, codec, configKey, ...main }: MediaTag): void {
  const around = Buffer.concat([Buffer.from([0x97]), payload, Buffer.alloc(16, 0x96)]);
  const tag = new MediaTag();
  Object.assign(tag, { mainVideoTrack: main.mainVideoTrack, mainAudioTrack: main.mainAudioTrack });
  read(around, 1, 1 + payload.length, tag);
  must(
    tag.flags === flags && tag.codec === codec && tag.configKey === configKey,
    'bytes outside of a message are read',
  );
}

function checkAlone(alone: Buffer, isVideo: boolean, read: Read, before: MediaTag): void {
  const tag = new MediaTag();
  read(alone, 0, alone.length, tag);
  must((tag.flags & (MediaFlag.SideTrack | MediaFlag.WrappedMain)) === 0, 'alone, it still has several tracks');
  must(
    (before.flags & MediaFlag.SequenceHeader) === (tag.flags & MediaFlag.SequenceHeader),
    'alone, it is another header',
  );
  must(mainTrackAlone(alone, isVideo, 0) === alone, 'alone, it is changed again');
}
