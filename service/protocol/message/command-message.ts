import { decodeAmf0Prefix } from '../amf/amf0-decode';
import type { AmfObject, AmfValue } from '../amf/amf-value';
import { MessageType } from '../message-types';

/** A remote call (RTMP 1.0 section 7.2): its name, the id that the answer must repeat (0: no answer) and arguments. */
export interface CommandMessage {
  readonly name: string;
  readonly transactionId: number;
  /** The first argument: `connect`'s properties, null in most other commands. */
  readonly object: AmfValue;
  readonly args: readonly AmfValue[];
}

/**
 * AMF3 messages (types 15 and 17) start with a format byte 0 and continue in AMF0, whose marker 0x11 switches to AMF3.
 * Returns the offset at which AMF0 begins.
 */
export function amf0Offset(typeId: number, payload: Buffer): number {
  const amf3 = typeId === MessageType.CommandAmf3 || typeId === MessageType.DataAmf3;
  return amf3 && payload[0] === 0 ? 1 : 0;
}

/**
 * Reads a command; undefined when its name cannot be read. Everything after an unreadable argument is left out:
 * encoders append odd bytes to commands of which only the beginning matters.
 */
export function decodeCommand(typeId: number, payload: Buffer): CommandMessage | undefined {
  const { values } = decodeAmf0Prefix(payload, amf0Offset(typeId, payload));
  const [name, transactionId, object, ...args] = values;
  if (typeof name !== 'string') return undefined;
  return { name, transactionId: typeof transactionId === 'number' ? transactionId : 0, object, args };
}

/** The value as an object, whichever of AMF's object forms it came in. */
export function asObject(value: AmfValue): AmfObject | undefined {
  return value instanceof Map ? value : undefined;
}

/** The value as text; undefined when it is none. */
export function asString(value: AmfValue): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
