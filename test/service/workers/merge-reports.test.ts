import { expect, test } from '@jest/globals';
import type { StreamReport } from '../../../service/http/api/stream-report';
import { mergeReports } from '../../../service/workers/merge-reports';

function report(channel: string, players: number, relay = false, streamId = ''): StreamReport {
  const client = { ip: '192.0.2.1', software: '' };
  const measured = { video: null, audio: null, bitrateKbps: 0 };
  return { channel, streamId, startedAt: '', uptimeSeconds: 0, client, ...measured, players, relay };
}

test('a stream is shown once, by the worker that has its publisher, with the players of all', () => {
  const merged = mergeReports([
    report('a', 2, true),
    report('b', 1),
    report('a', 3, false, 'own'),
    report('a', 4, true),
  ]);
  expect(merged).toEqual([report('a', 9, false, 'own'), report('b', 1)]);
});

test('a stream of another machine is one relay, however many workers fetch it', () => {
  expect(mergeReports([report('a', 2, true), report('a', 3, true)])).toEqual([report('a', 5, true)]);
});

test('each report is looked at a few times only, however many there are', () => {
  let looks = 0;
  const watched = Array.from({ length: 2_000 }, (_, at) =>
    Object.defineProperty(report('', 1), 'channel', { enumerable: true, get: () => ((looks += 1), `channel-${at}`) }),
  );
  expect(mergeReports(watched)).toHaveLength(2_000);
  expect(looks).toBeLessThan(20 * 2_000);
});
