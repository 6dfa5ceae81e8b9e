import { encodeMessage, messageType } from '../../wire/chunk-encoding';
import type { Attack, AttackContext } from '../attack';
import { beginning, block, command, connected, message } from '../attacker-bytes';
import { churn, flood, lanes, pause } from '../flood';

/** Connections that one address may have by default (MAX_IP_CONCURRENT_CONNECTIONS). */
const LIMIT = 4;
const STREAM_ID = 1;
const KEY = 'key';
const CACHE = 'GOP_CACHE_SIZE_MB for each stream, MEMORY_BUDGET_MB for the node';
const TURNS = 'FULL_READS_PER_TURN 4, MESSAGES_PER_TURN 2,000';

const publish = command(STREAM_ID, ['publish', 3, null, KEY, 'live']);

function videoFrame(payloadBytes: number, keyframe: boolean, timestamp = 0, chunkSize = 4096): Buffer {
  const payload = Buffer.alloc(payloadBytes);
  payload[0] = keyframe ? 0x17 : 0x27;
  payload[1] = 1;
  const header = { chunkStreamId: 6, type: messageType.video, messageStreamId: STREAM_ID, timestamp };
  return encodeMessage(header, payload, chunkSize);
}

/** An aggregate of audio messages of one byte: type, length, time, stream, payload, back pointer. */
const aggregate = message(22, STREAM_ID, block(Buffer.from('08000001000000000000000b0000000c', 'hex'), 900_000));

interface PublisherFlood {
  readonly name: string;
  readonly title: string;
  readonly bound: string;
  readonly repeated: Buffer;
  readonly opening?: Buffer;
  readonly env?: Readonly<Record<string, string>>;
}

/** Publishers of channels of their own, which flood. */
function publisherFlood({ name, title, bound, repeated, opening = Buffer.alloc(0), env }: PublisherFlood): Attack {
  const run = (context: AttackContext): Promise<void> =>
    lanes(LIMIT, (index) =>
      flood(context, {
        opening: Buffer.concat([connected(`${name}-${index}`), publish, opening]),
        ...{ repeated, connections: 1, reads: true },
      }),
    );
  return { name, title, bound, ...(env && { env }), run };
}

/** A player on a message stream other than 1, which needs a copy of its own. */
const playOnStream2 = Buffer.concat([command(0, ['createStream', 3, null]), command(2, ['play', 4, null, KEY])]);

const setChunkSize = (size: number): Buffer =>
  encodeMessage(
    { chunkStreamId: 2, type: messageType.setChunkSize, messageStreamId: 0, timestamp: 0 },
    Buffer.from([0, 0, 0, size]),
    128,
  );
const abort = (chunkStreamId: number): Buffer =>
  encodeMessage(
    { chunkStreamId: 2, type: 2, messageStreamId: 0, timestamp: 0 },
    Buffer.from([0, 0, 0, chunkStreamId]),
    128,
  );

/** The first byte of a video message of 16 MB. */
const large = (chunkStreamId: number): Buffer =>
  beginning(chunkStreamId, messageType.video, 0xffffff, Buffer.concat([Buffer.from([0x27]), Buffer.alloc(4_095)]));
/** A whole audio message on a chunk stream of its own: two bytes, which the next one repeats with a header of one. */
const tinyAudio = beginning(5, messageType.audio, 2, Buffer.from([0xaf, 1]));
const tinyAudioAgain = Buffer.from([0xc5, 0xaf, 1]);

const endless = {
  opening: videoFrame(60_000, true),
  repeated: videoFrame(60_000, false, 1),
};

