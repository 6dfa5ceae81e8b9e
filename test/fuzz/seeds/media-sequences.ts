import type { MediaMessage } from '../../../service/outputs/stream/output';
import { MediaFlag, MediaTag, readAudioTag, readVideoTag } from '../../../service/protocol/media/media-tag';
import { amfEncode, ecma } from '../../support/rtmp/amf-test-codec';
import { fourCcAudio, fourCcVideo, videoManyTracks, VideoPacketType } from '../../support/rtmp/enhanced-media';
import { aac, avc, hevc12, mp3 } from '../../support/rtmp/media';
import { audioConfigs, flacHeader, opusHead, videoRecords } from '../../vectors/codec-header-vectors';
import type { Input } from '../engine/input';

export interface SentMessage extends MediaMessage {
  /** What happens before it. */
  readonly event?: 'gap' | 'cut';
}

const AUDIO = 8;
const VIDEO = 9;
const DATA = 18;
const STEPS = [0, 1, 20, 23, 40, 400, 600, 2_000, 11_000, -20, -600, -2_000, 2 ** 31, 5_000_000];
const opus = fourCcAudio('Opus');
const flac = fourCcAudio('fLaC');
const record = (codec: string, n: number): Buffer => {
  const all = videoRecords.filter((each) => each.codec === codec);
  return Buffer.from(all[n % all.length]!.hex, 'hex');
};

/** Messages of an encoder, each as its number is used to choose it. */
const MESSAGES: readonly (readonly [typeId: number, make: (n: number) => Buffer])[] = [
  [VIDEO, (n) => avc.sequenceHeader(record('avc1', n))],
  [VIDEO, (n) => avc.keyframe('key', n % 200, n)],
  [VIDEO, (n) => avc.interFrame('inter', n % 200, n)],
  [VIDEO, () => avc.endOfSequence()],
  [AUDIO, (n) => aac.sequenceHeader(Buffer.from(audioConfigs[n % audioConfigs.length]!.hex, 'hex'))],
  [AUDIO, (n) => aac.frame('sound', n % 100)],
  [VIDEO, (n) => fourCcVideo('hvc1').sequenceStart(record('hvc1', n))],
  [VIDEO, (n) => fourCcVideo('hvc1').keyframe('key', n % 200)],
  [VIDEO, (n) => fourCcVideo('hvc1').interFrameX('inter', n % 200)],
  [VIDEO, (n) => fourCcVideo('av01').sequenceStart(record('av01', n))],
  [VIDEO, (n) => fourCcVideo('av01').keyframe('key', n % 200)],
  [AUDIO, () => opus.sequenceStart(Buffer.from(opusHead, 'hex'))],
  [AUDIO, (n) => opus.frame('sound', n % 100)],
  [AUDIO, () => flac.sequenceStart(Buffer.from(flacHeader, 'hex'))],
  [AUDIO, (n) => flac.frame('sound', n % 100)],
  [AUDIO, (n) => mp3.frame('sound', n % 100)],
  [VIDEO, (n) => hevc12.keyframe('key', n % 200)],
  [
    VIDEO,
    (n) =>
      videoManyTracks(VideoPacketType.codedFrames, [
        { id: n % 3, fourCc: 'avc1', body: Buffer.alloc(12, n) },
        { id: 1, fourCc: 'avc1', body: Buffer.alloc(9, 2) },
      ]),
  ],
  [DATA, (n) => amfEncode('onMetaData', ecma({ width: n, duration: -1 }))],
  [VIDEO, () => Buffer.alloc(0)],
  [AUDIO, () => Buffer.alloc(0)],
];

/** A sequence of messages, as the input says: of encoders, changed in places, or any bytes. */
export function mediaMessages(input: Input): SentMessage[] {
  const tag = new MediaTag();
  const messages: SentMessage[] = [];
  let timestamp = input.number(3);
  while (input.left > 0) {
    const choice = input.byte();
    const number = input.byte();
    timestamp = Math.max(0, timestamp + input.pick(STEPS));
    const [typeId, payload] = madeOf(choice % 32, number, input);
    if (choice >= 128 && payload.length > 0) payload[input.byte() % payload.length] = input.byte();
    if (typeId === DATA) tag.flags = MediaFlag.Data;
    else (typeId === VIDEO ? readVideoTag : readAudioTag)(payload, 0, payload.length, tag);
    const event = (choice & 0x60) === 0x60 ? (number % 2 === 0 ? 'gap' : 'cut') : undefined;
    messages.push({ typeId, timestamp, payload, flags: tag.flags, ...(event && { event }) });
  }
  return messages;
}

function madeOf(choice: number, number: number, input: Input): [typeId: number, payload: Buffer] {
  const made = MESSAGES[choice];
  if (made !== undefined) return [made[0], Buffer.from(made[1](number))];
  return [number % 2 === 0 ? VIDEO : AUDIO, Buffer.from(input.bytes(number % 48))];
}

/** Some streams of encoders. */
export function messageSeeds(): Buffer[] {
  const stream = (...messages: readonly (readonly number[])[]): Buffer =>
    Buffer.from([16, 0, 0, 3, 0, ...messages.flat()]);
  return [
    stream([18, 1, 0], [0, 0, 0], [4, 0, 0], [1, 90, 0], [5, 30, 1], [2, 40, 4], [5, 20, 2], [2, 9, 4], [1, 80, 4]),
    stream([6, 0, 0], [11, 0, 0], [7, 90, 0], [12, 30, 1], [8, 40, 4], [12, 20, 2], [103, 9, 4], [7, 80, 4]),
    stream([9, 0, 0], [13, 0, 0], [10, 90, 0], [14, 30, 2], [10, 40, 8], [14, 20, 2]),
    stream([17, 0, 0], [0, 0, 0], [17, 1, 4], [21, 8, 4, 0x17, 1, 0, 0, 0, 9, 9, 9], [15, 7, 4], [3, 0, 4]),
  ];
}
