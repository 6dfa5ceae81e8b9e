import { AmfEcmaArray, type AmfObject, type AmfValue } from './amf-value';
import { AmfWriter } from './amf-writer';

const MAX_SHORT_STRING_BYTES = 0xffff;

/**
 * Writes values in AMF0, in their order (AMF0 specification, 2.1 to 2.18). A Map becomes an object, an AmfEcmaArray an
 * ECMA array, a JavaScript array a strict array, text above 65535 bytes a long string.
 *
 * @throws {TypeError} for a byte array, which AMF0 has no marker for.
 * @throws {RangeError} for a key above 65535 bytes, and for a value that contains itself.
 */
export function encodeAmf0(values: readonly AmfValue[]): Buffer {
  const writer = new AmfWriter();
  for (const value of values) writeValue(writer, value);
  return writer.finish();
}

function writeValue(writer: AmfWriter, value: AmfValue): void {
  if (value === undefined) writer.u8(0x06);
  else if (value === null) writer.u8(0x05);
  else if (typeof value === 'number') {
    writer.u8(0x00);
    writer.double(value);
  } else if (typeof value === 'boolean') {
    writer.u8(0x01);
    writer.u8(value ? 1 : 0);
  } else if (typeof value === 'string') writeString(writer, value);
  else if (Array.isArray(value)) {
    writer.u8(0x0a);
    writer.u32(value.length);
    for (const item of value) writeValue(writer, item);
  } else if (value instanceof AmfEcmaArray) {
    writer.u8(0x08);
    writer.u32(value.size);
    writeProperties(writer, value);
  } else if (value instanceof Map) {
    writer.u8(0x03);
    writeProperties(writer, value);
  } else if (value instanceof Date) {
    writer.u8(0x0b);
    writer.double(value.getTime());
    writer.u16(0); // time zone, reserved
  } else throw new TypeError('AMF0 has no form for this value');
}

function writeString(writer: AmfWriter, text: string): void {
  const byteLength = Buffer.byteLength(text);
  if (byteLength > MAX_SHORT_STRING_BYTES) {
    writer.u8(0x0c);
    writer.u32(byteLength);
  } else {
    writer.u8(0x02);
    writer.u16(byteLength);
  }
  writer.utf8(text, byteLength);
}

function writeProperties(writer: AmfWriter, object: AmfObject): void {
  for (const [key, value] of object) {
    const byteLength = Buffer.byteLength(key);
    if (byteLength > MAX_SHORT_STRING_BYTES) throw new RangeError('AMF0 key past 65535 bytes');
    writer.u16(byteLength);
    writer.utf8(key, byteLength);
    writeValue(writer, value);
  }
  writer.u16(0);
  writer.u8(0x09);
}
