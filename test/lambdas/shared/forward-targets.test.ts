import { describe, expect, test } from '@jest/globals';
import { isForwardList, openTargets, sealTargets } from '../../../lambdas/shared/forward-targets';

const URLS = ['rtmp://host/app/s3cr3t', 'rtmps://other/live2/k?backup=1'];

describe('sealed targets', () => {
  test('show nothing of the addresses, and are different each time', () => {
    const [one, two] = [sealTargets('pepper', 'news', URLS), sealTargets('pepper', 'news', URLS)];
    expect(one).not.toBe(two);
    const bytes = Buffer.from(one.slice(3), 'base64url').toString('latin1');
    for (const text of ['s3cr3t', 'host', 'rtmp', 'backup']) expect(bytes).not.toContain(text);
  });

  test('are opened with the pepper', () => {
    expect(openTargets(['pepper'], 'news', sealTargets('pepper', 'news', URLS))).toEqual({ urls: URLS });
  });

  test('are sealed again when an older pepper opened them', () => {
    const opened = openTargets(['new', 'old'], 'news', sealTargets('old', 'news', URLS));
    expect(opened?.urls).toEqual(URLS);
    expect(openTargets(['new'], 'news', opened!.renewed!)).toEqual({ urls: URLS });
  });

  test.each<[string, (sealed: string) => ReturnType<typeof openTargets>]>([
    ['with another pepper', (sealed) => openTargets(['other'], 'news', sealed)],
    ['in the record of another channel', (sealed) => openTargets(['pepper'], 'sport', sealed)],
    ['after a change', (sealed) => openTargets(['pepper'], 'news', `${sealed.slice(0, 30)}AAAA${sealed.slice(34)}`)],
    ['in another form', (sealed) => openTargets(['pepper'], 'news', sealed.replace('v1', 'v2'))],
    ['cut off', (sealed) => openTargets(['pepper'], 'news', sealed.slice(0, 20))],
    ['when it is something else', () => openTargets(['pepper'], 'news', 'rtmp')],
  ])('cannot be opened %s', (_, open) => {
    expect(open(sealTargets('pepper', 'news', URLS))).toBeUndefined();
  });
});

test.each([
  [[], true],
  [URLS, true],
  [Array.from({ length: 17 }, (_, at) => `rtmp://host/app/${at}`), false],
  [[`rtmp://host/app/${'k'.repeat(4_000)}`, `rtmp://host/app/${'l'.repeat(4_000)}`], false],
  [['rtmp://host/app/ключ'], false],
  [['rtmp://host/app/a b'], false],
  [['http://host/app/key'], false],
  [['rtmp://host/key'], false],
  ['rtmp://host/app/key', false],
  [[7], false],
])('a list of targets: case %#', (list, expected) => {
  expect(isForwardList(list)).toBe(expected);
});
