import { expect, test } from '@jest/globals';
import { readAnswerHeaders } from '../../../service/auth/answer-headers';

test('reads names in any case, the first of a repeated header, and UTF-8', () => {
  const utf8 = Buffer.from('é-1').toString('latin1');
  const headers = readAnswerHeaders(['Stream-ID', utf8, 'stream-id', 'second', 'PLAY-KEY', 'viewers']);
  expect([...headers]).toEqual([
    ['stream-id', 'é-1'],
    ['play-key', 'viewers'],
  ]);
});

test('reads what is to be done with the stream', () => {
  const headers = readAnswerHeaders(['Forward', 'rtmp://host/app/key', 'RECORD', 'flv', 'hls', 'YES']);
  expect([...headers.keys()]).toEqual(['forward', 'record', 'hls']);
});

test('keeps no header that means nothing, whatever it is called', () => {
  const headers = readAnswerHeaders(['__proto__', 'a', 'constructor', 'b', 'date', 'c', 'max-bitrate-kbps', '9']);
  expect([...headers]).toEqual([['max-bitrate-kbps', '9']]);
});

test('takes a value that is no UTF-8 as Latin-1', () => {
  expect(readAnswerHeaders(['stream-id', 'caf\u00e9']).get('stream-id')).toBe('caf\u00e9');
});

test('a name without a value is no header', () => {
  expect([...readAnswerHeaders(['Stream-Id', 's', 'Play-Key'])]).toEqual([['stream-id', 's']]);
});
