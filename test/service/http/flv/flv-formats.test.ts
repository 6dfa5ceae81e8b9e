import { expect, test } from '@jest/globals';
import { binaryFrames, chunkedBody, plainBody, wrapped } from '../../../../service/http/flv/flv-formats';

/** Sizes around those at which a header grows. */
const sizes = [1, 15, 16, 125, 126, 255, 256, 65_535, 65_536, 1_000_000];

test.each(sizes)('%i bytes are one chunk of an HTTP body', (size) => {
  const bytes = Buffer.alloc(size, 'x');
  const expected = [Buffer.from(`${size.toString(16)}\r\n`), bytes, Buffer.from('\r\n')];
  expect(wrapped(bytes, chunkedBody).equals(Buffer.concat(expected))).toBe(true);
});

test.each(sizes)('%i bytes are one WebSocket frame, with the shortest header', (size) => {
  const bytes = Buffer.alloc(size, 'x');
  const header = Buffer.alloc(size < 126 ? 2 : size < 65_536 ? 4 : 10);
  header[0] = 0x82;
  if (size < 126) header[1] = size;
  else if (size < 65_536) {
    header[1] = 126;
    header.writeUInt16BE(size, 2);
  } else {
    header[1] = 127;
    header.writeBigUInt64BE(BigInt(size), 2);
  }
  expect(wrapped(bytes, binaryFrames).equals(Buffer.concat([header, bytes]))).toBe(true);
});

test('HTTP/1.0 gets the bytes alone; no bytes are no piece in any format', () => {
  expect(wrapped(Buffer.from('abc'), plainBody).toString()).toBe('abc');
  for (const format of [chunkedBody, binaryFrames, plainBody]) {
    expect(wrapped(Buffer.alloc(0), format)).toHaveLength(0);
  }
});
