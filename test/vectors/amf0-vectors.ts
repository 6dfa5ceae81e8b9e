import { AmfEcmaArray, type AmfValue } from '../../service/protocol/amf/amf-value';

export interface AmfVector {
  readonly name: string;
  /** Where the bytes come from. */
  readonly source: string;
  readonly hex: string;
  readonly values: readonly AmfValue[];
}

const layout = (section: string): string => `put together from the field layout of the AMF0 specification, ${section}`;

export const amf0Vectors: readonly AmfVector[] = [
  { name: 'number', source: layout('2.2'), hex: '00 3ff8000000000000', values: [1.5] },
  { name: 'true', source: layout('2.3'), hex: '01 01', values: [true] },
  { name: 'true as any byte but zero', source: layout('2.3'), hex: '01 80', values: [true] },
  { name: 'false', source: layout('2.3'), hex: '01 00', values: [false] },
  { name: 'string', source: layout('2.4'), hex: '02 0003 666f6f', values: ['foo'] },
  { name: 'string in UTF-8', source: layout('1.4.1'), hex: '02 0003 e282ac', values: ['\u20ac'] },
  {
    name: 'object',
    source: layout('2.5'),
    hex: '03 0001 61 05 0001 62 01 01 0000 09',
    values: [
      new Map<string, AmfValue>([
        ['a', null],
        ['b', true],
      ]),
    ],
  },
  { name: 'object without properties', source: layout('2.5'), hex: '03 0000 09', values: [new Map()] },
  {
    name: 'property without a name',
    source: layout('2.5'),
    hex: '03 0000 05 0000 09',
    values: [new Map([['', null]])],
  },
  { name: 'null', source: layout('2.7'), hex: '05', values: [null] },
  { name: 'undefined', source: layout('2.8'), hex: '06', values: [undefined] },
  {
    name: 'reference to the second container',
    source: layout('2.9'),
    hex: '0a 00000003 0a 00000000 03 0000 09 07 0002',
    values: [[[], new Map(), new Map()]],
  },
  {
    name: 'ECMA array',
    source: layout('2.10'),
    hex: '08 00000001 0001 61 05 0000 09',
    values: [new AmfEcmaArray([['a', null]])],
  },
  {
    name: 'ECMA array that says 0 entries and has one',
    source: layout('2.10') + ', with the count that ffmpeg writes when it does not know the duration of all streams',
    hex: '08 00000000 0001 61 05 0000 09',
    values: [new AmfEcmaArray([['a', null]])],
  },
  {
    name: 'ECMA array that says 4294967295 entries and has one',
    source: layout('2.10'),
    hex: '08 ffffffff 0001 61 05 0000 09 05',
    values: [new AmfEcmaArray([['a', null]]), null],
  },
  { name: 'strict array', source: layout('2.12'), hex: '0a 00000002 05 01 01', values: [[null, true]] },
  {
    name: 'date with a time zone, which counts for nothing',
    source: layout('2.13') + '; 1e12 ms is 2001-09-09T01:46:40Z',
    hex: '0b 426d1a94a2000000 fe98',
    values: [new Date('2001-09-09T01:46:40Z')],
  },
  { name: 'long string', source: layout('2.14'), hex: '0c 00000003 666f6f', values: ['foo'] },
  { name: 'unsupported', source: layout('2.15'), hex: '0d', values: [undefined] },
  { name: 'XML document', source: layout('2.17'), hex: '0f 00000004 3c612f3e', values: ['<a/>'] },
  {
    name: 'typed object',
    source: layout('2.18'),
    hex: '10 0002 4f62 0001 61 05 0000 09',
    values: [new Map([['a', null]])],
  },
  { name: 'change to AMF3', source: layout('3.1'), hex: '11 04 01 05', values: [1, null] },
  {
    name: 'what follows an object inside an object',
    source: layout('2.5') + '; the end marker of the inner object is 3 bytes, not 1',
    hex: '03 0001 6f 03 0001 69 05 0000 09 0003 617070 02 0004 6c697665 0000 09 01 01',
    values: [
      new Map<string, AmfValue>([
        ['o', new Map([['i', null]])],
        ['app', 'live'],
      ]),
      true,
    ],
  },
  {
    name: 'connect command',
    source: 'put together from RTMP 1.0, 7.2.1.1, with the fields that OBS Studio sends',
    hex:
      '02 0007 636f6e6e656374 00 3ff0000000000000 03 0003 617070 02 0004 6c697665 ' +
      '0004 74797065 02 000a 6e6f6e70726976617465 0000 09',
    values: [
      'connect',
      1,
      new Map([
        ['app', 'live'],
        ['type', 'nonprivate'],
      ]),
    ],
  },
];
