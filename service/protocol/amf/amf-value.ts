/**
 * A value of the Action Message Format (AMF0 and AMF3), as plain JavaScript.
 *
 * Objects and ECMA arrays keep their order of keys. `undefined` is AMF's undefined and unsupported marker.
 * XML documents are strings. A class name of a typed object is not kept. Readers that do not care whether a peer sent
 * an object or an ECMA array (`connect` and `onMetaData` come in both forms) test for `Map`, which both are.
 */
export type AmfValue =
  undefined | null | boolean | number | string | Date | Uint8Array | AmfEcmaArray | AmfValue[] | AmfObject;

/** An anonymous or typed object. A Map keeps hostile keys such as `__proto__` harmless. */
export type AmfObject = Map<string, AmfValue>;

/** An associative array (AMF0 marker 0x08): what most encoders use for onMetaData. Reading and writing keep the form. */
export class AmfEcmaArray extends Map<string, AmfValue> {}
