import { messageType } from '../wire/chunk-encoding';
import type { IncomingMessage, MessageSink } from '../wire/chunk-reader';
import { FlvClient } from '../wire/flv-client';
import { RtmpClient } from '../wire/rtmp-client';
import type { StreamAddress } from '../wire/stream-address';
import type { LatencyHistogram } from './latency-histogram';
import { audioTrack, type MediaTrack, STAMPED_HEAD_BYTES, stampOffset, timestampMs, videoTrack } from './media-track';
import { isStampOf, STAMP_BYTES, stampedSendTime, stampedSequence } from './message-stamp';
import { monotonicMs } from './monotonic-clock';
import type { Tally } from './tally';

/** One of a player's two tracks: the message under way and the last complete one. */
class TrackProgress {
  lastSequence = -1;
  lastSentAt = 0;
  sequence = 0;
  sentAt = 0;
  expected: Buffer | undefined;
  intact = false;
  readonly head = Buffer.alloc(STAMPED_HEAD_BYTES);

  constructor(
    readonly track: MediaTrack,
    readonly latency: LatencyHistogram,
  ) {}
}

/**
 * Plays one stream. Of every message it checks length, stream, order and timestamp by its head; a player that
 * verifies content compares all other bytes too.
 */
export class Player implements MessageSink {
  private client: RtmpClient | FlvClient | undefined;
  private readonly video: TrackProgress;
  private readonly audio: TrackProgress;

  constructor(
    private readonly stream: number,
    private readonly verifyContent: boolean,
    private readonly tally: Tally,
    /** Timestamp of the stream's first messages. */
    private readonly from = 0,
  ) {
    this.video = new TrackProgress(videoTrack, tally.video);
    this.audio = new TrackProgress(audioTrack, tally.audio);
  }

  async start(address: StreamAddress, onLost: (reason: string) => void): Promise<void> {
    if (address.flv !== undefined) {
      this.client = await FlvClient.open(address, this);
      this.client.onLost = onLost;
      return;
    }
    const client = await RtmpClient.open(address, 4096, this);
    this.client = client;
    client.onLost = onLost;
    await client.play();
  }

  stop(): void {
    this.client?.close();
  }

  get bytesReceived(): number {
    return this.client?.bytesReceived ?? 0;
  }

  /** The number of the last complete video frame; -1: none. */
  get lastVideoFrame(): number {
    return this.video.lastSequence;
  }

  /** Age of the newest video frame, by the monotonic clock in ms; Infinity when none came. */
  videoAgeMs(now: number): number {
    return this.video.lastSequence < 0 ? Infinity : now - this.video.lastSentAt;
  }

  onPayload(message: IncomingMessage, buffer: Buffer, start: number, end: number): void {
    const progress = message.type === messageType.video ? this.video : this.audio;
    const offset = message.received;
    if (offset < STAMPED_HEAD_BYTES) this.readHead(progress, message, buffer, start, end);
    if (this.verifyContent && progress.intact) this.compare(progress, offset, buffer, start, end);
    if (offset + end - start === message.length) this.finish(progress, message.timestamp);
  }

  private readHead(
    progress: TrackProgress,
    message: IncomingMessage,
    buffer: Buffer,
    start: number,
    end: number,
  ): void {
    const offset = message.received;
    if (offset === 0) {
      progress.intact = false;
      progress.expected = undefined;
      if (end - start >= STAMPED_HEAD_BYTES) {
        this.identify(progress, message, buffer, start);
        return;
      }
    }
    buffer.copy(progress.head, offset, start, end);
    if (offset + end - start >= STAMPED_HEAD_BYTES) this.identify(progress, message, progress.head, 0);
  }

  private identify(progress: TrackProgress, message: IncomingMessage, bytes: Buffer, at: number): void {
    if (bytes[at + 1] === 0) return; // a sequence header
    const payloads = progress.track.payloads;
    const stampAt = at + stampOffset(bytes[at]!);
    const stampEnd = stampAt + STAMP_BYTES;
    progress.sequence = stampedSequence(bytes, stampAt);
    progress.sentAt = stampedSendTime(bytes, stampAt);
    const expected = payloads[progress.sequence % payloads.length]!;
    progress.expected = expected;
    progress.intact =
      isStampOf(bytes, stampAt, this.stream) &&
      message.length === expected.length &&
      expected.compare(bytes, at, stampAt, 0, stampAt - at) === 0 &&
      expected.compare(bytes, stampEnd, at + STAMPED_HEAD_BYTES, stampEnd - at, STAMPED_HEAD_BYTES) === 0;
  }

  /** Compares the bytes after the head. */
  private compare(progress: TrackProgress, offset: number, buffer: Buffer, start: number, end: number): void {
    const skip = Math.max(0, STAMPED_HEAD_BYTES - offset);
    if (start + skip >= end) return;
    const from = offset + skip;
    const until = offset + end - start;
    if (progress.expected!.compare(buffer, start + skip, end, from, until) !== 0) progress.intact = false;
  }

  private finish(progress: TrackProgress, timestamp: number): void {
    if (progress.expected === undefined) return;
    if (!progress.intact) {
      this.tally.corrupt++;
      return;
    }
    const { sequence, lastSequence } = progress;
    this.tally.messages++;
    if (timestamp !== (timestampMs(progress.track, sequence) + this.from) >>> 0) this.tally.timestampErrors++;
    if (sequence <= lastSequence) {
      this.tally.duplicates++;
      return;
    }
    if (lastSequence >= 0) this.tally.lost += sequence - lastSequence - 1;
    progress.lastSequence = sequence;
    progress.lastSentAt = progress.sentAt;
    progress.latency.record(monotonicMs() - progress.sentAt);
  }
}
