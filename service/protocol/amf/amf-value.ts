/**
 * A value of the Action Message Format (AMF0 and AMF3), as plain JavaScript.
 *
 * Objects and ECMA arrays keep their order of keys. `undefined` is AMF's undefined and unsupported marker.
 * XML documents are strings. The class name of a typed object is not kept. Objects and ECMA arrays are both a `Map`,
 * for readers that accept either form (`connect` and `onMetaData` come in both).
 */
export type AmfValue =
  undefined | null | boolean | number | string | Date | Uint8Array | AmfEcmaArray | AmfValue[] | AmfObject;

/** An anonymous or typed object. A Map keeps hostile keys such as `__proto__` harmless. */
export type AmfObject = Map<string, AmfValue>;

/**
 * An associative array (AMF0 marker 0x08), which most encoders use for onMetaData. Reading and writing keep the form.
 */
export class AmfEcmaArray extends Map<string, AmfValue> {}
