import { ChunkReader, type MessageReceiver, PUBLISHER_LIMITS } from '../../protocol/chunk/chunk-reader';
import { setChunkSize } from '../../protocol/message/control-messages';

const FLV_HEADER = Buffer.from([0x46, 0x4c, 0x56, 1, 0b101, 0, 0, 0, 9, 0, 0, 0, 0]);
const TAG_HEADER_BYTES = 11;
const TAG_END_BYTES = 4;

/**
 * An FLV file of encoded messages, with all timestamps 0.
 *
 * @param encoded messages as players get them; may be overwritten
 * @param chunkSize the outgoing chunk size
 */
export function flvFile(encoded: Buffer, chunkSize: number): Buffer {
  const parts: Buffer[] = [FLV_HEADER];
  const message: MessageReceiver['message'] = ({ typeId }, payload) => {
    const tag = Buffer.alloc(TAG_HEADER_BYTES + payload.length + TAG_END_BYTES);
    tag[0] = typeId;
    tag.writeUIntBE(payload.length, 1, 3);
    payload.copy(tag, TAG_HEADER_BYTES);
    tag.writeUInt32BE(TAG_HEADER_BYTES + payload.length, TAG_HEADER_BYTES + payload.length);
    parts.push(tag);
  };
  const reader = new ChunkReader({ openMessage: () => null, message }, PUBLISHER_LIMITS);
  for (const bytes of [setChunkSize(chunkSize), encoded]) reader.read(bytes, 0, bytes.length);
  return Buffer.concat(parts);
}
