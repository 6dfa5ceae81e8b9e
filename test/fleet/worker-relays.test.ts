import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { RtmpClient } from '../support/rtmp/rtmp-client';
import { Fleet } from '../support/servers/fleet';
import { freePort } from '../support/servers/redis-server';
import { expectFlows } from '../support/servers/server-of-file';
import { workersOf } from '../support/servers/worker-processes';

let fleet: Fleet;
/** The first of the two ports at which the first node's workers are reached by other nodes. */
let first: number;

beforeAll(async () => {
  first = await twoFreePorts();
  fleet = await Fleet.start({ nodes: 0 });
  fleet.nodes.push(
    await fleet.newNode(0, { WORKERS: '2', FLEET_ADVERTISE_PORT: String(first) }),
    await fleet.newNode(1),
  );
});
afterAll(() => fleet.stop());

async function twoFreePorts(): Promise<number> {
  for (;;) {
    const port = await freePort();
    const next = createServer().listen(port + 1, '127.0.0.1');
    const isFree = await once(next, 'listening').then(
      () => true,
      () => false,
    );
    next.close();
    if (isFree) return port;
  }
}

test('other nodes fetch streams from the workers at the ports that FLEET_ADVERTISE_PORT begins', async () => {
  for (let i = 0; i < 4; i += 1) {
    const channel = fleet.newChannel();
    const publisher = await fleet.publisher(0, channel);
    const player = await fleet.player(1, channel);
    await expectFlows(publisher, player, `stream ${i}`);
  }
  // Workers get connections in turn, the server's self-test connections among them.
  const served = [...fleet.node(0).log.matchAll(/play worker=(\d+) .*relay=true/g)].map(([, worker]) => worker);
  expect(served).toHaveLength(4);
});

test('whoever is no relay gets nothing there', async () => {
  const channel = fleet.newChannel();
  await fleet.publisher(0, channel);
  for (const port of [first, first + 1]) {
    await expect(RtmpClient.publisher({ port, channel: 'another', key: 'key' })).rejects.toThrow(
      /Publish.Denied.*for relays of the fleet/,
    );
    await expect(RtmpClient.player({ port, channel, key: 'key' })).rejects.toThrow(/for relays of the fleet/);
    await expect(RtmpClient.player({ port, channel, key: 'key?fleet=forged' })).rejects.toThrow('Bad relay token');
  }
});

test('a worker that replaces another one has its port', async () => {
  const server = fleet.node(0);
  process.kill(workersOf(server)[0]!, 'SIGKILL');
  await server.waitForLog(/(?:RTMP listening[^]*){3}/);
  for (const port of [first, first + 1]) {
    await expect(RtmpClient.publisher({ port, channel: 'another', key: 'key' })).rejects.toThrow(/for relays/);
  }
});
