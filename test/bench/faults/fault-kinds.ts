import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, rmSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { below, type FaultyHandler, type Random } from '../../fleet/observed-handler';
import type { TroubleKind } from '../../fleet/observed-history';
import { isFull, type RedisFault, refusesAll, restartsWithData, restartsWithoutData } from '../../fleet/redis-faults';
import { descendants } from '../measure/process-tree';
import { clockLibrary, type FaultyFleet } from './faulty-fleet';
import type { Place, WireRule } from './network';

export interface FaultContext {
  readonly fleet: FaultyFleet;
  readonly handler: FaultyHandler;
  readonly random: Random;
  /** The node that it is done to, where it is done to one. */
  readonly node: number;
  readonly other: number;
}

export interface FaultKind {
  readonly kind: TroubleKind;
  readonly title: string;
  /** `node`: done to one node, `pair`: to two, `all`: to what all share. */
  readonly of: 'node' | 'pair' | 'all';
  /** It lasts from its beginning to the end of this. */
  readonly run: (context: FaultContext) => Promise<void>;
  /** Why it cannot be had here. */
  readonly missing?: () => string | undefined;
}

const lasts = ({ random }: FaultContext, fromMs = 2_000, upToMs = 8_000): Promise<void> =>
  sleep(fromMs + below(random, upToMs - fromMs));

const onWire =
  (rules: (context: FaultContext) => readonly WireRule[]) =>
  async (context: FaultContext): Promise<void> => {
    context.fleet.network.set(rules(context));
    await lasts(context);
    context.fleet.network.set([]);
  };

const all = ({ fleet, node }: FaultContext): Place[] => [
  'hub',
  'redis',
  ...Array.from({ length: fleet.nodes }, (_, at) => at).filter((at) => at !== node),
];

const restarted =
  (signal: NodeJS.Signals) =>
  async (context: FaultContext): Promise<void> => {
    await context.fleet.stopNode(context.node, signal);
    await lasts(context, 0, 4_000);
    await context.fleet.startNode(context.node);
  };

const ofRedis =
  (fault: RedisFault, longestMs?: number) =>
  async (context: FaultContext): Promise<void> => {
    await fault(context.fleet.redis, () => lasts(context, 0, longestMs));
    // A Redis that has restarted knows no replica.
    await context.fleet.replicate();
  };

/** Fills the disk to its last byte, and makes room again. */
async function fullDisk(context: FaultContext, disk: string): Promise<void> {
  const filler = join(disk, 'filler');
  const { bavail, bsize } = statfsSync(disk);
  // By another process: the observer has to stay awake. Something else may take the last bytes.
  const filling = spawn('dd', ['if=/dev/zero', `of=${filler}`, `bs=${bsize}`, `count=${bavail}`], { stdio: 'ignore' });
  await once(filling, 'exit');
  await lasts(context, 4_000, 10_000);
  rmSync(filler);
}

async function withHandler(context: FaultContext, mood: 'slow' | 'fails'): Promise<void> {
  context.handler.mood = mood;
  await lasts(context, 4_000, 10_000);
  context.handler.mood = 'usual';
}

/** It can open no descriptor: all below the limit are in use. */
async function withoutDescriptors(context: FaultContext): Promise<void> {
  const { pid } = context.fleet.program(context.node);
  const limit = (files: string): void => void execFileSync('prlimit', ['--pid', String(pid), `--nofile=${files}`]);
  const [, soft, hard] = /Max open files\s+(\d+)\s+(\d+)/.exec(
    execFileSync('cat', [`/proc/${pid}/limits`]).toString(),
  )!;
  limit(`10:${hard}`);
  await lasts(context, 3_000, 8_000);
  limit(`${soft}:${hard}`);
}

