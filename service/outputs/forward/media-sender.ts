import { encodeAmf0 } from '../../protocol/amf/amf0-encode';
import { ChunkStreamId } from '../../protocol/chunk/chunk-writer';
import { MediaFlag } from '../../protocol/media/media-tag';
import { MessageType } from '../../protocol/message-types';
import type { MediaMessage } from '../stream/output';
import { ForwardClock } from './forward-clock';
import { isMetadata, type StreamStart } from './stream-start';
import type { TargetConnection } from './target-connection';
import { CodecNotTaken, formForTarget } from './target-form';
import type { TargetSupport } from './target-support';

/** A keyframe, and all that follows it, is left out when the target is behind by this much. */
const BEHIND_BYTES = 4 * 1024 * 1024;
const BEHIND_MS = 4_000;
/** The rest of a group of pictures is left out when the target is behind by this much. */
const FAR_BEHIND_BYTES = 2 * BEHIND_BYTES;
const FAR_BEHIND_MS = 10_000;
/** Audio is sent without video when no keyframe has come for this long (ms of the stream). */
const AUDIO_ALONE_MS = 10_000;
/** Tells a server to keep the description for those who play later. */
const SET_DATA_FRAME = encodeAmf0(['@setDataFrame']);

/** Waiting for the first keyframe; sending; leaving out, until a keyframe, because the target or the source is behind. */
type Gate = 'start' | 'open' | 'behind' | 'gap';

export interface SenderEvents {
  /** A frame was left out. */
  dropped(): void;
  /** Frames are sent again, after so much of the stream was left out because the target was slow (ms). */
  caughtUp(missingMs: number): void;
  /** Whatever comes next of this codec, the target does not take it. */
  notTaken(codec: string): void;
}

/** Sends a stream over one connection, from a keyframe on, and leaves out groups of pictures when the target is slow. */
export class MediaSender {
  readonly #clock = new ForwardClock();
  #gate: Gate = 'start';
  /** Video after the last gap has begun with a keyframe. */
  #hasKeyframe = false;
  /** Time of the stream (ms) at which this connection, or a gap, began; -1: not known yet. */
  #waitsSince = -1;

  constructor(
    private readonly connection: TargetConnection,
    private readonly support: TargetSupport,
    private readonly start: StreamStart,
    private readonly events: SenderEvents,
  ) {}

  /** The codec of the stream's headers that the target does not take. */
  codecNotTaken(): string | undefined {
    for (const header of this.start.headers) {
      this.start.read(header);
      const form = this.#form(header);
      if (form instanceof CodecNotTaken) return form.codec;
    }
    return undefined;
  }

  /** Sends a message that `start` has looked at. */
  write(message: MediaMessage): void {
    const { flags } = this.start.tag;
    if ((flags & (MediaFlag.Data | MediaFlag.Config)) !== 0) {
      if (this.#gate === 'open') this.#send(message, message.timestamp, true);
      return;
    }
    const isVideo = (flags & MediaFlag.Video) !== 0;
    const isEntry = (flags & MediaFlag.Keyframe) !== 0 || (!isVideo && this.#mayEnterWithAudio(message.timestamp));
    if (this.#gate === 'open') {
      if (isEntry && this.#isBehind(BEHIND_BYTES, BEHIND_MS)) this.#leaveOut('behind', message.timestamp);
    } else if (isEntry && !this.#isBehind(BEHIND_BYTES, BEHIND_MS)) this.#enter(message);
    if (isVideo && (flags & MediaFlag.Keyframe) !== 0) this.#hasKeyframe = this.#gate === 'open';
    if (this.#gate === 'open' && (!isVideo || this.#hasKeyframe)) this.#send(message, message.timestamp, false);
    else if (this.#gate !== 'start') this.events.dropped();
  }

  /** The end of a batch. */
  flush(): void {
    if (this.#gate === 'open' && this.#isBehind(FAR_BEHIND_BYTES, FAR_BEHIND_MS)) this.#leaveOut('behind', -1);
    this.connection.flush();
  }

  /** Part of the stream has not come. */
  gap(): void {
    if (this.#gate === 'open') this.#leaveOut('gap', -1);
  }

  #isBehind(bytes: number, ms: number): boolean {
    return this.connection.backlogBytes > bytes || this.connection.backlogMs() > ms;
  }

  #leaveOut(gate: Gate, timestamp: number): void {
    this.#gate = gate;
    this.#hasKeyframe = false;
    this.#waitsSince = timestamp;
  }

  #mayEnterWithAudio(timestamp: number): boolean {
    if (!this.start.hasVideo) return true;
    if (this.#gate === 'open') return false;
    if (this.#waitsSince < 0) this.#waitsSince = timestamp;
    return Math.abs(timestamp - this.#waitsSince) > AUDIO_ALONE_MS;
  }

  #enter(message: MediaMessage): void {
    const gate = this.#gate;
    const since = this.#waitsSince;
    this.#gate = 'open';
    this.#waitsSince = -1;
    if (gate === 'start') this.#clock.begin(message.timestamp);
    const { metadata, headers } = this.start;
    if (metadata !== undefined) this.#send(metadata, message.timestamp, true);
    for (const header of headers) {
      this.start.read(header);
      this.#send(header, message.timestamp, true);
    }
    this.start.read(message);
    if (gate === 'behind') this.events.caughtUp(since < 0 ? 0 : Math.max(0, message.timestamp - since));
  }

  /** Sends a message whose tag `start` has. */
  #send(message: MediaMessage, timestamp: number, isHeader: boolean): void {
    const { typeId } = message;
    let placed = this.#clock.place(timestamp);
    if (placed < 0) {
      if (!isHeader) return;
      placed = 0;
    }
    const form = this.#form(message);
    if (form === undefined) return;
    if (form instanceof CodecNotTaken) this.events.notTaken(form.codec);
    else this.connection.add(CHUNK_STREAM[typeId] ?? ChunkStreamId.Data, placed, typeId, form);
  }

  #form(message: MediaMessage): Buffer | CodecNotTaken | undefined {
    const { typeId, payload } = message;
    if (typeId === MessageType.DataAmf0) {
      return isMetadata(payload) ? Buffer.concat([SET_DATA_FRAME, payload]) : payload;
    }
    return formForTarget(payload, this.start.tag, this.support);
  }
}

const CHUNK_STREAM: Readonly<Record<number, number>> = {
  [MessageType.Audio]: ChunkStreamId.Audio,
  [MessageType.Video]: ChunkStreamId.Video,
  [MessageType.DataAmf0]: ChunkStreamId.Data,
};
