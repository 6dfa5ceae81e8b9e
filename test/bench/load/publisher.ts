import { encodeAmf0 } from '../wire/amf0';
import { DELTA_HEADER_BYTES, encodeDeltaMessage, encodeMessage, messageType } from '../wire/chunk-encoding';
import { RtmpClient } from '../wire/rtmp-client';
import type { StreamAddress } from '../wire/stream-address';
import type { LatencyHistogram } from './latency-histogram';
import { audioTrack, type MediaTrack, metadata, stampOffset, timestampMs, videoTrack } from './media-track';
import { writeStamp } from './message-stamp';
import { monotonicMs } from './monotonic-clock';

const MAX_UNSENT_BYTES = 8_000_000;
const ignoreMedia = { onPayload: () => undefined };

/** A track's messages, chunk-encoded once for all publishers; a publisher patches header and stamp and sends. */
export class EncodedTrack {
  readonly messages: Buffer[];

  constructor(
    readonly track: MediaTrack,
    readonly chunkSize: number,
  ) {
    this.messages = track.payloads.map((payload) => {
      const header = { chunkStreamId: track.chunkStreamId, type: track.type, messageStreamId: 0, timestamp: 0 };
      return encodeDeltaMessage(header, payload, chunkSize);
    });
  }
}

export interface EncodedMedia {
  readonly video: EncodedTrack;
  readonly audio: EncodedTrack;
}

export function encodeMedia(uploadChunkSize: number): EncodedMedia {
  return {
    video: new EncodedTrack(videoTrack, uploadChunkSize),
    audio: new EncodedTrack(audioTrack, uploadChunkSize),
  };
}

/** How a publisher's clock runs. */
export interface PublisherClock {
  /** Timestamp of the first messages, 32 bits. */
  readonly from: number;
  /** Seconds of the stream in a second. */
  readonly speed: number;
  /** Whether each message says its timestamp as a whole, instead of the difference from the one before. */
  readonly isAbsolute: boolean;
}

export const REAL_TIME: PublisherClock = { from: 0, speed: 1, isAbsolute: false };

/** Publishes one stream in real time: every message is sent when its timestamp is due, one write each. */
export class Publisher {
  bytesSent = 0;
  client: RtmpClient | undefined;
  private messageStreamId = 0;
  private startedAt = 0;
  private videoSent = 0;
  private audioSent = 0;

  constructor(
    private readonly stream: number,
    private readonly media: EncodedMedia,
    /** How late messages were sent: the jitter that the generator itself adds. */
    private readonly lateness: LatencyHistogram,
    private readonly clock: PublisherClock = REAL_TIME,
  ) {}

  /** Connects and sends metadata and sequence headers; media flows when sendDue() is called. */
  async start(address: StreamAddress, onLost: (reason: string) => void): Promise<void> {
    const client = await RtmpClient.open(address, this.media.video.chunkSize, ignoreMedia);
    client.onLost = onLost;
    const messageStreamId = await client.publish();
    const header = { chunkStreamId: 4, type: messageType.data, messageStreamId, timestamp: this.clock.from };
    const setDataFrame = encodeAmf0(['@setDataFrame', 'onMetaData', metadata]);
    client.write(encodeMessage(header, setDataFrame, this.media.video.chunkSize));
    for (const { track, chunkSize } of [this.media.video, this.media.audio]) {
      const { chunkStreamId, type } = track;
      const trackHeader = { chunkStreamId, type, messageStreamId, timestamp: this.clock.from };
      client.write(encodeMessage(trackHeader, track.sequenceHeader, chunkSize));
    }
    this.messageStreamId = messageStreamId;
    this.client = client;
    this.startedAt = monotonicMs();
  }

  stop(): void {
    this.client?.close();
  }

  /**
   * Sends all messages that are due by the monotonic clock, up to this video frame. Throws when the server has stopped
   * reading.
   */
  sendDue(now: number, lastFrame = Infinity): void {
    if (this.client === undefined) return;
    for (;;) {
      const messageMs = 1000 / this.clock.speed;
      const videoDue = this.startedAt + (this.videoSent * messageMs) / videoTrack.messagesPerSecond;
      const audioDue = this.startedAt + (this.audioSent * messageMs) / audioTrack.messagesPerSecond;
      const due = Math.min(videoDue, audioDue);
      if (due > now || this.videoSent > lastFrame) return;
      if (videoDue <= audioDue) this.send(this.client, this.media.video, this.videoSent++);
      else this.send(this.client, this.media.audio, this.audioSent++);
      this.lateness.record(now - due);
    }
  }

  private send(client: RtmpClient, encoded: EncodedTrack, sequence: number): void {
    const { track, messages } = encoded;
    const index = sequence % messages.length;
    if (this.clock.isAbsolute) {
      this.sendAbsolute(client, encoded, sequence);
      return;
    }
    const wire = messages[index]!;
    const delta = sequence === 0 ? 0 : timestampMs(track, sequence) - timestampMs(track, sequence - 1);
    wire.writeUIntBE(delta, 1, 3);
    const offset = stampOffset(wire[DELTA_HEADER_BYTES]!);
    writeStamp(wire, DELTA_HEADER_BYTES + offset, this.stream, sequence, monotonicMs());
    client.write(wire);
    this.bytesSent += wire.length;
    // The kernel has not taken all bytes: this buffer is in use until it has, so the next message needs another.
    if (client.unsentBytes > 0) messages[index] = Buffer.from(wire);
    if (client.unsentBytes > MAX_UNSENT_BYTES) throw new Error('the server has stopped reading a publisher');
  }

  private sendAbsolute(client: RtmpClient, { track, chunkSize }: EncodedTrack, sequence: number): void {
    const { chunkStreamId, type, payloads } = track;
    const payload = Buffer.from(payloads[sequence % payloads.length]!);
    writeStamp(payload, stampOffset(payload[0]!), this.stream, sequence, monotonicMs());
    const timestamp = (timestampMs(track, sequence) + this.clock.from) >>> 0;
    const { messageStreamId } = this;
    const wire = encodeMessage({ chunkStreamId, type, messageStreamId, timestamp }, payload, chunkSize);
    client.write(wire);
    this.bytesSent += wire.length;
    if (client.unsentBytes > MAX_UNSENT_BYTES) throw new Error('the server has stopped reading a publisher');
  }
}
