import { describe, expect, test } from '@jest/globals';
import { readGrant } from '../../../service/auth/stream-grant';
import { NameGrammar } from '../../../service/protocol/name-grammar';

const names = new NameGrammar({ maxLength: 10, allowEmpty: false, allowSpecialCharacters: false });

function read(headers: Record<string, string>): { grant: ReturnType<typeof readGrant>; warnings: string[] } {
  const warnings: string[] = [];
  const grant = readGrant(new Map(Object.entries(headers)), names, (message) => void warnings.push(message));
  return { grant, warnings };
}

describe('what an accepted start grants', () => {
  test('is an empty stream id and nothing else without headers', () => {
    expect(read({})).toEqual({ grant: { streamId: '' }, warnings: [] });
  });

  test('is what all the headers say', () => {
    const headers = {
      'stream-id': 'a/b c|d',
      'play-key': 'Play_key-1',
      'max-duration-seconds': '3600',
      'max-bitrate-kbps': '6000',
      forward: 'rtmp://host/app/key',
      record: 'flv',
      hls: 'NO',
    };
    const grant = {
      ...{ streamId: 'a/b c|d', playKey: 'Play_key-1', maxDurationSeconds: 3600, maxBitrateKbps: 6000 },
      outputs: { forward: ['rtmp://host/app/key'], record: ['flv'], hls: false },
    };
    expect(read(headers)).toEqual({ grant, warnings: [] });
  });

  test.each(['', 'has space', 'dot.dot', 'elevenchars', 'ключ'])(
    'leaves out the bad play key "%s", unseen',
    (playKey) => {
      const { grant, warnings } = read({ 'stream-id': 's', 'play-key': playKey });
      expect(grant).toEqual({ streamId: 's' });
      expect(warnings).toHaveLength(1);
      expect(playKey !== '' && warnings[0]!.includes(playKey)).toBe(false);
    },
  );

  test.each(['0', '-5', '1.5', '1e3', 'lots', '', '99999999999'])('leaves out the bad limit "%s"', (limit) => {
    const { grant, warnings } = read({ 'max-duration-seconds': limit, 'max-bitrate-kbps': limit });
    expect(grant).toEqual({ streamId: '' });
    expect(warnings).toHaveLength(2);
  });

  test('leaves out a target that cannot be used, unseen', () => {
    const { grant, warnings } = read({ 'stream-id': 's', forward: 'http://host/app/s3cr3t', record: 'avi' });
    expect(grant).toEqual({ streamId: 's', outputs: { forward: [] } });
    expect(warnings).toHaveLength(2);
    expect(warnings.join()).not.toContain('s3cr3t');
  });

  test('has no stream id that is too long to be sent back', () => {
    const { grant, warnings } = read({ 'stream-id': 'x'.repeat(1025) });
    expect(grant).toEqual({ streamId: '' });
    expect(warnings).toHaveLength(1);
    expect(read({ 'stream-id': 'x'.repeat(1024) }).grant.streamId).toHaveLength(1024);
  });
});
