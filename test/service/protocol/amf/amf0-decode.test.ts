import { inspect } from 'node:util';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { decodeAmf0, decodeAmf0Prefix } from '../../../../service/protocol/amf/amf0-decode';
import { encodeAmf0 } from '../../../../service/protocol/amf/amf0-encode';
import { AmfEcmaArray, type AmfValue } from '../../../../service/protocol/amf/amf-value';
import { ProtocolError, type ProtocolErrorCode } from '../../../../service/protocol/protocol-errors';
import { amf0Vectors } from '../../../vectors/amf0-vectors';

const hex = (text: string): Buffer => Buffer.from(text.replace(/\s+/g, ''), 'hex');
const repeated = (text: string, times: number): Buffer => Buffer.concat(Array<Buffer>(times).fill(hex(text)));

/** The code of the fault, or `undefined`; anything but a ProtocolError fails the test. */
function faultOf(bytes: Uint8Array): ProtocolErrorCode | undefined {
  try {
    decodeAmf0(bytes);
    return undefined;
  } catch (error) {
    if (error instanceof ProtocolError) return error.code;
    throw error;
  }
}

describe('AMF0 values', () => {
  test.each(amf0Vectors)('$name', ({ hex: bytes, values }) => {
    expect(decodeAmf0(hex(bytes))).toStrictEqual(values);
  });

  test.each(amf0Vectors)('$name, cut anywhere, is a fault or fewer values', ({ hex: bytes, values }) => {
    const whole = hex(bytes);
    for (let end = 0; end < whole.length; end++) {
      const fault = faultOf(whole.subarray(0, end));
      if (fault === undefined) expect(decodeAmf0(whole.subarray(0, end)).length).toBeLessThan(values.length);
      else expect(fault).toBe('truncated');
    }
  });

  test('bytes in front of the offset are not read', () => {
    expect(decodeAmf0(hex('ff ff 05'), 2)).toEqual([null]);
    expect(decodeAmf0(hex('05'), 1)).toEqual([]);
  });

  test('a plain Uint8Array into a larger buffer is read in place', () => {
    expect(decodeAmf0(new Uint8Array([0xff, 2, 0, 1, 0x61, 0xff]).subarray(1, 5))).toEqual(['a']);
  });

  test('a key named __proto__ is a key like any other', () => {
    const [object] = decodeAmf0(hex('03 0009 5f5f70726f746f5f5f 03 0001 61 01 01 0000 09 0000 09'));
    expect(object).toEqual(new Map([['__proto__', new Map([['a', true]])]]));
    expect(({} as { a?: unknown }).a).toBeUndefined();
  });

  test('an object and an ECMA array keep their form', () => {
    const [object, array] = decodeAmf0(hex('03 0000 09 08 00000000 0000 09'));
    expect(object).not.toBeInstanceOf(AmfEcmaArray);
    expect(array).toBeInstanceOf(AmfEcmaArray);
    expect(array).toBeInstanceOf(Map);
  });
});

describe('AMF0 faults', () => {
  test.each([0x04, 0x09, 0x0e, 0x12, 0xff])('marker %i is refused', (marker) => {
    expect(faultOf(Buffer.from([marker, 0, 0, 0, 0, 0, 0, 0, 0]))).toBe('amf_bad_marker');
  });

  test('a length past the end is refused', () => {
    expect(faultOf(hex('0c ffffffff 61'))).toBe('truncated');
    expect(faultOf(hex('02 ffff 61'))).toBe('truncated');
    expect(faultOf(hex('0a 00000400 05'))).toBe('truncated');
  });

  test('a count past the limit is refused before anything is read', () => {
    expect(faultOf(hex('0a ffffffff'))).toBe('amf_too_many_entries');
  });

  test('16 containers inside each other are read, 17 are refused, however many there are', () => {
    const arrays = (depth: number): Buffer => Buffer.concat([repeated('0a 00000001', depth), hex('05')]);
    const objects = (depth: number): Buffer =>
      Buffer.concat([repeated('03 0001 61', depth), hex('05'), repeated('0000 09', depth)]);
    expect(faultOf(arrays(16))).toBeUndefined();
    expect(faultOf(objects(16))).toBeUndefined();
    expect(faultOf(arrays(17))).toBe('amf_too_deep');
    expect(faultOf(objects(17))).toBe('amf_too_deep');
    expect(faultOf(repeated('03 0001 61', 1_000_000))).toBe('amf_too_deep');
    expect(faultOf(repeated('0a 00000001', 1_000_000))).toBe('amf_too_deep');
    expect(faultOf(repeated('08 00000001 0001 61', 1_000_000))).toBe('amf_too_deep');
  });

  test('a reference counts with the levels of what it repeats', () => {
    const nested = (depth: number, inner: string): Buffer =>
      Buffer.concat([repeated('03 0001 61', depth), hex(inner), repeated('0000 09', depth)]);
    const within = (depth: number): Buffer => Buffer.concat([nested(10, '05'), nested(depth, '07 0000')]);
    expect(faultOf(within(6))).toBeUndefined();
    expect(faultOf(within(7))).toBe('amf_too_deep');
    // The levels of a reference count in what is referred to in its turn.
    const twice = Buffer.concat([nested(6, '05'), nested(6, '07 0000'), nested(5, '07 0006')]);
    expect(faultOf(twice)).toBe('amf_too_deep');
  });

  test('AMF0 and AMF3 containers count together', () => {
    const mixed = (depth3: number): Buffer =>
      Buffer.concat([repeated('0a 00000001', 10), hex('11'), repeated('09 03 01', depth3), hex('01')]);
    expect(faultOf(mixed(6))).toBeUndefined();
    expect(faultOf(mixed(7))).toBe('amf_too_deep');
  });

  test('4096 values are read, 4097 are refused, and each call counts anew', () => {
    expect(decodeAmf0(repeated('05', 4096))).toHaveLength(4096);
    expect(decodeAmf0(repeated('05', 4096))).toHaveLength(4096);
    expect(faultOf(repeated('05', 4097))).toBe('amf_too_many_entries');
    expect(faultOf(Buffer.concat([hex('03'), repeated('0001 61 05', 5000)]))).toBe('amf_too_many_entries');
  });

  test('a reference to nothing, or to the container it stands in, is refused', () => {
    expect(faultOf(hex('07 0000'))).toBe('amf_bad_reference');
    expect(faultOf(hex('03 0001 61 07 0000 0000 09'))).toBe('amf_bad_reference');
    expect(faultOf(hex('0a 00000001 07 0000'))).toBe('amf_bad_reference');
  });

  test('references cannot blow a value up: what they stand for counts again', () => {
    // Each array holds the previous array twice: 2^n values when written out.
    const doubling = Array.from({ length: 14 }, (_, i) => (i === 0 ? '0a 00000001 05' : `0a 00000002 ${twice(i - 1)}`));
    expect(faultOf(hex(doubling.slice(0, 10).join('')))).toBeUndefined();
    expect(faultOf(hex(doubling.join('')))).toBe('amf_too_many_entries');
  });

  test('references cannot repeat a long text without end', () => {
    const text = Buffer.alloc(65535, 0x61);
    const object = Buffer.concat([hex('03 0001 61 02 ffff'), text, hex('0000 09')]);
    expect(faultOf(Buffer.concat([object, repeated('07 0000', 16)]))).toBeUndefined();
    expect(faultOf(Buffer.concat([object, repeated('07 0000', 17)]))).toBe('amf_too_many_entries');
  });

  function twice(index: number): string {
    const reference = `07 ${index.toString(16).padStart(4, '0')}`;
    return `${reference} ${reference}`;
  }
});

