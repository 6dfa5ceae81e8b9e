import { codecName, MediaFlag, MediaTag, readAudioTag, readVideoTag } from '../../protocol/media/media-tag';
import { MessageType } from '../../protocol/message-types';
import type { MediaMessage } from '../stream/output';

/**
 * What a message is to the headers known so far. `frame`: no header. `repeated`: a header as it was before, or metadata.
 * `added`: the first header of a track. `changed`: a header with other contents. `codec`: a frame of another codec.
 */
export type HeaderChange = 'frame' | 'repeated' | 'added' | 'changed' | 'codec';

/** Bounds what a publisher can have kept. */
const MAX_HEADERS = 64;
const ON_METADATA = Buffer.concat([Buffer.of(2, 0, 10), Buffer.from('onMetaData')]);

interface Header {
  readonly message: MediaMessage;
  readonly codec: number;
}

/** The metadata and sequence headers of a stream: what every file begins with. */
export class StreamHeaders {
  #metadata: MediaMessage | undefined;
  readonly #headers = new Map<number, Header>();
  readonly #tag = new MediaTag();
  #video = -1;
  #audio = -1;
  /** Names of the main tracks' codecs; empty: none has come. */
  video = '';
  audio = '';

  note(message: MediaMessage): HeaderChange {
    const { typeId, payload, flags } = message;
    const isVideo = typeId === MessageType.Video;
    if (!isVideo && typeId !== MessageType.Audio) return this.#noteData(message);
    if (payload.length === 0) return 'frame';
    const tag = this.#tag;
    if (isVideo) readVideoTag(payload, 0, payload.length, tag);
    else readAudioTag(payload, 0, payload.length, tag);
    const isOther = this.#noteCodec(tag.codec, isVideo);
    if ((flags & MediaFlag.Config) === 0) return isOther ? 'codec' : 'frame';
    return this.#noteHeader(message, tag, isOther);
  }

  /** Metadata, then the headers in the order in which they first came. */
  list(): MediaMessage[] {
    const headers = [...this.#headers.values()].map(({ message }) => message);
    return this.#metadata === undefined ? headers : [this.#metadata, ...headers];
  }

  #noteData(message: MediaMessage): HeaderChange {
    if (!message.payload.subarray(0, ON_METADATA.length).equals(ON_METADATA)) return 'frame';
    this.#metadata = message;
    return 'repeated';
  }

  /** Whether the main track has another codec than before. */
  #noteCodec(codec: number, isVideo: boolean): boolean {
    const before = isVideo ? this.#video : this.#audio;
    if (codec < 0 || codec === before) return false;
    const name = codecName(codec, isVideo);
    const isSameName = name === (isVideo ? this.video : this.audio);
    if (isVideo) [this.#video, this.video] = [codec, name];
    else [this.#audio, this.audio] = [codec, name];
    if (before < 0 || isSameName) return false;
    for (const [key, header] of this.#headers) {
      const isSame = header.message.typeId === (isVideo ? MessageType.Video : MessageType.Audio);
      if (isSame && header.codec === before) this.#headers.delete(key);
    }
    return true;
  }

  #noteHeader(message: MediaMessage, { configKey, codec }: MediaTag, isOther: boolean): HeaderChange {
    const before = this.#headers.get(configKey);
    if (before?.message.payload.equals(message.payload) === true) return 'repeated';
    if (before === undefined && this.#headers.size >= MAX_HEADERS) return 'frame';
    this.#headers.set(configKey, { message, codec });
    // Descriptions such as HDR metadata may change within a file.
    if ((message.flags & MediaFlag.SequenceHeader) === 0) return 'repeated';
    return before === undefined && !isOther ? 'added' : 'changed';
  }
}
