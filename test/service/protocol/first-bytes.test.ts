import { expect, test } from '@jest/globals';
import { protocolOf } from '../../../service/protocol/first-bytes';

test.each([
  ['16030100', 'TLS'],
  ['16', 'TLS'],
  ['03000000', 'RTMP'],
  ['06', 'RTMPE'],
  [hex('GET / HTTP/1.1'), 'HTTP'],
  [hex('POST /open/1'), 'HTTP'],
  [hex('OPTIONS'), 'HTTP'],
  [hex('SSH-2.0-OpenSSH_9.9'), 'SSH'],
  [hex('PROXY TCP4 1.2.3.4'), 'a PROXY protocol header'],
  ['0d0a0d0a000d0a51', 'a PROXY protocol header'],
  [hex('FLV\x01'), 'an FLV file'],
  ['474000100000b00d', 'MPEG-TS'],
  ['47', undefined],
  ['ff00', undefined],
  ['', undefined],
])('%s is %s', (bytes, protocol) => {
  expect(protocolOf(Buffer.from(bytes, 'hex'))).toBe(protocol);
});

function hex(text: string): string {
  return Buffer.from(text, 'latin1').toString('hex');
}
