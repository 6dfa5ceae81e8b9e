import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { cacheCap, cacheLoad, registryCommands } from '../../infra/config/cache-load';
import { repositoryRoot } from '../../infra/shared/repository';
import { LifeNode } from '../service/leases/redis/life-node';
import { RedisServer } from '../support/servers/redis-server';
import type { RegistryTiming } from '../../service/leases/redis/registry-timing';
import { templateOf } from './synthesize';
import type { Options } from './synthesize';
import { onlyResource } from './template-queries';

describe('what the registry asks of a real server', () => {
  let redis: RedisServer;
  const nodes: LifeNode[] = [];
  /** No renewal comes in between. */
  const never = { ttlMs: 600_000, beatMs: 200_000 };

  beforeAll(async () => {
    redis = await RedisServer.start();
  });

  afterEach(async () => {
    await Promise.all(nodes.splice(0).map((node) => node.store.stop()));
  });

  afterAll(() => redis.remove());

  async function startNode(timing: Partial<RegistryTiming>): Promise<LifeNode> {
    const node = await LifeNode.start({ port: redis.port, timing });
    nodes.push(node);
    return node;
  }

  /** Commands since the last time, those inside of scripts included: name -> how many. */
  async function commands(): Promise<Map<string, number>> {
    const text = await redis.withClient(async (client) => {
      const stats = await client.info('commandstats');
      await client.config('RESETSTAT');
      return stats;
    });
    const calls = [...text.matchAll(/^cmdstat_([^:]+):calls=(\d+)/gm)].map(([, name = '', count]) => [
      name,
      Number(count),
    ]);
    return new Map((calls as [string, number][]).filter(([name]) => !/^(config|info|hello|client)/.test(name)));
  }

  const sum = (counts: ReadonlyMap<string, number>) => [...counts.values()].reduce((total, count) => total + count, 0);

  test('for a stream, from the first request to the delivered stop: not more than the cap is made for', async () => {
    const node = await startNode(never);
    node.delivers = true;
    const onePublish = async (channel: string): Promise<void> => {
      const count = node.stops.length;
      await node.leave(await node.publish(channel, `stream-of-${channel}`));
      await node.until(() => node.stops.length > count);
      // The requests of one connection are carried out in order.
      await node.store.locate('nothing');
    };
    await onePublish('warm-up');
    await commands();
    await onePublish('news');
    const counts = await commands();
    expect(sum(counts)).toBeGreaterThan(10);
    expect(sum(counts)).toBeLessThanOrEqual(registryCommands.perStream);
    expect(counts.get('publish')).toBe(registryCommands.announcementsPerStream);
  });

  test('for a node that has nothing to do, each time that it renews its registration', async () => {
    await startNode({ ttlMs: 2_000, beatMs: 50, requestTimeoutMs: 5_000 });
    const counts = new Map<string, number>();
    // Each renewal looks for mail once; it looks for dead nodes when renewals have succeeded for some time.
    do {
      for (const [name, count] of await commands()) counts.set(name, (counts.get(name) ?? 0) + count);
      await new Promise((resolve) => setTimeout(resolve, 50));
    } while ((counts.get('smembers') ?? 0) < 40);
    const beats = counts.get('xrange') ?? 0;
    expect(sum(counts) / beats).toBeLessThanOrEqual(registryCommands.perBeat);
  });
});

describe('the cap of a serverless cache', () => {
  const capOf = (options: Options): unknown => {
    const { CacheUsageLimits } = onlyResource(
      templateOf('CommandChannel', options),
      'AWS::ElastiCache::ServerlessCache',
    );
    return (CacheUsageLimits as unknown as { ECPUPerSecond: { Maximum: number } }).ECPUPerSecond.Maximum;
  };

  test.each([
    [{ env: 'dev' }, 1000],
    [{ env: 'staging' }, 1000],
    [{ env: 'prod' }, 7000],
    [{ env: 'dev', maxTasks: 60 }, 3000],
    [{ env: 'dev', scaleSchedule: 'cron(0 7 ? * * *)=1..60' }, 3000],
  ] as const)('%j: %d ECPU a second', (options, cap) => {
    expect(capOf(options)).toBe(cap);
  });

  test('README says what fleets need, within a tenth', () => {
    const readme = readFileSync(join(repositoryRoot, 'infra', 'README.md'), 'utf8');
    const rows = [...readme.matchAll(/^\| \w+: ([\d,]+) nodes, ([\d,]+) streams \| ([\d,]+) \|$/gm)];
    expect(rows.length).toBe(3);
    for (const row of rows) {
      const [nodes = 0, streams = 0, told = 0] = row.slice(1).map((text) => Number(text.replace(',', '')));
      expect(Math.abs(cacheLoad(nodes, streams).comeback / told - 1)).toBeLessThan(0.1);
    }
  });

  test('is twice what the fleet needs when all its streams come back, within what AWS allows', () => {
    expect(cacheCap({ maxTasks: 20, slots: 20, scaleSchedule: undefined })).toBeGreaterThan(
      2 * cacheLoad(40, 400).comeback - 1,
    );
    expect(cacheCap({ maxTasks: 1000, slots: 10_000, scaleSchedule: undefined })).toBe(30_000);
  });
});
