import { describe, expect, test } from '@jest/globals';
import { NameRules } from '../../../service/session/name-rules';

const names = new NameRules(128);

describe('what connect asks for', () => {
  test.each([
    ['live', '', { channel: 'live', key: undefined, query: '' }],
    ['live/', '', { channel: 'live', key: undefined, query: '' }],
    ['/live', '', { channel: 'live', key: undefined, query: '' }],
    ['live?token=a', '', { channel: 'live', key: undefined, query: 'token=a' }],
    ['live/_definst_', '', { channel: 'live', key: undefined, query: '' }],
    ['live/key', '', { channel: 'live', key: 'key', query: '' }],
    ['', 'rtmp://host:1935/live/key', { channel: 'live', key: 'key', query: '' }],
    ['', `'rtmp://host//live live=1'`, { channel: 'live', key: undefined, query: '' }],
  ])('app %j, tcUrl %j', (app, tcUrl, expected) => {
    expect(names.connectTarget(app, tcUrl)).toEqual(expected);
  });

  test.each(['', 'a.b', 'a b', 'a/b/c', 'a/b.c', 'ä', 'a\n', 'x'.repeat(129)])('%j is no channel', (app) => {
    expect(names.connectTarget(app, 'rtmp://host/')).toBeUndefined();
  });
});

describe('what publish and play are about', () => {
  const live = { channel: 'live', key: undefined, query: '' };
  test.each([
    [live, 'key', { channel: 'live', key: 'key', query: '' }],
    [live, 'key?x=y', { channel: 'live', key: 'key', query: 'x=y' }],
    [live, 'other/key?x=y', { channel: 'other', key: 'key', query: 'x=y' }],
    [{ ...live, key: 'key' }, '', { channel: 'live', key: 'key', query: '' }],
    [{ ...live, key: 'key' }, 'key', { channel: 'live', key: 'key', query: '' }],
    [{ ...live, query: 'a=1' }, 'key', { channel: 'live', key: 'key', query: 'a=1' }],
    // rtmp://host/live/key?token=a/b=c as ffmpeg splits it
    [{ channel: 'live', key: 'key', query: 'token=a' }, 'b=c', { channel: 'live', key: 'key', query: 'token=a/b=c' }],
  ])('%j and %j', (connect, name, expected) => {
    expect(names.streamTarget(connect, name)).toEqual(expected);
  });

  test.each(['', '?x=y', 'a.b', 'a/b/c', 'a b'])('%j is no key', (name) => {
    expect(names.streamTarget(live, name)).toBeUndefined();
  });

  test('a key that contradicts the one in the app is none', () => {
    expect(names.streamTarget({ ...live, key: 'key' }, 'other')).toBeUndefined();
  });
});
