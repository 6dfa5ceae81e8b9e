import { describe, expect, test } from '@jest/globals';
import { MAX_FORWARDS, readOutputPolicy } from '../../../../service/outputs/policy/read-policy';

const SECRET = 'live_123_s3cr3t';
const TWITCH = `rtmp://live.twitch.tv/app/${SECRET}`;
const YOUTUBE = 'rtmps://a.rtmps.youtube.com/live2/abcd-efgh?backup=1';

function read(headers: Record<string, string>) {
  const warnings: string[] = [];
  return { policy: readOutputPolicy(new Map(Object.entries(headers)), (text) => warnings.push(text)), warnings };
}

test('an answer without these headers has no policy', () => {
  expect(read({ 'stream-id': 's' })).toEqual({ policy: undefined, warnings: [] });
});

test.each<[string, Record<string, string>, object]>([
  ['targets by spaces', { forward: `${TWITCH} ${YOUTUBE}` }, { forward: [TWITCH, YOUTUBE] }],
  ['targets by commas', { forward: `${TWITCH}, ${YOUTUBE}` }, { forward: [TWITCH, YOUTUBE] }],
  ['a target twice', { forward: `${TWITCH} ${TWITCH}` }, { forward: [TWITCH] }],
  ['no targets', { forward: 'none' }, { forward: [] }],
  ['an empty list of targets', { forward: '' }, { forward: [] }],
  ['recorded', { record: 'YES' }, { record: 'default' }],
  ['not recorded', { record: 'no' }, { record: [] }],
  ['recorded as FLV', { record: 'flv' }, { record: ['flv'] }],
  ['recorded twice', { record: 'MP4, flv,mp4' }, { record: ['mp4', 'flv'] }],
  ['packaged', { hls: 'yes' }, { hls: true }],
  ['not packaged', { hls: 'NO' }, { hls: false }],
  ['all', { forward: TWITCH, record: 'flv', hls: 'YES' }, { forward: [TWITCH], record: ['flv'], hls: true }],
])('%s', (_, headers, policy) => {
  expect(read(headers)).toEqual({ policy, warnings: [] });
});

describe('a header that cannot be used', () => {
  test.each<Record<string, string>>([
    { record: 'mkv' },
    { record: 'flv,mkv' },
    { record: '' },
    { hls: 'maybe' },
    { hls: '' },
  ])('%p is left out with a warning', (headers) => {
    const { policy, warnings } = read(headers);
    expect(policy).toBeUndefined();
    expect(warnings).toEqual([expect.stringMatching(/^Callback header (record|hls) is ignored: not YES/)]);
  });

  test.each([`http://host/app/${SECRET}`, `rtmp://host/${SECRET}`, `rtmp://host:99999/app/${SECRET}`, SECRET])(
    'a target such as %s is left out, and no warning shows it',
    (target) => {
      const { policy, warnings } = read({ forward: `${TWITCH} ${target}` });
      expect(policy).toEqual({ forward: [TWITCH] });
      expect(warnings).toEqual([expect.stringContaining('Callback header forward: address 2 is ignored')]);
      expect(warnings.join()).not.toContain(SECRET);
    },
  );

  test('does not bring the targets of the settings back', () => {
    expect(read({ forward: 'nowhere' }).policy).toEqual({ forward: [] });
  });

  test('targets beyond the most are left out', () => {
    const many = Array.from({ length: MAX_FORWARDS + 3 }, (_, at) => `rtmp://host/app/${SECRET}${at}`);
    const { policy, warnings } = read({ forward: many.join(' ') });
    expect(policy?.forward).toEqual(many.slice(0, MAX_FORWARDS));
    expect(warnings).toEqual([`Callback header forward: only ${MAX_FORWARDS} of ${many.length} targets are used`]);
  });
});
