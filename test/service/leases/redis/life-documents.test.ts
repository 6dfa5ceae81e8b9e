import { expect, test } from '@jest/globals';
import {
  isOfLaterRelease,
  readLetter,
  readLife,
  readPlace,
  readStop,
  SCHEMA,
  writeLife,
} from '../../../../service/leases/redis/life-documents';
import { LETTER, LIFE, STOP } from '../../../fuzz/seeds/registry-documents';

const changed = (text: string, change: (document: Record<string, Record<string, unknown>>) => void): string => {
  const document = JSON.parse(text) as Record<string, Record<string, unknown>>;
  change(document);
  return JSON.stringify(document);
};

test('what nodes write is read, with fields that this release does not know', () => {
  const text = changed(LIFE, ({ life }) => Object.assign(life!, { later: [1] }));
  const { stored } = readLife(text, SCHEMA)!;
  expect(JSON.parse(writeLife(stored!, SCHEMA))).toEqual(JSON.parse(text));
  expect(readLetter(LETTER, SCHEMA)).toMatchObject({ kind: 'effects', channel: 'news', command: 'kill-session>news' });
  expect(readStop(STOP)).toEqual({ channel: 'news', stop: expect.objectContaining({ jti: 'p1' }) });
});

test.each([
  ['no JSON', 'life'],
  ['no life', '{"schema":1,"version":"v"}'],
  ['no version', changed(LIFE, (document) => delete document['version'])],
  ['no list of those who wait', changed(LIFE, ({ life }) => delete life!['waiting'])],
  ['a stream without an id', changed(LIFE, ({ life }) => delete (life!['stream'] as Record<string, unknown>)['id'])],
  ['a time that is text', changed(LIFE, ({ life }) => Object.assign(life!, { blockedUntil: 'soon' }))],
])('what no node has written is not read: %s', (_name, text) => {
  expect(readLife(text, SCHEMA)).toBeUndefined();
  expect(isOfLaterRelease(text, SCHEMA)).toBe(false);
});

test.each([
  ['no effects', changed(LETTER, (document) => delete document['effects'])],
  ['an effect that there is not', changed(LETTER, (document) => Object.assign(document, { effects: [{ kind: 'x' }] }))],
  ['null', changed(LETTER, (document) => Object.assign(document, { effects: [null] }))],
  ['a life that is none', changed(LETTER, (document) => Object.assign(document, { life: '{}' }))],
])('nor a letter with %s', (_name, text) => {
  expect(readLetter(text, SCHEMA)).toBeUndefined();
});

test('nor a stop without what its callback has to say', () => {
  expect(readStop('{"channel":"news","stop":{"jti":"p1"}}')).toBeUndefined();
  expect(readStop('{"channel":7,"stop":{"jti":"p1","streamId":"","startJti":"j","about":""}}')).toBeUndefined();
});

test('of a later release, only the place of its stream is read', () => {
  const later = changed(LIFE, (document) => {
    Object.assign(document, { schema: 2 });
    Object.assign(document['life']!, { waiting: 'another form' });
  });
  expect(readLife(later, SCHEMA)).toBeUndefined();
  expect(isOfLaterRelease(later, SCHEMA)).toBe(true);
  expect(readPlace(later)).toEqual({ publish: 'p1', streamId: 's1', playKeyHash: 'h' });
  expect(readPlace('{"life":{"stream":{"publish":1}}}')).toBeUndefined();
});
