import { amfEncode, ecma, type Amf } from '../../support/rtmp/amf-test-codec';
import { ClientHandshake } from '../../support/rtmp/client-handshake';
import { videoOneTrack, VideoPacketType, fourCcVideo, withModEx } from '../../support/rtmp/enhanced-media';
import { avcAacStream, content } from '../../support/rtmp/media';
import {
  aggregate,
  ChunkBuilder,
  command,
  commandAmf3,
  control,
  MessageType,
  UserControl,
  userControl,
  type ChunkForm,
  type OutgoingMessage,
} from '../../support/rtmp/wire-builder';

/** What a client sends over one whole connection, from C0 on. */
export interface Capture {
  readonly name: string;
  readonly bytes: Buffer;
  /** Where the handshake ends. */
  readonly handshakeEnd: number;
}

type Sent = OutgoingMessage | readonly [OutgoingMessage, ChunkForm];

const description = ecma({
  width: 1280,
  height: 720,
  videocodecid: 7,
  encoder: 'obs',
  '2.1': false,
  nested: { a: [1, null] },
});
const media = (timestampBase = 0, size = 700): OutgoingMessage[] =>
  avcAacStream('fuzz', 12, { size }).map(({ kind, timestamp, payload }) => ({
    type: MessageType[kind],
    streamId: 1,
    timestamp: timestampBase + timestamp,
    payload,
  }));
const data = (...values: Amf[]): OutgoingMessage => ({
  type: MessageType.data,
  streamId: 1,
  timestamp: 0,
  payload: amfEncode(...values),
});
const end = [command('FCUnpublish', 6, [null, 'key']), command('deleteStream', 7, [null, 1])];

/** Connections as encoders and players make them; each is a valid one. `channel` is theirs alone. */
export function captures(channel: string): Capture[] {
  const connect = { app: channel, type: 'nonprivate', flashVer: 'FMLE/3.0', tcUrl: `rtmp://host/${channel}` };
  const picture = fourCcVideo('hvc1');
  return [
    capture('OBS', 4096, [
      command('connect', 1, [connect]),
      command('releaseStream', 2, [null, 'key']),
      command('FCPublish', 3, [null, 'key']),
      command('createStream', 4, [null]),
      [command('publish', 5, [null, 'key', 'live'], 1), { csid: 4 }],
      data('@setDataFrame', 'onMetaData', description),
      ...media().map((message): Sent => [message, { csid: 4 }]),
      ...end,
    ]),
    capture('ffmpeg, small chunks, relative headers', 128, [
      command('connect', 1, [connect]),
      command('createStream', 2, [null]),
      command('_checkbw', 3, [null]),
      command('publish', 4, [null, 'key', 'live'], 1),
      data('@setDataFrame', 'onMetaData', description),
      ...media().map((message, index): Sent => [message, { fmt: index < 2 ? 0 : 1 }]),
      ...end,
    ]),
    capture('extended timestamps, long basic headers', 500, [
      command('connect', 1, [connect]),
      command('createStream', 2, [null]),
      command('publish', 3, [null, 'key', 'live'], 1),
      ...media(0xfffff0).map((message, index): Sent => [
        message,
        { csid: index % 2 === 0 ? 300 : 65_000, extendedOnType3: index % 2 === 0 },
      ]),
      ...end,
    ]),
    capture('AMF3, aggregates, control messages', 1000, [
      commandAmf3('connect', 1, [{ ...connect, objectEncoding: 3 }]),
      control(MessageType.windowAckSize, 5_000),
      commandAmf3('createStream', 2, [null]),
      commandAmf3('publish', 3, [null, 'key', 'live'], 1),
      {
        type: MessageType.dataAmf3,
        streamId: 1,
        timestamp: 0,
        payload: Buffer.concat([Buffer.of(0), amfEncode('onMetaData', description)]),
      },
      aggregate(media(), 1, 50),
      control(MessageType.setChunkSize, 70),
      userControl(UserControl.pingRequest, 5),
      control(MessageType.abort, 6),
      control(MessageType.acknowledgement, 1_000),
      ...end,
    ]),
    capture('enhanced RTMP', 3000, [
      command('connect', 1, [{ ...connect, capsEx: 7, fourCcList: ['hvc1'] }]),
      command('createStream', 2, [null]),
      command('publish', 3, [null, 'key', 'live'], 1),
      ...[
        picture.sequenceStart(),
        picture.metadata(amfEncode('colorInfo', { hdr: true })),
        withModEx(picture.keyframe('k', 3_000)),
        videoOneTrack(VideoPacketType.codedFrames, { id: 2, fourCc: 'av01', body: content('t', 900) }),
        picture.interFrameX('p', 200),
      ].map((payload, index) => ({ type: MessageType.video, streamId: 1, timestamp: index * 40, payload })),
      ...end,
    ]),
    capture('a player', 4096, [
      command('connect', 1, [connect]),
      command('createStream', 2, [null]),
      command('FCSubscribe', 3, [null, 'key']),
      userControl(UserControl.setBufferLength, 1, 3_000),
      command('play', 4, [null, 'key?cache=no', -2], 1),
      command('pause', 5, [null, true, 0], 1),
      command('receiveAudio', 6, [null, false], 1),
      command('receiveVideo', 7, [null, false], 1),
      command('pause', 8, [null, false, 0], 1),
      command('deleteStream', 9, [null, 1]),
      command('play', 10, [null, 'other'], 1),
    ]),
  ];
}

function capture(name: string, chunkSize: number, messages: readonly Sent[]): Capture {
  const chunks = new ChunkBuilder();
  const handshake = Buffer.concat([new ClientHandshake('digest-first').c0c1, Buffer.alloc(1536, 7)]);
  const parts = [handshake, chunks.message(control(MessageType.setChunkSize, chunkSize))];
  chunks.chunkSize = chunkSize;
  for (const sent of messages) {
    const [message, form] = isPlain(sent) ? [sent, undefined] : sent;
    parts.push(chunks.message(message, form));
  }
  return { name, bytes: Buffer.concat(parts), handshakeEnd: handshake.length };
}

function isPlain(sent: Sent): sent is OutgoingMessage {
  return 'payload' in sent;
}
