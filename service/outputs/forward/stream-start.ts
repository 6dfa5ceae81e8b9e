import { codecName, MediaFlag, MediaTag, readAudioTag, readVideoTag } from '../../protocol/media/media-tag';
import { MessageType } from '../../protocol/message-types';
import type { MediaMessage } from '../stream/output';

/** More configurations than any stream has: tracks that come and go must not fill the memory. */
const MAX_HEADERS = 64;
/** `onMetaData` as AMF0 text: how the payload of the stream's description begins. */
const ON_METADATA = Buffer.from('\x02\x00\x0aonMetaData', 'latin1');

interface Header {
  readonly message: MediaMessage;
  /** Empty: of a track that is not the main one. */
  readonly codec: string;
}

/** Looks at all messages of a stream and keeps what a target needs before the first frame: description and headers. */
export class StreamStart {
  /** Of the message that `look` or `read` got last. */
  readonly tag = new MediaTag();
  metadata: MediaMessage | undefined;
  /** Whether the stream has video; audio alone need not wait for keyframes. */
  hasVideo = false;
  /** The codecs in the headers, as text: another text, another codec. */
  codecs = '';
  readonly #headers = new Map<number, Header>();
  #sorted: readonly MediaMessage[] = [];

  /** A message of the stream has come. */
  look(message: MediaMessage): void {
    this.read(message);
    const { typeId, payload } = message;
    if (typeId === MessageType.Video) this.hasVideo = true;
    else if (typeId === MessageType.DataAmf0) {
      if (isMetadata(payload)) this.metadata = message;
      return;
    }
    if ((this.tag.flags & MediaFlag.Config) === 0) return;
    const { configKey } = this.tag;
    const codec = codecName(this.tag.codec, typeId === MessageType.Video);
    this.#forgetOthers(typeId, codec);
    if (this.#headers.size >= MAX_HEADERS && !this.#headers.has(configKey)) return;
    this.#headers.set(configKey, { message, codec });
    const sorted = [...this.#headers].sort(([a], [b]) => a - b).map(([, header]) => header);
    this.#sorted = sorted.map((header) => header.message);
    this.codecs = sorted.map((header) => `${header.message.typeId}${header.codec}`).join();
  }

  /** What is left of the codec that the main track had before: colours, say, which no header of the new one replaces. */
  #forgetOthers(typeId: number, codec: string): void {
    if (codec === '') return;
    for (const [key, header] of this.#headers) {
      if (header.message.typeId === typeId && header.codec !== '' && header.codec !== codec) this.#headers.delete(key);
    }
  }

  /** Sets `tag` to that of a message. */
  read({ typeId, payload }: MediaMessage): void {
    if (typeId === MessageType.Video) readVideoTag(payload, 0, payload.length, this.tag);
    else if (typeId === MessageType.Audio) readAudioTag(payload, 0, payload.length, this.tag);
    else this.tag.flags = MediaFlag.Data;
  }

  /** Audio before video, by track. */
  get headers(): readonly MediaMessage[] {
    return this.#sorted;
  }
}

/** Whether a data message is the stream's description. */
export function isMetadata(payload: Buffer): boolean {
  return payload.length > ON_METADATA.length && payload.subarray(0, ON_METADATA.length).equals(ON_METADATA);
}
