import { beforeEach, expect, test } from '@jest/globals';
import { Registry } from 'prom-client';
import { OutputMetrics } from '../../../service/metrics/output-metrics';
import { outputsOf } from '../../console/stand-in-outputs';
import { OUTPUT_EVENTS } from '../../support/output-events';

let registry: Registry;
let metrics: OutputMetrics;
beforeEach(() => {
  registry = new Registry();
  metrics = new OutputMetrics(registry);
});

/** The value of a series; undefined: there is none. */
async function read(series: string): Promise<number | undefined> {
  const line = (await registry.metrics()).split('\n').find((each) => each.startsWith(`${series} `));
  return line === undefined ? undefined : Number(line.slice(series.length));
}

test('outputs are counted by kind and state while their stream is live', async () => {
  metrics.status('run-1', outputsOf(0, 'news'));
  metrics.status('run-2', outputsOf(0, 'sport'));
  expect(await read('rtmp_outputs{kind="forward",state="live"}')).toBe(2);
  expect(await read('rtmp_outputs{kind="record",state="recording"}')).toBe(2);
  expect(await read('rtmp_outputs{kind="hls",state="failed"}')).toBe(2);
  metrics.ended('run-1');
  expect(await read('rtmp_outputs{kind="forward",state="live"}')).toBe(1);
  expect(await read('rtmp_outputs{kind="hls",state="live"}')).toBe(0);
});

test('bytes are counted once, also of outputs that were opened again', async () => {
  const [forward] = outputsOf(0, 'news');
  for (const bytes of [100, 250, 250]) metrics.status('run-1', [{ ...forward!, bytes }]);
  expect(await read('rtmp_output_bytes_total{kind="forward"}')).toBe(250);
  for (const bytes of [40, 60]) metrics.status('run-1', [{ ...forward!, bytes }]);
  expect(await read('rtmp_output_bytes_total{kind="forward"}')).toBe(310);
  metrics.ended('run-1');
  metrics.status('run-2', [{ ...forward!, bytes: 5 }]);
  expect(await read('rtmp_output_bytes_total{kind="forward"}')).toBe(315);
});

test('what waits to be stored is summed', async () => {
  const recordings = outputsOf(4, 'news').filter(({ kind }) => kind === 'record');
  for (const run of ['run-1', 'run-2'])
    metrics.status(
      run,
      recordings.map((each) => ({ ...each, waitingBytes: 7 })),
    );
  expect(await read('rtmp_output_waiting_bytes{kind="record"}')).toBe(14);
  expect(metrics.take()).toMatchObject({ recordingsSpooling: 2 });
});

test('events are counted, and taken once for CloudWatch', async () => {
  for (const event of OUTPUT_EVENTS.filter(({ type }) => type !== 'outputs.up')) metrics.event(event);
  metrics.status('run-1', outputsOf(0, 'news'));
  expect(await read('rtmp_output_gaps_total{kind="hls"}')).toBe(1);
  expect(await read('rtmp_output_gaps_total{kind="record"}')).toBe(0);
  expect(await read('rtmp_forward_failures_total{result="waiting"}')).toBe(1);
  expect(await read('rtmp_forward_failures_total{result="failed"}')).toBe(1);
  expect(await read('rtmp_recordings_total{result="done"}')).toBe(1);
  expect(await read('rtmp_recordings_total{result="failed"}')).toBe(1);
  expect(await read('rtmp_outputs_down')).toBe(1);
  const now = { forwardsFailing: 1, recordingsSpooling: 0 };
  expect(metrics.take()).toEqual({ ...now, gaps: 1, recordingsFailed: 1, down: 1 });
  metrics.event(OUTPUT_EVENTS.find(({ type }) => type === 'outputs.up')!);
  expect(metrics.take()).toEqual({ ...now, gaps: 0, recordingsFailed: 0, down: 0 });
});
