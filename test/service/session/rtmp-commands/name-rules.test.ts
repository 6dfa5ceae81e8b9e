import { describe, expect, test } from '@jest/globals';
import { NameRules } from '../../../../service/session/rtmp-commands/name-rules';
import { FREE_NAMES, PLAIN_NAMES, SPECIAL_NAMES } from '../../../support/names';
import { NameGrammar } from '../../../../service/protocol/name-grammar';

const names = new NameRules(PLAIN_NAMES);

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

describe('with ID_ALLOW_SPECIAL_CHARACTERS', () => {
  const special = new NameRules(SPECIAL_NAMES);

  test.each([
    ['a.b ç', '', 'a.b ç'],
    ['a/b/c', '', 'a/b/c'],
    ['/live/', '', 'live'],
    ['//live//', '', 'live'],
    ['live/_definst_', '', 'live'],
    ['live?x=y', '', 'live'],
    ['', 'rtmp://host/a.b/c', 'a.b/c'],
  ])('the channel of app %j, tcUrl %j is the whole of it', (app, tcUrl, channel) => {
    const target = special.connectTarget(app, tcUrl);
    expect(target).toMatchObject({ channel, key: undefined });
    // As a relay asks another node for it.
    expect(special.connectTarget(channel, '')).toMatchObject({ channel });
  });

  test.each(['', '/', 'a>b', 'a|b', 'a\nb', 'a\u0000', 'a\u007f', 'a\u0085', 'a\u2028', 'x'.repeat(129)])(
    '%j is no channel and no key',
    (name) => {
      expect(special.connectTarget(name, '')).toBeUndefined();
      const key = special.streamTarget({ channel: 'live', key: undefined, query: '' }, name);
      expect(key).toEqual(name === '/' ? { channel: 'live', key: '/', query: '' } : undefined);
    },
  );

  test('the key is the whole stream name up to its query, or the end of the app without one', () => {
    const live = { channel: 'live', key: undefined, query: '' };
    expect(special.streamTarget(live, 'a/b c?x=y')).toEqual({ channel: 'live', key: 'a/b c', query: 'x=y' });
    expect(special.streamTarget({ ...live, channel: 'a/b/k' }, '')).toEqual({ channel: 'a/b', key: 'k', query: '' });
  });
});

describe('with ID_ALLOW_EMPTY', () => {
  const plainOrEmpty = new NameGrammar({ maxLength: 128, allowEmpty: true, allowSpecialCharacters: false });
  test.each([plainOrEmpty, FREE_NAMES])('channel and key may be empty', (grammar) => {
    const rules = new NameRules(grammar);
    const target = rules.connectTarget('', 'rtmp://host/');
    expect(target).toEqual({ channel: '', key: undefined, query: '' });
    expect(rules.streamTarget(target!, 'key?x=y')).toEqual({ channel: '', key: 'key', query: 'x=y' });
    expect(rules.streamTarget(target!, '?x=y')).toEqual({ channel: '', key: '', query: 'x=y' });
  });

  test('a key that came with the app counts, where a slash is no part of a name', () => {
    const target = new NameRules(plainOrEmpty).connectTarget('live/key', '');
    expect(new NameRules(plainOrEmpty).streamTarget(target!, '')).toMatchObject({ channel: 'live', key: 'key' });
    expect(new NameRules(FREE_NAMES).connectTarget('live/key', '')).toMatchObject({ channel: 'live/key' });
  });
});
