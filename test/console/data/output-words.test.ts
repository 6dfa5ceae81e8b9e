import { expect, test } from '@jest/globals';
import { outputDetail } from '../../../service/console/data/output-words';
import { outputPlace } from '../../../service/http/api/schemas/output-place';
import { outputsOf } from '../stand-in-outputs';

test('each output in words', () => {
  expect(outputsOf(0, 'news').map((output) => [output.id, outputPlace(output), outputDetail(output)])).toEqual([
    ['forward-1', 'rtmps://a.rtmps.youtube.com/live2', '1.31 GB'],
    ['forward-2', 'rtmp://live.twitch.tv/app', '48 kB, connected 12 times, 11 gaps'],
    ['record-1', 's3://recordings/news/2026/11/29/18-30-05_st.flv', '3.2 MB, 1 h 02 min'],
    ['hls', '/hls/news/index.m3u8', '0 B, 0 segments'],
  ]);
});

test('what is not stored yet is named', () => {
  const [recording] = outputsOf(0, 'news').filter(({ kind }) => kind === 'record');
  const late = { ...recording, parts: 2, waitingBytes: 5_000_000 } as Parameters<typeof outputDetail>[0];
  expect(outputDetail(late)).toBe('3.2 MB, 1 h 02 min, 2 parts, 5.0 MB not stored yet');
});
