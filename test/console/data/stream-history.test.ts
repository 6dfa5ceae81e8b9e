import { expect, test } from '@jest/globals';
import { History } from '../../../service/console/data/history';
import { CHART_SECONDS, StreamHistory, summaryOf } from '../../../service/console/data/stream-history';

const START = Date.parse('2026-01-02T15:00:00.000Z');
const past = {
  stepSeconds: 5,
  until: new Date(START).toISOString(),
  bitrateKbps: [1_000, null, 3_000],
  fps: [25, 25, 24],
  keyframeIntervalSeconds: [2, 2, null],
};
const figures = (bitrateKbps: number) => ({
  channel: 'cam-1',
  node: 'a',
  bitrateKbps,
  fps: 25,
  keyframeIntervalSeconds: 2,
  players: 0,
  health: 'good' as const,
});

test("figures continue the server's past, in the order of time", () => {
  const history = new StreamHistory();
  history.begin(past);
  history.add(START + 2_000, figures(4_000));
  history.add(START + 1_000, figures(9_999));
  expect(history.chart('bitrateKbps')).toEqual([
    [START / 1000 - 10, START / 1000 - 5, START / 1000, START / 1000 + 2],
    [1_000, null, 3_000, 4_000],
  ]);
});

test('a repeated answer of the server replaces what is older, and keeps newer figures', () => {
  const history = new StreamHistory();
  history.add(START - 7_000, figures(1));
  history.add(START + 2_000, figures(2));
  history.begin(past);
  expect(history.chart('bitrateKbps')[1]).toEqual([1_000, null, 3_000, 2]);
});

test('no more than ten minutes are kept', () => {
  const history = new StreamHistory();
  for (let second = 0; second < 2 * CHART_SECONDS; second += 10) history.add(START + second * 1000, figures(second));
  const [times] = history.chart('bitrateKbps');
  expect(times.at(-1)! - times[0]!).toBeLessThanOrEqual(CHART_SECONDS + 10);
  expect(times.length).toBeGreaterThan(CHART_SECONDS / 10);
});

test('the summary knows the newest, the lowest and the highest value', () => {
  const history = new StreamHistory();
  expect(summaryOf(history.chart('fps'))).toBeUndefined();
  history.begin(past);
  expect(summaryOf(history.chart('bitrateKbps'))).toEqual({ newest: 3_000, lowest: 1_000, highest: 3_000 });
  expect(summaryOf(history.chart('keyframeIntervalSeconds'))?.newest).toBeNull();
});

test('a full history forgets its oldest measurement', () => {
  const history = new History(3);
  for (let value = 1; value <= 5; value += 1) history.add(value * 1000, value);
  const kept: number[] = [];
  history.forEach((value) => kept.push(value));
  expect(kept).toEqual([3, 4, 5]);
  expect(history.size).toBe(3);
});
