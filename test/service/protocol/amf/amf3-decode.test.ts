import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { decodeAmf0 } from '../../../../service/protocol/amf/amf0-decode';
import { AmfEcmaArray, type AmfValue } from '../../../../service/protocol/amf/amf-value';
import { ProtocolError, type ProtocolErrorCode } from '../../../../service/protocol/protocol-errors';
import {
  type Bytes,
  double,
  doubleValue,
  inAmf0,
  inline,
  integerValue,
  noMoreKeys,
  nullValue,
  reference,
  text,
  textValue,
  traits,
  traitsReference,
  u29,
} from './amf3-bytes';

const read = (...parts: Bytes[]): AmfValue => decodeAmf0(inAmf0(...parts))[0];

function faultOf(bytes: Uint8Array): ProtocolErrorCode | undefined {
  try {
    decodeAmf0(bytes);
    return undefined;
  } catch (error) {
    if (error instanceof ProtocolError) return error.code;
    throw error;
  }
}
const faultOfValue = (...parts: Bytes[]): ProtocolErrorCode | undefined => faultOf(inAmf0(...parts));

describe('simple AMF3 values', () => {
  test.each<[string, Bytes, AmfValue]>([
    ['undefined', [0x00], undefined],
    ['null', [0x01], null],
    ['false', [0x02], false],
    ['true', [0x03], true],
    ['double', doubleValue(-1.25), -1.25],
    ['string', textValue('grün'), 'grün'],
    ['empty string', textValue(''), ''],
    ['XML document', [0x07, ...text('<a/>')], '<a/>'],
    ['XML', [0x0b, ...text('<b/>')], '<b/>'],
    ['date', [0x08, 0x01, ...double(1e12)], new Date(1e12)],
    ['byte array', [0x0c, ...inline(3), 1, 2, 255], new Uint8Array([1, 2, 255])],
    ['vector of int', [0x0d, ...inline(2), 0, 0, 0, 0, 7, 0xff, 0xff, 0xff, 0xfe], [7, -2]],
    ['vector of uint', [0x0e, ...inline(1), 1, 0xff, 0xff, 0xff, 0xfe], [0xfffffffe]],
    ['vector of double', [0x0f, ...inline(1), 0, ...double(0.5)], [0.5]],
    ['vector of objects', [0x10, ...inline(2), 0, ...text('Any'), ...nullValue, 0x03], [null, true]],
  ])('%s', (_name, bytes, expected) => {
    expect(read(bytes)).toStrictEqual(expected);
  });

  // The boundaries of the table in 1.3.1 of the AMF3 specification.
  test.each([0, 1, 0x7f, 0x80, 0x3fff, 0x4000, 0x1fffff, 0x200000, 0xfffffff, -1, -0x10000000])(
    'integer %i',
    (value) => {
      expect(read(integerValue(value))).toBe(value);
    },
  );

  test('every integer of 29 bits is read', () => {
    fc.assert(
      fc.property(fc.integer({ min: -0x10000000, max: 0xfffffff }), (value) => {
        expect(read(integerValue(value))).toBe(value);
      }),
    );
  });

  test('the value after it is AMF0 again', () => {
    expect(decodeAmf0(Buffer.concat([inAmf0(integerValue(3)), Buffer.from([0x05])]))).toEqual([3, null]);
  });

  test('a byte array does not keep the message in memory', () => {
    expect((read([0x0c, ...inline(3), 1, 2, 3]) as Uint8Array).buffer.byteLength).toBe(3);
  });
});

