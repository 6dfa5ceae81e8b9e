import { expect, test } from '@jest/globals';
import { PlayOrigins } from '../../../../service/http/flv/play-origins';
import { isStreamPath, type PlayRequest, targetOf } from '../../../../service/http/flv/play-request';
import { NameGrammar } from '../../../../service/protocol/name-grammar';
import { NameRules } from '../../../../service/session/rtmp-commands/name-rules';

const names = (allowsSpecial: boolean): NameRules =>
  new NameRules(new NameGrammar({ maxLength: 128, allowEmpty: false, allowSpecialCharacters: allowsSpecial }));

test.each([
  ['/live/news/key.flv', { channel: 'news', key: 'key', query: '' }],
  ['/live/news/key.flv?cache=no&x=/y.flv', { channel: 'news', key: 'key', query: 'cache=no&x=/y.flv' }],
  ['/live/n%65ws/key.flv', { channel: 'news', key: 'key', query: '' }],
  ['/live/news/key.flv.flv', undefined],
  ['/live/a/b/key.flv', undefined],
  ['/live/key.flv', undefined],
  ['/live//key.flv', undefined],
  ['/live/.flv', undefined],
  ['/live/news/.flv', undefined],
  ['/live/news/k%zz.flv', undefined],
  ['/live/news/k%2f.flv', undefined],
])('%s names %j', (url, target) => {
  expect(targetOf(url, names(false))).toEqual(target);
});

test('where names may contain any character, the last slash ends the channel', () => {
  expect(targetOf('/live/a/b/k%2Fe%20y.flv', names(true))).toEqual({ channel: 'a/b', key: 'k/e y', query: '' });
});

test('only paths below /live/ that end in .flv are streams', () => {
  for (const path of ['/', '/live/', '/live/news/key', '/lives/news/key.flv', '/metrics', '/live/news/key.flv/']) {
    expect(isStreamPath(path)).toBe(false);
  }
  expect(isStreamPath('/live/news/key.flv')).toBe(true);
});

const from = (origin?: string, host = 'live.lan:8080'): PlayRequest => ({
  ...{ method: 'GET', url: '/live/news/key.flv', httpVersion: '1.1', address: '192.0.2.1' },
  headers: { host, ...(origin !== undefined && { origin }) },
});

test("pages of the server's own origin and of configured ones may play, and programs without an origin", () => {
  const origins = new PlayOrigins(['https://example.com']);
  const allowed = [undefined, 'https://example.com', 'http://live.lan:8080', 'https://live.lan:8080'];
  const refused = [
    'null',
    '',
    'https://example.com:8443',
    'http://example.com',
    'http://live.lan',
    'https://x.example.com',
  ];
  for (const origin of allowed) expect(origins.allows(from(origin))).toBe(true);
  for (const origin of refused) expect(origins.allows(from(origin))).toBe(false);
  expect(origins.fields(from('https://example.com'))).toEqual({
    'access-control-allow-origin': 'https://example.com',
    vary: 'origin',
  });
  expect(origins.fields(from('http://live.lan:8080'))).toEqual({ vary: 'origin' });
});

test('* allows pages of every origin', () => {
  const origins = new PlayOrigins(['*']);
  expect(origins.allows(from('https://anything.example'))).toBe(true);
  expect(origins.fields(from('https://anything.example'))).toEqual({ 'access-control-allow-origin': '*' });
});
