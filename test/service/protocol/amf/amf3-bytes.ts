/** Writes AMF3 part by part, so that tests decide which values are references and which are inline. */

export type Bytes = readonly number[];

/** U29 in its shortest form (AMF3 specification, 1.3.1). */
export function u29(value: number): Bytes {
  if (value < 0x80) return [value];
  if (value < 0x4000) return [0x80 | (value >> 7), value & 0x7f];
  if (value < 0x200000) return [0x80 | (value >> 14), 0x80 | ((value >> 7) & 0x7f), value & 0x7f];
  return [0x80 | (value >> 22), 0x80 | ((value >> 15) & 0x7f), 0x80 | ((value >> 8) & 0x7f), value & 0xff];
}

export const inline = (count: number): Bytes => u29(count * 2 + 1);
export const reference = (index: number): Bytes => u29(index * 2);
export const double = (value: number): Bytes => [...Buffer.from(new Float64Array([value]).buffer)].reverse();

/** A string without its marker, as keys and class names are written. */
export const text = (value: string): Bytes => [...inline(Buffer.byteLength(value)), ...Buffer.from(value)];
export const noMoreKeys: Bytes = [0x01];

export const integerValue = (value: number): Bytes => [0x04, ...u29(value & 0x1fffffff)];
export const doubleValue = (value: number): Bytes => [0x05, ...double(value)];
export const textValue = (value: string): Bytes => [0x06, ...text(value)];
export const nullValue: Bytes = [0x01];

/** Traits sent inline: class name, flags and the names of the sealed members. */
export function traits(className: string, names: readonly string[], dynamic: boolean): Bytes {
  return [...u29((names.length << 4) | (dynamic ? 0b1011 : 0b0011)), ...text(className), ...names.flatMap(text)];
}
export const traitsReference = (index: number): Bytes => u29((index << 2) | 0b01);

/** The AMF0 marker that announces one AMF3 value, then the value. */
export const inAmf0 = (...parts: Bytes[]): Buffer => Buffer.from([0x11, ...parts.flat()]);
