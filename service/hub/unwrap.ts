import { decodeMessage, encodeMessage } from '../protocol/chunk/chunk-writer';
import { mainTrackAlone } from '../protocol/media/main-track';
import type { MediaTag } from '../protocol/media/media-tag';
import { MessageType } from '../protocol/message-types';
import { SHARED_STREAM_ID } from './open-message';

/**
 * The main track's part of an encoded message, encoded as well, for players without multitrack support; the message
 * itself when it is no multitrack packet. Undefined when it contains nothing of the main track.
 *
 * @param chunkSize of the encoded message
 * @param tag knows which tracks are the main ones
 */
export function unwrapMainTrack(encoded: Buffer, chunkSize: number, tag: MediaTag): Buffer | undefined {
  const { timestamp, typeId, payload } = decodeMessage(encoded, chunkSize);
  const video = typeId === MessageType.Video;
  const part = mainTrackAlone(payload, video, video ? tag.mainVideoTrack : tag.mainAudioTrack);
  if (part === payload || part === undefined) return part && encoded;
  return encodeMessage(encoded[0]!, timestamp, typeId, SHARED_STREAM_ID, part, chunkSize);
}