/** Publishers that were accepted, and players of streams. */
export const mediaAttacks: readonly Attack[] = [
  publisherFlood({
    ...{ name: 'tiny-chunks', title: 'publishers of chunks of one byte' },
    ...{ bound: 'TINY_CHUNKS_PER_SECOND 100,000', opening: setChunkSize(1) },
    repeated: block(videoFrame(4_000, true, 0, 1)),
  }),
  publisherFlood({
    ...{ name: 'chunk-streams', title: 'messages that are begun on 10,000 chunk streams' },
    bound: 'PUBLISHER_LIMITS: 64 chunk streams',
    repeated: Buffer.concat(
      Array.from({ length: 10_000 }, (_, n) =>
        beginning(64 + n, messageType.video, 5_000, Buffer.concat([Buffer.from([0x27]), Buffer.alloc(4_095)])),
      ),
    ),
  }),
  publisherFlood({
    ...{ name: 'sizes-never-sent', title: 'messages of 16 MB that are begun on 60 chunk streams, and no more' },
    bound: 'PUBLISHER_LIMITS: 32 MB in all unfinished messages',
    ...{ opening: Buffer.concat(Array.from({ length: 60 }, (_, n) => large(3 + n))), repeated: Buffer.alloc(0) },
  }),
  publisherFlood({
    ...{ name: 'aborted-messages', title: 'messages of 16 MB that are begun and aborted' },
    ...{ bound: 'MAX_ABANDONED_BYTES 64 MB', repeated: block(Buffer.concat([large(7), abort(7)])) },
  }),
  publisherFlood({
    ...{ name: 'waiting-messages', title: 'messages of two bytes behind one that is unfinished' },
    bound: 'MAX_WAITING_MESSAGES 10,000',
    ...{ opening: Buffer.concat([large(7), tinyAudio]), repeated: block(tinyAudioAgain) },
  }),
  publisherFlood({
    ...{ name: 'tiny-media', title: 'publishers of audio messages of three bytes' },
    bound: `${TURNS}, MAX_CACHED_MESSAGES 200,000`,
    repeated: block(message(messageType.audio, STREAM_ID, Buffer.from([0xaf, 1, 0]))),
  }),
  publisherFlood({
    ...{ name: 'tiny-frames', title: 'the same with video: heaps of messages after one keyframe' },
    bound: `${TURNS}, MAX_CACHED_MESSAGES 200,000`,
    ...{ opening: videoFrame(10, true), repeated: block(videoFrame(2, false, 1)) },
  }),
  publisherFlood({
    ...{ name: 'aggregates', title: 'publishers of aggregates of one-byte parts' },
    ...{ bound: 'MAX_PARTS 4,096, PUBLISHER 3,000 units and 1,000 a second', repeated: aggregate },
  }),
  publisherFlood({
    ...{ name: 'unknown-type', title: 'publishers of messages of an unknown type' },
    bound: 'PUBLISHER 3,000 units and 1,000 a second',
    repeated: message(99, STREAM_ID, Buffer.alloc(60_000)),
  }),
  publisherFlood({
    ...{ name: 'publishers-100x', title: 'publishers at full speed, a keyframe every 60 frames' },
    bound: `${TURNS}; a handler's max-bitrate-kbps ends them after 10 s`,
    repeated: Buffer.concat(Array.from({ length: 60 }, (_, n) => videoFrame(10_000, n === 0, n === 0 ? 0 : 1))),
  }),
  publisherFlood({
    name: 'endless-gop',
    title: 'publishers whose group of pictures never ends',
    bound: CACHE,
    ...endless,
  }),
  publisherFlood({
    ...{ name: 'endless-gop-budget', title: 'the same, with MEMORY_BUDGET_MB=512', bound: CACHE, ...endless },
    env: { MEMORY_BUDGET_MB: '512' },
  }),
  publisherFlood({
    ...{ name: 'endless-gop-16', title: 'the same, with GOP_CACHE_SIZE_MB=16', bound: CACHE, ...endless },
    env: { GOP_CACHE_SIZE_MB: '16' },
  }),
  {
    name: 'player-never-reads',
    title: 'a publisher of 80 Mbps, and three players that never read',
    bound: 'SOFT_UNSENT_BYTES 8 MB, MAX_LAG_MS 30 s',
    run: (context) => unreadStream(context, command(STREAM_ID, ['play', 4, null, KEY])),
  },
  {
    name: 'own-copies',
    title: 'the same, and the players need copies of their own',
    bound: 'MAX_COPIED_START_BYTES 16 MB, MAX_COPIED_START_MESSAGES 20,000',
    run: (context) => unreadStream(context, playOnStream2),
  },
  {
    name: 'own-copies-again',
    title: 'players that take a cached start of 15 MB as a copy of their own and leave, again and again',
    bound: 'MAX_COPIED_START_BYTES 16 MB, STRANGER, MAX_IP_CONNECTIONS_PER_SECOND 20',
    async run(context) {
      const opening = Buffer.concat([connected('copied'), playOnStream2]);
      await Promise.all([
        flood(context, {
          opening: Buffer.concat([connected('copied'), publish, videoFrame(60_000, true)]),
          repeated: videoFrame(60_000, false, 1),
          ...{ connections: 1, reads: true, maxBytes: 15_000_000 },
        }),
        churn(context, opening, undefined, 50),
      ]);
    },
  },
  {
    name: 'unpause',
    title: 'a publisher, and three players that unpause without reading',
    bound: 'STRANGER, pause costs 5 units',
    async run(context) {
      const gop = Array.from({ length: 200 }, (_, i) => videoFrame(20_000, i === 0, i * 10));
      const publisher = flood(context, {
        ...{ opening: Buffer.concat([connected('paused'), publish, ...gop]), repeated: Buffer.alloc(0) },
        ...{ connections: 1, reads: true },
      });
      await pause(300);
      const pauses = Buffer.concat([true, false].map((on) => command(2, ['pause', 0, null, on, 0])));
      const opening = Buffer.concat([connected('paused'), playOnStream2]);
      await Promise.all([
        publisher,
        flood(context, { opening, repeated: pauses, connections: 3, reads: false, maxBytes: 200_000 }),
      ]);
    },
  },
];

/** Frames of 100 KB, a hundred a second, with a keyframe among ten. */
async function unreadStream(context: AttackContext, play: Buffer): Promise<void> {
  const player = Buffer.concat([connected('unread'), play]);
  const frames = Array.from({ length: 10 }, (_, n) => videoFrame(100_000, n === 0));
  await Promise.all([
    flood(context, {
      opening: Buffer.concat([connected('unread'), publish]),
      ...{ repeated: Buffer.concat(frames), connections: 1, reads: true, pauseMs: 100 },
    }),
    flood(context, { opening: player, repeated: Buffer.alloc(0), connections: 3, reads: false }),
  ]);
}
