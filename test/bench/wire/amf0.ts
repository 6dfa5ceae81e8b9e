/**
 * The few AMF0 values that a load generator sends (strings, numbers, null, flat objects) and the two facts it reads
 * from an answer. Independent of the server's codec, so that a bug there cannot go unnoticed here.
 */
export type AmfValue = string | number | boolean | null | { readonly [key: string]: AmfValue };

const NUMBER = 0x00;
const BOOLEAN = 0x01;
const STRING = 0x02;
const OBJECT = 0x03;
const NULL = 0x05;
const OBJECT_END = Buffer.from([0, 0, 9]);

/** Encodes the values one after another, as a command message's payload needs them. */
export function encodeAmf0(values: readonly AmfValue[]): Buffer {
  return Buffer.concat(values.map(encodeValue));
}

function encodeValue(value: AmfValue): Buffer {
  if (value === null) return Buffer.from([NULL]);
  if (typeof value === 'boolean') return Buffer.from([BOOLEAN, value ? 1 : 0]);
  if (typeof value === 'string') return Buffer.concat([Buffer.from([STRING]), encodeKey(value)]);
  if (typeof value === 'number') {
    const bytes = Buffer.alloc(9);
    bytes[0] = NUMBER;
    bytes.writeDoubleBE(value, 1);
    return bytes;
  }
  const entries = Object.entries(value).flatMap(([key, item]) => [encodeKey(key), encodeValue(item)]);
  return Buffer.concat([Buffer.from([OBJECT]), ...entries, OBJECT_END]);
}

function encodeKey(text: string): Buffer {
  const utf8 = Buffer.from(text, 'utf8');
  const length = Buffer.alloc(2);
  length.writeUInt16BE(utf8.length);
  return Buffer.concat([length, utf8]);
}

/** An answer of the server, with only the parts that a streaming client needs. */
export interface CommandAnswer {
  readonly name: string;
  readonly transactionId: number;
  /** The number after the command object: createStream's message stream id. */
  readonly result: number | undefined;
  /** The `code` of an information object, as in NetStream.Play.Start. */
  readonly code: string | undefined;
}

/** Reads a command message. Throws RangeError when it is too short to hold a name and a transaction id. */
export function readCommand(payload: Buffer): CommandAnswer {
  const nameLength = payload.readUInt16BE(1);
  const name = payload.toString('utf8', 3, 3 + nameLength);
  const transactionId = payload.readDoubleBE(3 + nameLength + 1);
  const resultOffset = payload.length - 9;
  const endsInNumber = resultOffset > 3 + nameLength && payload[resultOffset] === NUMBER;
  return {
    name,
    transactionId,
    result: endsInNumber ? payload.readDoubleBE(resultOffset + 1) : undefined,
    code: stringProperty(payload, 'code'),
  };
}

function stringProperty(payload: Buffer, key: string): string | undefined {
  const marker = Buffer.concat([encodeKey(key), Buffer.from([STRING])]);
  const found = payload.indexOf(marker);
  if (found < 0) return undefined;
  const start = found + marker.length;
  return payload.toString('utf8', start + 2, start + 2 + payload.readUInt16BE(start));
}
