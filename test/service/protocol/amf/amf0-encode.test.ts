import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { decodeAmf0 } from '../../../../service/protocol/amf/amf0-decode';
import { encodeAmf0 } from '../../../../service/protocol/amf/amf0-encode';
import { AmfEcmaArray, type AmfValue } from '../../../../service/protocol/amf/amf-value';

const anyValue = fc.letrec<{ value: AmfValue }>((tie) => {
  const entries = fc.array(fc.tuple(fc.string({ unit: 'grapheme' }), tie('value')), { maxLength: 5 });
  return {
    value: fc.oneof(
      { maxDepth: 4 },
      fc.constantFrom(undefined, null),
      fc.boolean(),
      fc.double(),
      fc.string({ unit: 'grapheme' }),
      fc.date({ noInvalidDate: true }),
      fc.array(tie('value'), { maxLength: 5 }),
      entries.map((pairs) => new Map(pairs)),
      entries.map((pairs) => new AmfEcmaArray(pairs)),
    ),
  };
}).value;

test('any values come back as they were, order of keys and form of containers included', () => {
  fc.assert(
    fc.property(fc.array(anyValue, { maxLength: 5 }), (values) => {
      const read = decodeAmf0(encodeAmf0(values));
      expect(read).toStrictEqual(values);
      expect(JSON.stringify(read, orderOfKeys)).toBe(JSON.stringify(values, orderOfKeys));
    }),
  );
});

function orderOfKeys(_key: string, value: unknown): unknown {
  return value instanceof Map ? { form: value.constructor.name, entries: [...value] } : value;
}

describe('bytes on the wire', () => {
  test.each<[string, AmfValue, string]>([
    ['number', 1.5, '003ff8000000000000'],
    ['boolean', true, '0101'],
    ['text', 'é', '020002c3a9'],
    ['null', null, '05'],
    ['undefined', undefined, '06'],
    ['object', new Map([['a', null]]), '03000161' + '05' + '000009'],
    ['ECMA array', new AmfEcmaArray([['a', null]]), '0800000001000161' + '05' + '000009'],
    ['strict array', [null, false], '0a00000002' + '05' + '0100'],
    ['date', new Date('2001-09-09T01:46:40Z'), '0b426d1a94a2000000' + '0000'],
  ])('%s', (_name, value, expected) => {
    expect(encodeAmf0([value]).toString('hex')).toBe(expected);
  });

  test('no values are no bytes', () => {
    expect(encodeAmf0([])).toHaveLength(0);
  });
});

test('text of 65535 bytes is a string, one byte more a long string', () => {
  const short = encodeAmf0(['a'.repeat(65535)]);
  expect(short.subarray(0, 3).toString('hex')).toBe('02ffff');
  const long = encodeAmf0(['a'.repeat(65533) + '€']);
  expect(long.subarray(0, 5).toString('hex')).toBe('0c00010000');
  expect(decodeAmf0(long)).toEqual(['a'.repeat(65533) + '€']);
});

test('what AMF0 cannot hold is refused, never written wrongly', () => {
  expect(() => encodeAmf0([new Uint8Array(2)])).toThrow(TypeError);
  expect(() => encodeAmf0([new Map([['k'.repeat(65536), null]])])).toThrow(RangeError);
  const endless: AmfValue[] = [];
  endless.push(endless);
  expect(() => encodeAmf0(endless)).toThrow('Maximum call stack');
});
