import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import cluster from 'node:cluster';
import { join } from 'node:path';
import { MemoryLives } from '../../../service/leases/memory-lives';
import { AddressRules } from '../../../service/addresses/address-rules';
import { ConnectionLimits } from '../../../service/net/gate/connection-limits';
import { type PoolTiming, WorkerPool } from '../../../service/workers/worker-pool';
import { MemoryLogger } from '../../support/memory-logger';

type Behaviour = 'serves' | 'leaves a stop' | 'fails' | 'never listens' | 'hangs' | 'is not ready' | 'is starting';

let log: MemoryLogger;
let pool: WorkerPool | undefined;
let lives: MemoryLives;
/** Stops that were left to the parent process. */
let inherited: string[];

beforeEach(() => {
  log = new MemoryLogger();
  lives = new MemoryLives({ takeover: false, resumes: false });
  inherited = [];
});
afterEach(() => pool?.stop());

/** Workers that are started from now on behave like this. */
function nextOnes(behaviour: Behaviour): void {
  cluster.setupPrimary({
    exec: join(__dirname, 'stand-in-worker.cjs'),
    args: [behaviour],
    silent: true,
    cwd: __dirname,
  });
}

function poolOf(count: number, timing: Partial<PoolTiming> = {}): WorkerPool {
  pool = new WorkerPool({
    count,
    lives,
    limits: new ConnectionLimits({
      maxPerAddress: 4,
      maxPerSecond: 1000,
      exempt: AddressRules.parse([]),
      now: () => 0,
    }),
    drainMs: 0,
    log,
    stops: {
      take: (stops) => void inherited.push(...stops.map(({ jti }) => jti)),
      finish: () => Promise.resolve(),
    },
    timing: { restartMs: 20, killMarginMs: 100, ...timing },
    drainRequested: () => undefined,
  });
  return pool;
}

const processIds = (): number[] => Object.values(cluster.workers ?? {}).flatMap((worker) => worker?.process.pid ?? []);

async function untilServing(count: number): Promise<void> {
  while ((await pool?.ask('ready'))?.length !== count) await new Promise((resolve) => setTimeout(resolve, 20));
}

describe('a start', () => {
  test('ends with the ports, when all workers listen', async () => {
    nextOnes('serves');
    expect(await poolOf(3).start()).toEqual({ rtmp: 1935 });
    expect(processIds()).toHaveLength(3);
    expect(await pool?.check()).toEqual({ ready: true });
  });

  test('fails for the reason that a worker gives', async () => {
    nextOnes('fails');
    await expect(poolOf(2).start()).rejects.toThrow('there is a reason');
  });

  test('fails when a worker does not get to listen', async () => {
    nextOnes('never listens');
    await expect(poolOf(2, { startMs: 300 }).start()).rejects.toThrow('did not listen within 0.3 s');
  });
});

describe('a worker that', () => {
  test('is killed is replaced, also when the next ones do not manage to start', async () => {
    nextOnes('serves');
    await poolOf(2).start();
    const [victim, survivor] = processIds();
    nextOnes('fails');
    process.kill(victim!, 'SIGKILL');
    await log.waitFor(/a worker could not start, another one is started .*there is a reason/);
    nextOnes('serves');
    await untilServing(2);
    expect(processIds()).toContain(survivor);
    expect(processIds()).not.toContain(victim);
  });

  test('does not answer is ended and replaced', async () => {
    nextOnes('hangs');
    await poolOf(1, { answerMs: 100, maxMissedChecks: 3 }).start();
    nextOnes('serves');
    for (let i = 0; i < 3; i += 1) {
      expect(log.matching(/does not answer/)).toEqual([]);
      expect(await pool?.check()).toMatchObject({ ready: false });
    }
    await log.waitFor(/a worker does not answer/);
    await untilServing(1);
  });

  test('was slow to answer questions that are no checks is left alone', async () => {
    nextOnes('hangs');
    const slow = poolOf(1, { answerMs: 50, maxMissedChecks: 2 });
    await slow.start();
    await Promise.all(Array.from({ length: 20 }, () => slow.ask('streams')));
    await slow.check();
    expect(log.matching(/does not answer/)).toEqual([]);
  });

  test.each<[string, Behaviour, boolean]>([
    ['is not ready keeps the others from being it: clients come to it, too', 'is not ready', false],
    ['starts does not, for clients do not come to it yet', 'is starting', true],
  ])('%s', async (_, behaviour, ready) => {
    nextOnes(behaviour);
    await poolOf(2).start();
    expect(await pool?.check()).toMatchObject({ ready: false, reason: expect.anything() });
    nextOnes('serves');
    process.kill(processIds()[0]!, 'SIGKILL');
    await log.waitFor(/a worker ended/);
    await untilServing(2);
    expect((await pool?.check())?.ready).toBe(ready);
  });

  test('has just been killed does no harm to the parent that speaks to it', async () => {
    nextOnes('serves');
    await poolOf(1).start();
    process.kill(processIds()[0]!, 'SIGKILL');
    // Its end takes effect at once, but this process learns of it only in a later turn of its event loop.
    for (const until = performance.now() + 100; performance.now() < until;);
    expect(await pool?.ask('ready')).toEqual([]);
    await untilServing(1);
  });
});

describe('the end', () => {
  test('comes when all workers have ended, those that hang too', async () => {
    nextOnes('serves');
    await poolOf(1).start();
    nextOnes('hangs');
    process.kill(processIds()[0]!, 'SIGKILL');
    await log.waitFor(/a worker ended/);
    while (processIds().length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
    await pool?.stop();
    expect(processIds()).toEqual([]);
  });

  test('may come while a worker is about to be replaced', async () => {
    nextOnes('serves');
    await poolOf(2).start();
    process.kill(processIds()[0]!, 'SIGKILL');
    await log.waitFor(/a worker ended/);
    await pool?.stop();
    expect(processIds()).toEqual([]);
  });

  test('leaves the stops that workers did not send to the parent process', async () => {
    nextOnes('leaves a stop');
    await poolOf(2).start();
    const expected = processIds().map((pid) => `jti-${pid}`);
    await pool?.stop();
    expect(inherited.sort()).toEqual(expected.sort());
  });

  test('leaves those of a worker that died before, when there was no other', async () => {
    nextOnes('leaves a stop');
    await poolOf(1, { restartMs: 60_000 }).start();
    const [pid] = processIds();
    process.kill(pid!, 'SIGKILL');
    await log.waitFor(/a worker ended/);
    expect(inherited).toEqual([]);
    await pool?.stop();
    expect(inherited).toEqual([`jti-${pid}`]);
  });
});

test('a worker for which the system makes no process is replaced when it does again', async () => {
  nextOnes('serves');
  await poolOf(1).start();
  cluster.setupPrimary({ cwd: '/does/not/exist' });
  process.kill(processIds()[0]!, 'SIGKILL');
  await log.waitFor(/a worker could not start/);
  nextOnes('serves');
  await untilServing(1);
});