describe('AMF3 arrays and objects', () => {
  test('an array of values only', () => {
    expect(read([0x09, ...inline(2), ...noMoreKeys, ...nullValue, ...integerValue(5)])).toEqual([null, 5]);
  });

  test('an array with keys becomes an ECMA array, its other values under their numbers', () => {
    const bytes = [0x09, ...inline(1), ...text('k'), ...integerValue(1), ...noMoreKeys, ...integerValue(2)];
    expect(read(bytes)).toStrictEqual(
      new AmfEcmaArray([
        ['k', 1],
        ['0', 2],
      ]),
    );
  });

  test('a dynamic object', () => {
    const bytes = [0x0a, ...traits('', [], true), ...text('app'), ...textValue('live'), ...noMoreKeys];
    expect(read(bytes)).toStrictEqual(new Map([['app', 'live']]));
  });

  test('sealed members first, then dynamic ones', () => {
    const sealed = [0x0a, ...traits('C', ['a', 'b'], true), ...integerValue(1), ...integerValue(2)];
    expect(read(sealed, text('c'), nullValue, noMoreKeys)).toStrictEqual(
      new Map<string, AmfValue>([
        ['a', 1],
        ['b', 2],
        ['c', null],
      ]),
    );
  });

  test('a dictionary; keys that are objects are left out', () => {
    const emptyArray = [0x09, ...inline(0), ...noMoreKeys];
    const pairs = [textValue('a'), nullValue, integerValue(7), integerValue(8), emptyArray, integerValue(9)];
    expect(read([0x11, ...inline(3), 0], ...pairs)).toStrictEqual(
      new Map<string, AmfValue>([
        ['a', null],
        ['7', 8],
      ]),
    );
  });
});

describe('AMF3 references', () => {
  test('strings by number; the empty string takes none', () => {
    const strings = [textValue(''), textValue('x'), textValue('y'), [0x06, ...reference(1)], [0x06, ...reference(0)]];
    expect(read([0x09, ...inline(5), ...noMoreKeys], ...strings)).toEqual(['', 'x', 'y', 'y', 'x']);
  });

  test('keys, class names and values share one table of strings', () => {
    const object = [0x0a, ...traits('C', ['a'], true), 0x06, ...reference(0), ...reference(1), 0x06, ...reference(1)];
    expect(read(object, noMoreKeys)).toStrictEqual(new Map([['a', 'a']]));
  });

  test('all kinds of objects share one table, each numbered where it begins', () => {
    const parts = [
      [0x08, 0x01, ...double(5)], // 1, the array around it being 0
      [0x07, ...text('<a/>')], // 2
      [0x0c, ...inline(1), 9], // 3
      [0x09, ...inline(1), ...noMoreKeys, 0x0d, ...inline(0), 0], // 4 and 5
      [0x0a, ...traits('', ['m'], false), 0x09, ...inline(0), ...noMoreKeys], // 6 and 7
      [0x08, ...reference(1)],
      [0x07, ...reference(2)],
      [0x0c, ...reference(3)],
      [0x09, ...reference(4)],
      [0x0d, ...reference(5)],
      [0x0a, ...reference(6)],
      [0x09, ...reference(7)],
    ];
    const values = read([0x09, ...inline(parts.length), ...noMoreKeys], ...parts) as AmfValue[];
    const [date, xml, bytes, array, object] = values;
    expect(values.slice(5)).toEqual([date, xml, bytes, array, [], object, []]);
  });

  test('traits by number', () => {
    const first = [0x0a, ...traits('C', ['a', 'b'], false), ...integerValue(1), ...integerValue(2)];
    const second = [0x0a, ...traitsReference(0), ...integerValue(3), ...integerValue(4)];
    expect(read([0x09, ...inline(2), ...noMoreKeys], first, second)).toEqual([
      new Map([
        ['a', 1],
        ['b', 2],
      ]),
      new Map([
        ['a', 3],
        ['b', 4],
      ]),
    ]);
  });

  test('the tables live on in later values of the same message, and only there', () => {
    const later = inAmf0([0x06, ...reference(0)]);
    expect(decodeAmf0(Buffer.concat([inAmf0(textValue('x')), later]))).toEqual(['x', 'x']);
    expect(faultOf(later)).toBe('amf_bad_reference');
  });

  test('references to what is not there, or not finished, are refused', () => {
    expect(faultOfValue([0x0a, ...reference(0)])).toBe('amf_bad_reference');
    expect(faultOfValue([0x0a, ...traitsReference(0)])).toBe('amf_bad_reference');
    expect(faultOfValue([0x09, ...inline(1), ...noMoreKeys, 0x09, ...reference(0)])).toBe('amf_bad_reference');
  });

  test('references cannot repeat long text or byte arrays without end', () => {
    const long = 'a'.repeat(65536);
    const times = (count: number, first: Bytes, again: Bytes): Buffer =>
      inAmf0([0x09, ...inline(count + 1), ...noMoreKeys], first, ...Array<Bytes>(count).fill(again));
    const string = textValue(long);
    expect(faultOf(times(16, string, [0x06, ...reference(0)]))).toBeUndefined();
    expect(faultOf(times(17, string, [0x06, ...reference(0)]))).toBe('amf_too_many_entries');
    const bytes = [0x0c, ...inline(65536), ...Buffer.alloc(65536)];
    expect(faultOf(times(17, bytes, [0x0c, ...reference(1)]))).toBe('amf_too_many_entries');
    const object = [0x0a, ...traits('', [long], false), ...nullValue];
    expect(faultOf(times(17, object, [0x0a, ...traitsReference(0), ...nullValue]))).toBe('amf_too_many_entries');
  });
});

