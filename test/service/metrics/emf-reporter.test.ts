import { afterEach, describe, expect, test } from '@jest/globals';
import { connect } from 'node:net';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { PassThrough } from 'node:stream';
import { loadServiceConfig } from '../../../service/config/service-config';
import { EmfReporter } from '../../../service/metrics/emf-reporter';
import type { NodeFigures } from '../../../service/metrics/node-figures';
import { startNode, type RunningNode } from '../../../service/node/node';
import { startCallbackServer } from '../../support/servers/callback-server';
import { MemoryLogger } from '../../support/memory-logger';
import { RtmpClient } from '../../support/rtmp/rtmp-client';

const quiet: NodeFigures = {
  publishers: 0,
  ingestBytes: 0,
  counts: { CallbackDenied: 0, HandshakeFailures: 0, LeaseConflicts: 0, ProtectionFailures: 0, ProxyHeaderErrors: 0 },
  callbackMs: [],
  eventLoopLagMs: 0,
  callbackDown: false,
  stopBacklog: 0,
  draining: false,
};

let reporter: EmfReporter | undefined;
let node: RunningNode | undefined;
afterEach(async () => {
  reporter?.close();
  await node?.stop();
  node = undefined;
});

describe('a reporter', () => {
  test('writes one line for each interval, with what came since the line before', async () => {
    const stream = new PassThrough();
    let collected = 0;
    const collect = (): Promise<NodeFigures[]> => {
      collected += 1;
      return Promise.resolve([{ ...quiet, ingestBytes: collected }]);
    };
    reporter = new EmfReporter({ service: 'live', slots: 40, collect, stream, intervalMs: 100 });
    const lines: { IngestBytes: number; _aws: { Timestamp: number } }[] = [];
    for await (const line of createInterface({ input: stream })) {
      lines.push(JSON.parse(line) as (typeof lines)[number]);
      if (lines.length === 5) break;
    }
    expect(lines.map((line) => line.IngestBytes)).toEqual([2, 3, 4, 5, 6]);
    const intervals = lines.map((line) => Math.floor(line._aws.Timestamp / 100));
    expect(new Set(intervals).size).toBe(5);
  });

  test('says nothing for processes that are gone, and nothing after its end', async () => {
    const stream = new PassThrough();
    let wake = (): void => undefined;
    const asked = new Promise<void>((resolve) => (wake = resolve));
    let calls = 0;
    const collect = (): Promise<NodeFigures[]> => {
      calls += 1;
      if (calls === 3) wake();
      return Promise.resolve([]);
    };
    reporter = new EmfReporter({ service: 'live', slots: 40, collect, stream, intervalMs: 20 });
    await asked;
    reporter.close();
    expect(stream.read()).toBeNull();
  });
});

describe('the figures of a node', () => {
  test('are those of its streams, callbacks and bad connections since the last time', async () => {
    const callback = await startCallbackServer();
    const { config } = loadServiceConfig({
      RTMP_PORT: '0',
      BIND_ADDRESS: '127.0.0.1',
      DRAIN_SECONDS: '1',
      CALLBACK_URL: callback.url.href,
      JWT_SECRET: 'sesame',
    });
    const log = new MemoryLogger();
    node = await startNode({ config, log, version: 'test' });
    const port = node.ports.rtmp;
    node.state.figures();

    const publisher = await RtmpClient.publisher({ port, channel: 'live', key: 'k' });
    callback.answerNext({ status: 403 });
    const refused = RtmpClient.publisher({ port, channel: 'other', key: 'k' });
    await expect(refused).rejects.toThrow(/Denied/);
    const stranger = connect(port, '127.0.0.1', () => stranger.write('GET / HTTP/1.1\r\n\r\n'));
    await once(stranger.on('error', () => undefined).resume(), 'close');

    const figures = node.state.figures();
    expect(figures).toMatchObject({ publishers: 1, counts: { CallbackDenied: 1, HandshakeFailures: 1 } });
    expect(figures.callbackMs).toHaveLength(2);
    expect(figures.ingestBytes).toBeGreaterThan(3000);
    expect(figures.redisDisconnectedSeconds).toBeUndefined();
    await publisher.roundTrip();
    const next = node.state.figures();
    expect(next).toMatchObject({ publishers: 1, callbackMs: [], counts: { CallbackDenied: 0 }, stopBacklog: 0 });
    expect(next.ingestBytes).toBeLessThan(200);
    expect(next.callbackDown).toBe(false);

    callback.answerWith(() => ({ status: 503 }));
    for (const channel of ['a', 'b', 'c', 'd', 'e']) {
      await expect(RtmpClient.publisher({ port, channel, key: 'k' })).rejects.toThrow(/BadName/);
    }
    expect(node.state.figures().callbackDown).toBe(true);
    await publisher.close();
    await log.waitFor(/Stop callback failed/);
    expect(node.state.figures()).toMatchObject({ publishers: 0, stopBacklog: 1, draining: false });
    const stopped = node.stop();
    expect(node.state.figures().draining).toBe(true);
    await stopped;
    await callback.stop();
  });

  test('tell for how long a Redis that is used has not been heard', async () => {
    const variables = { RTMP_PORT: '0', BIND_ADDRESS: '127.0.0.1', DRAIN_SECONDS: '1' };
    const { config } = loadServiceConfig({ ...variables, REDIS_USE: 'YES', REDIS_PORT: '9' });
    node = await startNode({ config, log: new MemoryLogger(), version: 'test' });
    for (;;) {
      const { redisDisconnectedSeconds = 0 } = node.state.figures();
      if (redisDisconnectedSeconds > 0) break;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  });
});
