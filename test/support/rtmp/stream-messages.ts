import { MediaFlag, MediaTag, readAudioTag, readVideoTag } from '../../../service/protocol/media/media-tag';
import { MessageType } from '../../../service/protocol/message-types';
import type { MediaMessage } from '../../../service/outputs/stream/output';
import { mediaOfFlv } from './flv-file';

/** Makes the messages of one stream as outputs get them. */
export class MessageMaker {
  readonly #tag = new MediaTag();

  video(payload: Buffer, timestamp: number): MediaMessage {
    readVideoTag(payload, 0, payload.length, this.#tag);
    return { typeId: MessageType.Video, payload, timestamp, flags: this.#tag.flags };
  }

  audio(payload: Buffer, timestamp: number): MediaMessage {
    readAudioTag(payload, 0, payload.length, this.#tag);
    return { typeId: MessageType.Audio, payload, timestamp, flags: this.#tag.flags };
  }

  data(payload: Buffer, timestamp: number): MediaMessage {
    return { typeId: MessageType.DataAmf0, payload, timestamp, flags: MediaFlag.Data };
  }
}

/** The audio and video of an FLV file as an output gets them, `shiftMs` later. */
export function messagesOfFlv(path: string, shiftMs = 0): MediaMessage[] {
  const maker = new MessageMaker();
  return mediaOfFlv(path).map(({ kind, payload, timestamp }) =>
    kind === 'video' ? maker.video(payload, timestamp + shiftMs) : maker.audio(payload, timestamp + shiftMs),
  );
}
