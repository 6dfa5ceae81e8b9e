import { afterAll, afterEach, beforeAll, expect, test } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { RedisServer, freePort } from '../../../support/servers/redis-server';
import { LifeNode } from './life-node';

const shards: RedisServer[] = [];
const nodes: LifeNode[] = [];

/** A cluster of two shards; the registry's keys are all on the first. */
beforeAll(async () => {
  for (let i = 0; i < 2; i += 1) {
    const busPort = await freePort();
    const args = ['--cluster-enabled', 'yes', '--cluster-port', String(busPort)];
    const shard = await RedisServer.start({ args });
    shards.push(shard);
    await shard.withClient(async (client) => {
      const slot = await client.cluster('KEYSLOT', '{rtmp}:');
      const ranges = i === 0 ? [slot, slot] : [0, slot - 1, slot + 1, 16_383];
      await client.call('CLUSTER', 'ADDSLOTSRANGE', ...ranges);
      if (i > 0) await client.call('CLUSTER', 'MEET', shards[0]!.host, shards[0]!.port, await busPortOf(shards[0]!));
    });
  }
  for (const shard of shards) {
    await shard.withClient(async (client) => {
      while (!(await client.cluster('INFO')).includes('cluster_state:ok')) await sleep(20);
    });
  }
});

async function busPortOf(shard: RedisServer): Promise<number> {
  return shard.withClient(async (client) => {
    const [, port = ''] = /:\d+@(\d+)/.exec(String(await client.cluster('NODES'))) ?? [];
    return Number(port);
  });
}

afterEach(async () => {
  await Promise.all(nodes.splice(0).map((node) => node.store.stop()));
});

afterAll(() => Promise.all(shards.map((shard) => shard.remove())));

async function startNode(shard: number): Promise<LifeNode> {
  const node = await LifeNode.start({ port: shards[shard]!.port });
  nodes.push(node);
  return node;
}

test('nodes that know another shard find the one that has the keys, and all are one fleet', async () => {
  const [a, b] = await Promise.all([startNode(0), startNode(1)]);
  expect(b.log.matching(/cannot be used/)).toEqual([]);
  await b.store.watch('ch');
  const { publish } = await a.publish('ch', 'stream-1');
  expect((await b.publish('ch', 'stream-2')).outcome).toBe('busy');
  expect(await b.store.locate('ch')).toMatchObject({ publish });
  await b.until(() => b.changed.includes('ch'));
  expect((await b.store.nodes()).map(({ id }) => id).sort()).toEqual([a, b].map(({ store }) => store.self.id).sort());
});

test('a connection that is lost is found again', async () => {
  const node = await startNode(1);
  await shards[0]!.withClient((client) => client.call('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes'));
  let published = false;
  while (!published) {
    const { outcome } = await node.publish(`ch-${Math.random()}`, 'id');
    published = outcome === 'letIn' && node.store.connected;
    // Without Redis all of that happens at once.
    await sleep(20);
  }
  expect(await shards[0]!.keys(`{rtmp}:node:${node.store.self.id}`)).toHaveLength(1);
});
