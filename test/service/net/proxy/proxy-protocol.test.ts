import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { crc32c } from '../../../../service/net/proxy/crc32c';
import { parseProxyHeader, type ProxyProtocolMode } from '../../../../service/net/proxy/proxy-protocol';
import { ProtocolError } from '../../../../service/protocol/protocol-errors';
import {
  type ProxyHeaderVector,
  proxyHeaderV1Vectors,
  proxyHeaderV2Vectors,
} from '../../../vectors/proxy-protocol-vectors';

const hex = (text: string): Buffer => Buffer.from(text.replace(/\s+/g, ''), 'hex');
const incomplete = { kind: 'incomplete' };
const vectors: readonly (ProxyHeaderVector & { mode: ProxyProtocolMode })[] = [
  ...proxyHeaderV1Vectors.map((vector) => ({ ...vector, mode: 'v1' as const })),
  ...proxyHeaderV2Vectors.map((vector) => ({ ...vector, mode: 'v2' as const })),
];

/** The code of the fault, or the kind of the result; anything but a ProtocolError fails the test. */
function outcome(bytes: Buffer, mode: ProxyProtocolMode = 'any'): string {
  try {
    return parseProxyHeader(bytes, mode).kind;
  } catch (error) {
    if (error instanceof ProtocolError) return error.code;
    throw error;
  }
}

/** How many bytes it takes until the outcome is no longer `incomplete`. */
function judgedAfter(bytes: Buffer, mode?: ProxyProtocolMode): number {
  let length = 0;
  while (length < bytes.length && outcome(bytes.subarray(0, length), mode) === 'incomplete') length++;
  return length;
}

/** A version 2 header: its fixed 16 bytes, then the given bytes. */
function v2(command: number, family: number, rest: string): Buffer {
  const tail = hex(rest);
  const fixed = hex('0d0a0d0a000d0a515549540a 00 00 0000');
  fixed.writeUInt8(command, 12);
  fixed.writeUInt8(family, 13);
  fixed.writeUInt16BE(tail.length, 14);
  return Buffer.concat([fixed, tail]);
}

describe.each(vectors)('$mode: $name', ({ hex: text, header, mode }) => {
  const bytes = hex(text);
  const expected = { kind: 'header', length: bytes.length, header };

  test('is read in its own mode and in `any`, refused in the other', () => {
    expect(parseProxyHeader(bytes, mode)).toEqual(expected);
    expect(parseProxyHeader(bytes, 'any')).toEqual(expected);
    expect(outcome(bytes.subarray(0, 1), mode === 'v1' ? 'v2' : 'v1')).toBe('bad_proxy_header');
  });

  test('is incomplete wherever it is cut', () => {
    for (let end = 0; end < bytes.length; end++) {
      expect(parseProxyHeader(bytes.subarray(0, end), mode)).toEqual(incomplete);
    }
  });

  test('leaves what follows alone, another header too', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (more) => {
        expect(parseProxyHeader(Buffer.concat([bytes, more]), mode)).toEqual(expected);
      }),
      { numRuns: 20 },
    );
    expect(parseProxyHeader(Buffer.concat([bytes, bytes]), mode)).toEqual(expected);
  });
});

describe('a connection without a header', () => {
  test.each([0x03, 0x16, 0x47, 0x00, 0xff])('is refused at its first byte, %i', (byte) => {
    for (const mode of ['v1', 'v2', 'any'] as const)
      expect(outcome(Buffer.from([byte]), mode)).toBe('bad_proxy_header');
  });

  test('is refused at the first byte that differs', () => {
    expect(judgedAfter(Buffer.from('PROPFIND / HTTP/1.1\r\n'))).toBe(4);
    expect(judgedAfter(Buffer.from('PROXY TCP5 '))).toBe(10);
    expect(judgedAfter(hex('0d0a0d0a000d0a515549540b2000'))).toBe(12);
    expect(judgedAfter(v2(0x11, 0x11, ''))).toBe(13);
    expect(judgedAfter(v2(0x22, 0x11, ''))).toBe(13);
    expect(judgedAfter(v2(0x21, 0x41, ''))).toBe(14);
    expect(judgedAfter(v2(0x21, 0x13, ''))).toBe(14);
  });
});

