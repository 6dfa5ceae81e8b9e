import { decodeAmf0Prefix } from '../amf/amf0-decode';
import { encodeAmf0 } from '../amf/amf0-encode';
import type { AmfObject } from '../amf/amf-value';
import { amf0Offset, asObject } from './command-message';

/** A data message as players are to get it. */
export interface DataMessage {
  /** AMF0, without the `@setDataFrame` wrapper. */
  readonly payload: Buffer;
  /** Whether it is the stream's description, which late players need. */
  readonly isMetadata: boolean;
  /** The handler that it calls, such as `onMetaData`. */
  readonly name: string;
  /** The values of `onMetaData`, as far as they could be read. */
  readonly metadata: AmfObject | undefined;
}

/** The length of the AMF0 string `@setDataFrame`. */
const SET_DATA_FRAME_BYTES = encodeAmf0(['@setDataFrame']).length;

/**
 * Reads a data message (types 15 and 18). `@setDataFrame` is an order to the server to keep what follows; it is taken
 * off, the rest goes to players byte for byte. Undefined for a message that no player should see: empty, not starting
 * with a name, or `@clearDataFrame`.
 */
export function readDataMessage(typeId: number, payload: Buffer): DataMessage | undefined {
  const offset = amf0Offset(typeId, payload);
  const { values } = decodeAmf0Prefix(payload, offset);
  const wrapped = values[0] === '@setDataFrame';
  const name = wrapped ? values[1] : values[0];
  if (typeof name !== 'string' || name === '@clearDataFrame') return undefined;
  const isMetadata = name === 'onMetaData';
  return {
    payload: payload.subarray(offset + (wrapped ? SET_DATA_FRAME_BYTES : 0)),
    isMetadata,
    name,
    metadata: isMetadata ? asObject(values[wrapped ? 2 : 1]) : undefined,
  };
}