describe('AMF3 faults', () => {
  test('unknown markers', () => {
    expect(faultOfValue([0x12])).toBe('amf_bad_marker');
    expect(faultOfValue([0xff])).toBe('amf_bad_marker');
  });

  test('an externalizable object, whose length nobody can know', () => {
    expect(faultOfValue([0x0a, 0b0111, ...text('flex.messaging.io.ArrayCollection')])).toBe('amf_unsupported');
  });

  test('nesting deeper than 16', () => {
    const arrays = (depth: number): Bytes[] => Array<Bytes>(depth).fill([0x09, ...inline(1), ...noMoreKeys]);
    expect(faultOfValue(...arrays(16), nullValue)).toBeUndefined();
    expect(faultOfValue(...arrays(17), nullValue)).toBe('amf_too_deep');
    for (const opening of [
      [0x0a, ...traits('', [], true), ...text('k')],
      [0x11, ...inline(1), 0],
    ]) {
      const bytes = Buffer.alloc(1_000_000, Buffer.from(opening));
      expect(faultOf(Buffer.concat([Buffer.from([0x11]), bytes]))).toBe('amf_too_deep');
    }
  });

  test.each([0x06, 0x07, 0x0b, 0x0c])('a length past the end, marker %i', (marker) => {
    expect(faultOfValue([marker, 0xff, 0xff, 0xff, 0xff])).toBe('truncated');
  });

  test.each([
    ['array', [0x09, ...inline(0xfffffff), ...noMoreKeys]],
    ['vector of int', [0x0d, ...inline(0xfffffff), 0]],
    ['vector of double', [0x0f, ...inline(5000), 0]],
    ['vector of objects', [0x10, ...inline(0xfffffff), 0, ...text('')]],
    ['dictionary', [0x11, ...inline(0xfffffff), 0]],
    ['sealed members', [0x0a, ...u29(0x1ffffff3), ...text('')]],
  ])('too many entries are refused before any is read: %s', (_name, bytes) => {
    expect(faultOfValue(bytes)).toBe('amf_too_many_entries');
  });

  test('any bytes give a value or a ProtocolError', () => {
    const amf3Markers = fc.uint8Array({ maxLength: 200 }).map((bytes) => bytes.map((byte) => byte % 0x13));
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 200 }), amf3Markers), (bytes) => {
        faultOf(Buffer.concat([Buffer.from([0x11]), bytes]));
      }),
      { numRuns: 3000 },
    );
  });
});
