import { decodeAmf0Prefix } from '../amf/amf0-decode';
import { encodeAmf0 } from '../amf/amf0-encode';
import type { AmfObject, AmfValue } from '../amf/amf-value';
import { amf0Offset, asObject } from './command-message';
import { MessageType } from '../message-types';

/** A data message in the form that players get. */
export interface DataMessage {
  /** AMF0, without the `@setDataFrame` wrapper. */
  readonly payload: Buffer;
  /** Whether the message is the stream's description, which late players need. */
  readonly isMetadata: boolean;
  /** The handler that the message calls, such as `onMetaData`. */
  readonly name: string;
  /** The values of `onMetaData`, as far as they could be read. */
  readonly metadata: AmfObject | undefined;
}

/** As all encoders write it. A message with another form of it (a long string, AMF3) is encoded again without it. */
const SET_DATA_FRAME = encodeAmf0(['@setDataFrame']);
/** AMF0's marker for a value in AMF3 (AMF0 specification, 3.1). */
const AMF3_VALUE = 0x11;

/**
 * Reads a data message (types 15 and 18). `@setDataFrame` tells the server to keep the rest of the message: it is
 * removed, and the rest goes to players byte for byte. Players get all data as type 18, in which hardly any player
 * expects AMF3: AMF3 values of a type 15 message are encoded in AMF0, if AMF0 has a form for them. Undefined for a
 * message that no player should get: empty, not starting with a name, or `@clearDataFrame`.
 */
export function readDataMessage(typeId: number, payload: Buffer): DataMessage | undefined {
  const offset = amf0Offset(typeId, payload);
  const { values, error } = decodeAmf0Prefix(payload, offset);
  const wrapped = values[0] === '@setDataFrame';
  const content = wrapped ? values.slice(1) : values;
  const [name, object] = content;
  if (typeof name !== 'string' || name === '@clearDataFrame') return undefined;
  const plain = !wrapped || payload.subarray(offset, offset + SET_DATA_FRAME.length).equals(SET_DATA_FRAME);
  const asSent = plain ? payload.subarray(offset + (wrapped ? SET_DATA_FRAME.length : 0)) : undefined;
  const mixed = typeId === MessageType.DataAmf3 && error === undefined && payload.includes(AMF3_VALUE, offset);
  const forPlayers = mixed || asSent === undefined ? (inAmf0(content) ?? asSent) : asSent;
  if (forPlayers === undefined) return undefined;
  const isMetadata = name === 'onMetaData';
  return { payload: forPlayers, isMetadata, name, metadata: isMetadata ? asObject(object) : undefined };
}

/** Undefined when AMF0 has no form for one of the values. */
function inAmf0(values: readonly AmfValue[]): Buffer | undefined {
  try {
    return encodeAmf0(values);
  } catch (error) {
    if (error instanceof TypeError || error instanceof RangeError) return undefined;
    throw error;
  }
}
