import { expect, test } from '@jest/globals';
import { silentLogger } from '../../../service/logging/silent-logger';
import { shutDown, shutdownSteps, type ShutdownStep, type StoppingNode } from '../../../service/node/shutdown';

/** Runs steps, some of which take time, on a fake clock; returns the steps with the time that each had. */
async function take(steps: readonly Omit<ShutdownStep, 'run'>[], drainMs: number, tookMs: readonly number[]) {
  let nowMs = 1_000;
  const taken: [string, number][] = [];
  const run = (step: Omit<ShutdownStep, 'run'>, at: number): ShutdownStep => ({
    ...step,
    run: (leftMs) => {
      taken.push([step.name, leftMs]);
      nowMs += tookMs[at] ?? 0;
      return Promise.resolve();
    },
  });
  await shutDown({ steps: steps.map(run), drainMs, log: silentLogger, now: () => nowMs });
  return taken;
}

test('steps are taken one after the other, and share one time', async () => {
  const steps = [{ name: 'a', reserveMs: 3_000 }, { name: 'b', reserveMs: 3_000 }, { name: 'c' }];
  expect(await take(steps, 10_000, [2_000, 1_500, 0])).toEqual([
    ['a', 7_000],
    ['b', 5_000],
    ['c', 6_500],
  ]);
});

test('a step is taken without waiting when its time is over, and waits no longer than its own bound', async () => {
  const steps = [{ name: 'late' }, { name: 'none left', reserveMs: 500 }, { name: 'bounded', maxMs: 300 }];
  expect(await take(steps, 1_000, [600, 0, 0])).toEqual([
    ['late', 1_000],
    ['none left', 0],
    ['bounded', 300],
  ]);
});

test('only the node of a fleet gives its clients the time to leave', () => {
  const names = (inFleet: boolean) => shutdownSteps({ inFleet } as StoppingNode).map(({ name }) => name);
  const [among, alone] = [names(true), names(false)];
  expect(among.filter((name) => !alone.includes(name))).toEqual([
    'tell the fleet',
    'let HTTP players go',
    'let clients leave',
    'let held streams move',
  ]);
  expect(alone.indexOf('end streams')).toBeLessThan(alone.indexOf('deliver stop callbacks'));
  expect(alone.indexOf('deliver stop callbacks')).toBeLessThan(alone.indexOf('leave the fleet'));
});
