import { expect, test } from '@jest/globals';
import { createServer } from 'node:http';
import { json } from 'node:stream/consumers';
import { loadServiceConfig } from '../../../service/config/service-config';
import type { LifeListener } from '../../../service/leases/life-store';
import { MemoryLifeStore } from '../../../service/leases/memory-life-store';
import { MemoryLives } from '../../../service/leases/memory-lives';
import { startNode } from '../../../service/node/node';
import { MemoryLogger } from '../../support/memory-logger';
import { RtmpClient } from '../../support/rtmp/rtmp-client';

/** A store that lets its node join only when it is told to. */
class SlowToJoin extends MemoryLifeStore {
  readonly testAnnouncer = { announce: () => Promise.resolve(), onAnnounced: () => undefined };
  readonly places = { acquire: () => true, release: () => undefined };
  admit: () => void = () => undefined;
  readonly #admitted = new Promise<void>((resolve) => (this.admit = resolve));

  readonly slot = 0;

  listen(): void {}

  takeHttpPlayers(): void {}

  pass(): boolean {
    return true;
  }

  tellCrowded(): void {}

  override async start(listener: LifeListener): Promise<void> {
    await this.#admitted;
    await super.start(listener);
  }
}

test('a node is not ready, and says of no port that it listens, before it has joined', async () => {
  const parent = new SlowToJoin(new MemoryLives({ takeover: false, resumes: false }), 'worker-1');
  const log = new MemoryLogger();
  const { config } = loadServiceConfig({
    RTMP_PORT: '0',
    HTTP_PORT: '0',
    BIND_ADDRESS: '127.0.0.1',
    DRAIN_SECONDS: '1',
  });
  const starting = startNode({ config, log, version: 'test', parent });
  const { message } = await log.waitFor(/HTTP listening/);
  const readiness = `http://127.0.0.1:${message.split(':').at(-1)}/readyz`;
  const early = await fetch(readiness);
  expect([early.status, await early.text()]).toEqual([503, 'not ready: starting']);
  expect(log.matching(/RTMP listening/)).toEqual([]);
  parent.admit();
  const node = await starting;
  expect((await fetch(readiness)).status).toBe(200);
  expect(log.matching(/RTMP listening/)).toHaveLength(1);
  const publisher = await RtmpClient.publisher({ port: node.ports.rtmp, channel: 'channel', key: 'key' });
  await publisher.connection.close();
  await node.stop();
});

test('a node without a fleet tells of its own end, and waits until that is sent', async () => {
  const told: string[] = [];
  const receiver = createServer((request, response) => {
    void json(request).then((body) => {
      told.push((body as { type: string }).type);
      response.end();
    });
  });
  await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
  const { port } = receiver.address() as { port: number };
  const { config } = loadServiceConfig({
    RTMP_PORT: '0',
    HTTP_PORT: '0',
    BIND_ADDRESS: '127.0.0.1',
    EVENTS_WEBHOOK_URL: `http://127.0.0.1:${port}/`,
    EVENTS_WEBHOOK_SECRET: `whsec_${Buffer.alloc(32).toString('base64')}`,
  });
  try {
    const node = await startNode({ config, log: new MemoryLogger(), version: 'test' });
    await node.stop();
  } finally {
    receiver.close();
    receiver.closeAllConnections();
  }
  expect([...told].sort()).toEqual(['node.draining', 'node.joined', 'node.left']);
});
