import { ProtocolError } from '../protocol-errors';

/** Type, three bytes of length, four of timestamp, three of stream id. */
const ITEM_HEADER_BYTES = 11;
/** Each item is followed by its own length (FLV's PreviousTagSize). */
const BACK_POINTER_BYTES = 4;
/** A minute of audio has fewer parts. */
const MAX_PARTS = 4096;

/**
 * Splits an aggregate message (RTMP 1.0 section 7.1.6) and emits its parts. Their timestamps are relative to the first
 * part's, which corresponds to the aggregate's.
 *
 * @throws ProtocolError when a part reaches beyond the end, or there are more than 4,096
 */
export function splitAggregate(
  timestamp: number,
  payload: Buffer,
  emit: (typeId: number, timestamp: number, payload: Buffer) => void,
): void {
  let first: number | undefined;
  let at = 0;
  let parts = 0;
  while (at + ITEM_HEADER_BYTES <= payload.length) {
    const typeId = payload[at]!;
    const length = payload.readUIntBE(at + 1, 3);
    const time = payload.readUIntBE(at + 4, 3) + payload[at + 7]! * 0x1000000;
    const from = at + ITEM_HEADER_BYTES;
    if (from + length > payload.length) throw new ProtocolError('bad_aggregate', 'aggregate part reaches past its end');
    parts += 1;
    if (parts > MAX_PARTS) throw new ProtocolError('bad_aggregate', `aggregate of more than ${MAX_PARTS} parts`);
    first ??= time;
    emit(typeId, (timestamp + time - first) >>> 0, payload.subarray(from, from + length));
    at = from + length + BACK_POINTER_BYTES;
  }
}
