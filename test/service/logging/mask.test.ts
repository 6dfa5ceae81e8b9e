import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { escapeForLog, maskField, maskKey } from '../../../service/logging/mask';

describe('maskKey', () => {
  test.each([
    ['live_4711_abcdef', 'li***'],
    ['abcdef', 'ab***'],
    ['abcde', '***'],
    ['', '***'],
    ['\n\u001bxxxx', '\\n\\u001b***'],
  ])('%j is shown as %s', (key, shown) => expect(maskKey(key)).toBe(shown));
});

describe('maskField', () => {
  test.each([
    ['key', 'live_4711', 'li***'],
    ['streamKey', 'live_4711', 'li***'],
    ['play-key', 'viewers-key', 'vi***'],
    ['key', 'li***', 'li***'],
    ['jwtSecret', 'sesame', '***'],
    ['redisPassword', 'sesame', '***'],
    ['rtmp-event', 'eyJhbGciOi', '***'],
    ['channel', 'live_4711', 'live_4711'],
    ['keyframes', 'many', 'many'],
  ])('%s: %s is logged as %s', (name, value, shown) => expect(maskField(name, value)).toBe(shown));
});

describe('escapeForLog', () => {
  test('line ends, terminal codes and text direction marks become visible', () => {
    expect(escapeForLog('a\r\nb\tc\u001b[31m\u0085\u2028\u202e\u007f')).toBe(
      'a\\r\\nb\\tc\\u001b[31m\\u0085\\u2028\\u202e\\u007f',
    );
  });

  test('ordinary text in any script stays readable', () => {
    expect(escapeForLog('canal público 直播 🎥')).toBe('canal público 直播 🎥');
  });

  test('different text never looks the same', () => {
    expect(escapeForLog('\\n')).not.toBe(escapeForLog('\n'));
  });

  test('whatever is given, one bounded line comes out', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 3000 }), (text) => {
        const escaped = escapeForLog(text);
        expect(escaped).not.toMatch(/[\p{Cc}\p{Zl}\p{Zp}]/u);
        expect(escaped.length).toBeLessThan(1024 * 6 + 40);
      }),
    );
  });
});
