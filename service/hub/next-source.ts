import { CollectingSink } from '../protocol/chunk/collecting-sink';
import type { PayloadSink } from '../protocol/chunk/payload-sink';
import { discardingSink } from '../protocol/chunk/payload-sink';
import { MediaFlag, MediaTag, readAudioTag, readVideoTag } from '../protocol/media/media-tag';
import type { DataMessage } from '../protocol/message/data-message';
import { MessageType } from '../protocol/message-types';
import { KeyframeWait } from './keyframe-wait';
import type { Publisher } from './publisher';
import type { StreamInlet } from './stream-inlet';

/** The stream that the next source is to continue. */
export interface ContinuedStream extends StreamInlet {
  /** Whether the stream has had video. */
  readonly hasVideo: boolean;
  /** The former source's unfinished messages are given up, and those behind them become readable now. */
  sourceLeft(): void;
}

/** How many headers are kept until the source takes over, and their sizes: as a stream keeps them for late players. */
const MAX_HEADERS = 64;
const MAX_HEADER_BYTES = 64 * 1024;

interface WholeMessage {
  readonly typeId: number;
  readonly timestamp: number;
  readonly payload: Buffer;
}

/**
 * The inlet of a source that is to continue a stream which another source still feeds. Its frames are left out until
 * its first keyframe; from there on, it alone feeds the stream. So viewers get the last frames of the former source and
 * the first of the next one, without a gap or a repetition.
 */
export class NextSource implements StreamInlet {
  readonly #stream: ContinuedStream;
  readonly #takeOver: (withVideo: boolean, feed: () => void) => void;
  readonly #tag = new MediaTag();
  readonly #headers = new Map<number, WholeMessage>();
  #description: { readonly timestamp: number; readonly message: DataMessage } | undefined;
  #state: 'waiting' | 'feeding' | 'abandoned' = 'waiting';
  readonly #keyframeWait = new KeyframeWait();

  /**
   * @param takeOver makes this source the only one that feeds the stream, beginning with the messages that `feed` adds;
   * `withVideo` false: the source sends no video, so there is no keyframe to wait for
   */
  constructor(
    readonly publisher: Publisher,
    stream: ContinuedStream,
    takeOver: (withVideo: boolean, feed: () => void) => void,
  ) {
    this.#stream = stream;
    this.#takeOver = takeOver;
    this.#keyframeWait.begin(true);
  }

  /** The source is not to continue the stream after all. No effect once it has taken over. */
  abandon(): void {
    if (this.#state === 'waiting') this.#state = 'abandoned';
    this.#headers.clear();
  }

  openMedia(typeId: number, timestamp: number, length: number): PayloadSink {
    if (this.#state === 'feeding') return this.#stream.openMedia(typeId, timestamp, length);
    if (this.#state === 'abandoned') return discardingSink;
    return new FrameSink(length, (payload) => this.appendMedia(typeId, timestamp, payload));
  }

  appendMedia(typeId: number, timestamp: number, payload: Buffer): void {
    if (this.#state === 'waiting') this.#consider({ typeId, timestamp, payload });
    else if (this.#state === 'feeding') this.#stream.appendMedia(typeId, timestamp, payload);
  }

  appendData(timestamp: number, message: DataMessage): void {
    if (this.#state === 'feeding') this.#stream.appendData(timestamp, message);
    else if (message.isMetadata) this.#description = { timestamp, message };
  }

  #consider(message: WholeMessage): void {
    const { typeId, timestamp, payload } = message;
    const tag = this.#tag;
    if (typeId === MessageType.Video) readVideoTag(payload, 0, payload.length, tag);
    else readAudioTag(payload, 0, payload.length, tag);
    const { flags } = tag;
    if ((flags & MediaFlag.Config) !== 0) {
      if (payload.length > MAX_HEADER_BYTES || this.#headers.size >= MAX_HEADERS) return;
      // Deleted first, so that the newest comes last: headers of many tracks may repeat those of single tracks.
      this.#headers.delete(tag.configKey);
      this.#headers.set(tag.configKey, message);
      return;
    }
    if (this.#stream.hasVideo && this.#keyframeWait.holds(timestamp, flags)) return;
    this.#state = 'feeding';
    this.#takeOver((flags & MediaFlag.Keyframe) !== 0, () => this.#feed(message));
  }

  #feed(message: WholeMessage): void {
    if (this.#description !== undefined) {
      this.#stream.appendData(this.#description.timestamp, this.#description.message);
    }
    for (const header of this.#headers.values()) this.#append(header);
    this.#append(message);
    this.#description = undefined;
    this.#headers.clear();
  }

  #append({ typeId, timestamp, payload }: WholeMessage): void {
    this.#stream.appendMedia(typeId, timestamp, payload);
  }
}

/** Takes a frame to the source that it belongs to. */
class FrameSink extends CollectingSink {
  readonly #complete: (payload: Buffer) => void;

  constructor(length: number, complete: (payload: Buffer) => void) {
    super(length);
    this.#complete = complete;
  }

  complete(): void {
    this.#complete(this.payload);
  }
}
