import { afterEach, describe, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { type AddressInfo, type Socket, createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { FleetOfFile } from '../support/servers/fleet';
import { RtmpClient } from '../support/rtmp/rtmp-client';
import { ServerProcess } from '../support/servers/server-process';

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

describe('a node that starts', () => {
  const ofFile = FleetOfFile.start({ nodes: 1 });

  test.each(['1', '2'])('with WORKERS=%s knows who publishes from its first moment on', async (workers) => {
    const { fleet } = ofFile;
    const channel = fleet.newChannel();
    await fleet.publisher(0, channel);
    const at = fleet.nodes.length;
    fleet.nodes.push(await fleet.newNode(at, { WORKERS: workers }));
    await expect(fleet.publisher(at, channel)).rejects.toThrow('Stream already publishing');
    for (let worker = 1; worker <= Number(workers); worker += 1) {
      const ofWorker = workers === '1' ? '' : `.*worker=${worker}`;
      const events = fleet.node(at).log.matchAll(new RegExp(`(Joined the fleet|RTMP listening)${ofWorker}\\b`, 'g'));
      expect([...events].map(([, event]) => event)).toEqual(['Joined the fleet', 'RTMP listening']);
    }
  });
});

describe('a node that finds no Redis', () => {
  const held = new Set<Socket>();
  /** A port that accepts connections and never answers. */
  async function silentPort(): Promise<number> {
    const server = createServer((socket) => held.add(socket.on('error', () => undefined)));
    await once(server.listen(0, '127.0.0.1'), 'listening');
    closing.push(async () => {
      for (const socket of held) socket.destroy();
      server.close();
      await once(server, 'close');
    });
    return (server.address() as AddressInfo).port;
  }
  /** A port without a listener. */
  async function closedPort(): Promise<number> {
    const port = await silentPort();
    await closing.pop()?.();
    return port;
  }

  test.each([
    ['because nobody is there', '1', closedPort],
    ['because it does not answer', '1', silentPort],
    ['on any of its workers', '2', closedPort],
  ])('starts all the same: %s', async (_why, workers, redisPort) => {
    const environment = { REDIS_USE: 'YES', REDIS_PORT: String(await redisPort()), FLEET: 'YES', HTTP_PORT: '0' };
    const node = await ServerProcess.start({ ...environment, WORKERS: workers });
    closing.push(() => node.stop('SIGKILL'));
    // With workers, the parent process asks them first.
    while ((await fetch(node.httpUrl('/readyz'))).status !== 200) await sleep(50);
    const publisher = await RtmpClient.publisher({ port: node.rtmpPort, channel: 'channel', key: 'key' });
    expect(publisher.connection.isOpen).toBe(true);
    await publisher.connection.close();
  });
});