describe('malformed version 2 headers', () => {
  const addresses = 'c0000201 c6336401 dc04 078f';

  test.each([
    ['too short for IPv4', v2(0x21, 0x11, 'c0000201')],
    ['too short for IPv6', v2(0x21, 0x21, addresses)],
    ['extension without a length', v2(0x21, 0x11, `${addresses} 04 00`)],
    ['extension past the end', v2(0x21, 0x11, `${addresses} 04 0002 00`)],
    ['checksum of 3 bytes', v2(0x21, 0x11, `${addresses} 03 0003 000000`)],
    ['SSL of 4 bytes', v2(0x21, 0x11, `${addresses} 20 0004 00000000`)],
    ['VPC endpoint id that would forge a log line', v2(0x21, 0x11, `${addresses} ea 0004 01 760a76`)],
    ['VPC endpoint id of no bytes', v2(0x21, 0x11, `${addresses} ea 0001 01`)],
  ])('%s', (_name, bytes) => {
    expect(outcome(bytes)).toBe('bad_proxy_header');
    // The bytes after the header must not be read as part of the header.
    expect(outcome(Buffer.concat([bytes, Buffer.alloc(100)]))).toBe('bad_proxy_header');
  });

  test('a header of 2048 bytes behind the fixed part is read, a longer one refused before it comes', () => {
    expect(outcome(v2(0x21, 0x11, `${addresses} 04 07f1 ${'00'.repeat(2033)}`))).toBe('header');
    expect(outcome(hex('0d0a0d0a000d0a515549540a 21 11 0801'))).toBe('proxy_header_too_large');
    expect(outcome(hex('0d0a0d0a000d0a515549540a 20 00 ffff'))).toBe('proxy_header_too_large');
  });

  test('a checksum that is wrong in any bit of the header', () => {
    const whole = hex(proxyHeaderV2Vectors[1]?.hex ?? '');
    for (let bit = 0; bit < 32; bit++) {
      const bytes = Buffer.from(whole);
      const place = 16 + Math.floor(bit / 8); // the source address
      bytes.writeUInt8(bytes.readUInt8(place) ^ (1 << (bit % 8)), place);
      expect(outcome(bytes)).toBe('proxy_checksum_mismatch');
    }
  });

  test('two checksums', () => {
    const bytes = v2(0x21, 0x11, `${addresses} 03 0004 00000000 03 0004 00000000`);
    bytes.writeUInt32BE(crc32c(bytes), 31);
    expect(outcome(bytes)).toBe('bad_proxy_header');
  });
});

describe('malformed version 1 lines', () => {
  test.each([
    'PROXY TCP4 192.0.2.1 192.0.2.2 1 2\n',
    'PROXY TCP4 192.0.2.1 192.0.2.2 1 2 \r\n',
    'PROXY TCP4 192.0.2.1 192.0.2.2 1 2 3\r\n',
    'PROXY TCP4  192.0.2.1 192.0.2.2 1 2\r\n',
    'PROXY TCP4 192.0.2.1 192.0.2.2 1\r\n',
    'PROXY TCP4 192.0.2.1 192.0.2.2 01 2\r\n',
    'PROXY TCP4 192.0.2.1 192.0.2.2 1 65536\r\n',
    'PROXY TCP4 192.0.2.1 192.0.2.2 -1 2\r\n',
    'PROXY TCP4 192.0.2.01 192.0.2.2 1 2\r\n',
    'PROXY TCP4 192.0.2.256 192.0.2.2 1 2\r\n',
    'PROXY TCP4 ::1 ::2 1 2\r\n',
    'PROXY TCP6 192.0.2.1 192.0.2.2 1 2\r\n',
    'PROXY TCP6 fe80::1%eth0 ::2 1 2\r\n',
    'PROXY TCP4 \r\n',
    'PROXY UNKNOWNS\r\n',
    'proxy TCP4 192.0.2.1 192.0.2.2 1 2\r\n',
  ])('%j', (line) => {
    expect(outcome(Buffer.from(line, 'latin1'))).toBe('bad_proxy_header');
  });

  test('no end within 107 bytes', () => {
    const line = Buffer.from(`PROXY UNKNOWN ${' '.repeat(200)}\r\n`);
    expect(outcome(line)).toBe('proxy_header_too_large');
    expect(judgedAfter(line)).toBe(107);
  });
});

describe('hostile headers', () => {
  const mutated = fc
    .tuple(fc.constantFrom(...vectors), fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 5 }))
    .map(([vector, changes]) => {
      const bytes = hex(vector.hex);
      for (const [place, byte] of changes) bytes[place % bytes.length] = byte;
      return bytes;
    });
  const random = fc.uint8Array({ maxLength: 120 }).map((bytes) => Buffer.from(bytes));
  const behindSignature = random.map((bytes) => Buffer.concat([hex('0d0a0d0a000d0a515549540a21'), bytes]));
  const behindWord = random.map((bytes) => Buffer.concat([Buffer.from('PROXY TCP4 '), bytes]));

  test('any bytes give a result or a ProtocolError, and more bytes never change a verdict', () => {
    fc.assert(
      fc.property(fc.oneof(mutated, random, behindSignature, behindWord), (bytes) => {
        const verdict = outcome(bytes);
        for (let end = 0; end < bytes.length; end++) {
          const early = outcome(bytes.subarray(0, end));
          if (early !== 'incomplete') expect(early).toBe(verdict);
        }
      }),
      { numRuns: 1000 },
    );
  });
});

test('CRC-32C of the nine digits is the check value that catalogues of CRCs give', () => {
  expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283);
  expect(crc32c(Buffer.alloc(0))).toBe(0);
});