describe('AMF0 with a fault at its end', () => {
  test('all that comes before the fault is there', () => {
    const { values, error } = decodeAmf0Prefix(hex('02 0001 61 00 3ff0000000000000 05 ff 05'));
    expect(values).toEqual(['a', 1, null]);
    expect(error?.code).toBe('amf_bad_marker');
  });

  test('no fault, no error', () => {
    expect(decodeAmf0Prefix(hex('05 05'), 1)).toEqual({ values: [null] });
  });

  test.each(['', '00', '0000'])('an object whose end marker is cut to "%s" is taken as sent', (rest) => {
    const open = '03 0001 61 01 01 0001 6f 08 00000001 0001 62 05';
    expect(decodeAmf0Prefix(hex(open + rest))).toEqual({
      values: [
        new Map<string, AmfValue>([
          ['a', true],
          ['o', new AmfEcmaArray([['b', null]])],
        ]),
      ],
    });
    expect(faultOf(hex(open + rest))).toBe('truncated');
  });

  test('an object cut inside a value is left out', () => {
    const { values, error } = decodeAmf0Prefix(hex('05 03 0001 61 00 3ff0'));
    expect(values).toEqual([null]);
    expect(error?.code).toBe('truncated');
  });

  test('the limits hold', () => {
    expect(decodeAmf0Prefix(repeated('0a 00000001', 100_000)).error?.code).toBe('amf_too_deep');
    expect(decodeAmf0Prefix(repeated('05', 5000)).error?.code).toBe('amf_too_many_entries');
    expect(decodeAmf0Prefix(repeated('05', 5000)).values).toHaveLength(4096);
  });
});

describe('hostile AMF', () => {
  const markers = fc.uint8Array({ maxLength: 200 }).map((bytes) => bytes.map((byte) => byte % 0x14));
  const mutated = fc
    .tuple(fc.constantFrom(...amf0Vectors), fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 }))
    .map(([vector, changes]) => {
      const bytes = hex(vector.hex);
      for (const [place, byte] of changes) bytes[place % bytes.length] = byte;
      return bytes;
    });

  test('any bytes give values or a ProtocolError', () => {
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 200 }), markers, mutated), (bytes) => {
        faultOf(bytes);
      }),
      { numRuns: 2000 },
    );
  });

  test('the lenient reading never throws and agrees with the strict one where that succeeds', () => {
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 200 }), markers, mutated), (bytes) => {
        const prefix = decodeAmf0Prefix(bytes);
        if (faultOf(bytes) !== undefined) return;
        // As text, because two dates of NaN are never equal.
        expect(inspect(prefix, { depth: null })).toBe(inspect({ values: decodeAmf0(bytes) }, { depth: null }));
      }),
      { numRuns: 1000 },
    );
  });

  test('what was read can be walked and written again: no value contains itself', () => {
    fc.assert(
      fc.property(markers, (bytes) => {
        try {
          encodeAmf0(decodeAmf0Prefix(Buffer.from(bytes)).values);
        } catch (error) {
          expect(error).toBeInstanceOf(TypeError); // a byte array of AMF3
        }
      }),
      { numRuns: 1000 },
    );
  });
});