export const faultKinds: readonly FaultKind[] = [
  { kind: 'kill', title: 'node killed (SIGKILL), started again', of: 'node', run: restarted('SIGKILL') },
  { kind: 'term', title: 'node ended (SIGTERM), started again', of: 'node', run: restarted('SIGTERM') },
  {
    kind: 'freeze',
    title: 'node stands still (SIGSTOP)',
    of: 'node',
    run: async (context) => {
      const { pid } = context.fleet.program(context.node);
      process.kill(pid, 'SIGSTOP');
      await lasts(context, 1_000);
      process.kill(pid, 'SIGCONT');
    },
  },
  {
    kind: 'pause',
    title: 'Redis answers late (stands still, 9 of 10 tenths of a second)',
    of: 'all',
    run: async (context) => {
      const { redis } = context.fleet;
      const until = Date.now() + 3_000 + below(context.random, 5_000);
      while (Date.now() < until) {
        redis.suspend();
        await sleep(900);
        redis.resume();
        await sleep(100);
      }
    },
  },
  { kind: 'restart', title: 'Redis down, keeps its data', of: 'all', run: ofRedis(restartsWithData, 5_000) },
  { kind: 'loss', title: 'Redis down, loses its data', of: 'all', run: ofRedis(restartsWithoutData, 5_000) },
  { kind: 'failover', title: 'Redis fails over to a replica', of: 'all', run: ({ fleet }) => fleet.failOver() },
  { kind: 'full', title: 'Redis out of memory (noeviction)', of: 'all', run: ofRedis(isFull) },
  { kind: 'refusal', title: 'Redis refuses every command (ACL)', of: 'all', run: ofRedis(refusesAll) },
  {
    kind: 'cut',
    title: 'one node cut off from Redis',
    of: 'node',
    run: onWire(({ node }) => [{ from: node, to: 'redis', loss: 1 }]),
  },
  {
    kind: 'split',
    title: 'two nodes cut off from each other',
    of: 'pair',
    run: onWire(({ node, other }) => [{ from: node, to: other, loss: 1 }]),
  },
  {
    kind: 'island',
    title: 'one node cut off from Redis, handler and all nodes',
    of: 'node',
    run: onWire((context) => all(context).map((to) => ({ from: context.node, to, loss: 1 }))),
  },
  {
    kind: 'slow',
    title: 'ways of one node: 200 ms, 5 % loss',
    of: 'node',
    run: onWire((context) => all(context).map((to) => ({ from: context.node, to, delay: 100, loss: 0.05 }))),
  },
  {
    kind: 'distant',
    title: 'way to Redis and handler: 500 ms, 2 % loss',
    of: 'all',
    run: onWire(({ fleet }) =>
      Array.from({ length: fleet.nodes }, (_, from) =>
        (['hub', 'redis'] as const).map((to) => ({ from, to, delay: 250, loss: 0.02 })),
      ).flat(),
    ),
  },
  {
    kind: 'handler-down',
    title: 'callback handler down',
    of: 'all',
    run: async (context) => {
      const { fleet } = context;
      fleet.handlerSwitch.switchTo(undefined);
      await lasts(context, 4_000, 10_000);
      fleet.handlerSwitch.switchTo(Number(fleet.handlerServer.url.port));
    },
  },
  {
    kind: 'handler-slow',
    title: 'callback handler answers a second too late',
    of: 'all',
    run: (context) => withHandler(context, 'slow'),
  },
  {
    kind: 'handler-fails',
    title: 'callback handler answers 500',
    of: 'all',
    run: (context) => withHandler(context, 'fails'),
  },
  {
    kind: 'clock',
    title: 'clock of one node jumps by an hour, and back',
    of: 'node',
    missing: () => (clockLibrary() === undefined ? 'libfaketime is not installed' : undefined),
    run: async (context) => {
      context.fleet.setClock(context.node, context.random() < 0.5 ? 3_600 : -3_600);
      await lasts(context, 4_000, 10_000);
      context.fleet.setClock(context.node, 0);
      // The library looks at its file once a second.
      await sleep(1_500);
    },
  },
  {
    kind: 'disk',
    title: 'disk full while recording',
    of: 'node',
    run: (context) => fullDisk(context, context.fleet.recordings(context.node)),
  },
  {
    kind: 'log-disk',
    title: 'disk of the log full',
    of: 'node',
    run: (context) => fullDisk(context, context.fleet.logs(context.node)),
  },
  { kind: 'descriptors', title: 'descriptors exhausted', of: 'node', run: withoutDescriptors },
  {
    kind: 'certificate',
    title: 'certificate replaced by garbage, then by a new one',
    of: 'all',
    run: async (context) => {
      context.fleet.writeCertificate({ cert: 'garbage', key: 'garbage' });
      await lasts(context, 2_000, 4_000);
      context.fleet.useNextCertificate();
    },
  },
  {
    kind: 'secret',
    title: 'Secrets Manager down, then a new secret',
    of: 'all',
    run: async (context) => {
      const { fleet } = context;
      fleet.secretsSwitch.switchTo(undefined);
      await lasts(context, 4_000, 10_000);
      fleet.secretsSwitch.switchTo(Number(new URL(fleet.secrets.endpoint).port));
      await fleet.changeSecret(`another secret, long enough: ${below(context.random, 1e9)}`);
    },
  },
  {
    kind: 'target',
    title: 'target of forwards gone',
    of: 'all',
    run: async (context) => {
      await context.fleet.stopTarget();
      await lasts(context, 4_000, 10_000);
      await context.fleet.startTarget();
    },
  },
  {
    kind: 'store',
    title: 'S3 answers 503',
    of: 'all',
    run: async (context) => {
      context.fleet.store.isFailing = true;
      await lasts(context, 4_000, 10_000);
      context.fleet.store.isFailing = false;
    },
  },
  {
    kind: 'outputs',
    title: 'rtmp-outputs of one node killed',
    of: 'node',
    run: async (context) => {
      const { pid } = context.fleet.program(context.node);
      for (const child of descendants(pid))
        if (child !== pid && existsSync(`/proc/${child}`)) process.kill(child, 'SIGKILL');
      await sleep(1_000);
    },
  },
];
