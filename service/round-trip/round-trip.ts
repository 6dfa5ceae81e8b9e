import { setTimeout as sleep } from 'node:timers/promises';
import { MessageType, type MessageHeader } from '../protocol/message-types';
import { encodeAmf0 } from '../protocol/amf/amf0-encode';
import { PlaybackCheck } from './playback-check';
import type { RtmpAddress } from './rtmp-address';
import { RtmpClient } from './rtmp-client';
import { createTestStream, STREAM_DURATION_MS, type TestStream } from './test-stream';

/** Where the test stream is published, and the keys with which it is published and played. */
export interface TestChannel {
  readonly channel: string;
  readonly key: string;
  /** The key that players present; the publishing key unless the channel has a play key. */
  readonly playKey: string;
}

export interface RoundTrip {
  readonly address: RtmpAddress;
  readonly key: TestChannel;
  /** Makes the stream unlike that of any other run. */
  readonly nonce: string;
  /** Time limit of the whole round trip, the stream's duration included. */
  readonly timeoutMs: number;
  /** Of the stream; default two seconds. */
  readonly durationMs?: number;
  readonly tlsCa?: string | undefined;
  /** What the clients call themselves, as the server reports it; default `canary`. */
  readonly software?: string;
  /** Sent before anything else, as a load balancer does. */
  readonly proxyHeader?: Buffer | undefined;
}

/** The played stream differs from the published one, or did not come in time. */
export class PlaybackFault extends Error {
  override readonly name = 'PlaybackFault';
}

const SET_DATA_FRAME = encodeAmf0(['@setDataFrame']);
const ON_META_DATA = encodeAmf0(['onMetaData']);

/** Sends the stream at the pace of its timestamps. */
async function sendStream(publisher: RtmpClient, stream: TestStream, signal: AbortSignal): Promise<void> {
  publisher.send(MessageType.DataAmf0, 0, Buffer.concat([SET_DATA_FRAME, stream.metadata]));
  for (const { typeId, timestamp, payload } of stream.headers) publisher.send(typeId, timestamp, payload);
  const startedAtMs = performance.now();
  for (const { typeId, timestamp, payload } of stream.frames) {
    const waitMs = startedAtMs + timestamp - performance.now();
    if (waitMs > 0) await sleep(waitMs, undefined, { signal });
    publisher.send(typeId, timestamp, payload);
  }
}

/** Passes a player's messages to the check; data messages other than the metadata are the server's own. */
function feed(check: PlaybackCheck, { typeId, timestamp }: MessageHeader, payload: Buffer): void {
  const audioOrVideo = typeId === MessageType.Audio || typeId === MessageType.Video;
  if (audioOrVideo) check.media({ typeId, timestamp, payload });
  else if (payload.subarray(0, ON_META_DATA.length).equals(ON_META_DATA)) check.metadata(payload);
}

/**
 * Publishes the test stream to an address and plays it from there. The player connects first, so that it gets the whole
 * stream. Resolves when everything has come back bit for bit.
 * @throws PlaybackFault, RtmpClientError, or the socket's error.
 */
export async function roundTrip(trip: RoundTrip): Promise<void> {
  const { address, key, nonce, timeoutMs, durationMs = STREAM_DURATION_MS, tlsCa, proxyHeader } = trip;
  const signal = AbortSignal.timeout(timeoutMs);
  const stream = createTestStream(nonce, durationMs);
  const check = new PlaybackCheck(stream);
  const connection = { address, app: key.channel, signal, tlsCa, proxyHeader, software: trip.software ?? 'canary' };
  let decided: () => void = () => undefined;
  const outcome = new Promise<void>((resolve) => (decided = resolve));

  const player = await RtmpClient.open({
    ...connection,
    onMessage: (header, payload) => {
      feed(check, header, payload);
      if (check.complete || check.fault !== undefined) decided();
    },
  });
  try {
    await player.play(key.playKey);
    const publisher = await RtmpClient.open(connection);
    try {
      await publisher.publish(key.key);
      const sent = sendStream(publisher, stream, signal).then(() => outcome);
      await Promise.race([sent, player.failed(), publisher.failed()]);
      await publisher.endPublish(key.key);
    } finally {
      publisher.close();
    }
  } catch (error) {
    // If the stream was cut short, the error names the missing part.
    const missing = check.missing();
    if (signal.aborted && missing !== undefined) throw new PlaybackFault(`timed out, still missing ${missing}`);
    throw error;
  } finally {
    player.close();
  }
  if (check.fault !== undefined) throw new PlaybackFault(check.fault);
}
