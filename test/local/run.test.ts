import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, expect, test } from '@jest/globals';
import { Program } from '../support/programs/program';
import { RtmpClient } from '../support/rtmp/rtmp-client';
import { repositoryRoot } from '../support/servers/server-process';
import { temporaryDirectory } from '../support/servers/test-certificates';

/** Process id -> id of its parent, of all that run now. */
function parents(): Map<number, number> {
  const entries = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return new Map(
    entries.flatMap((pid) => {
      try {
        const [, parent] = /^\d+ \(.*\) \S (\d+) /s.exec(readFileSync(`/proc/${pid}/stat`, 'utf8')) ?? [];
        return [[Number(pid), Number(parent)]];
      } catch {
        return []; // it has ended meanwhile
      }
    }),
  );
}

function descendants(pid: number, all = parents()): number[] {
  const children = [...all].filter(([, parent]) => parent === pid).map(([child]) => child);
  return [...children, ...children.flatMap((child) => descendants(child, all))];
}

const folder = temporaryDirectory();
afterAll(() => folder.remove());

async function running(): Promise<{ program: Program; publisher: RtmpClient; processes: number[] }> {
  const { PATH, HOME } = process.env;
  const program = new Program(process.execPath, ['test/local/run.mjs'], {
    ...{ cwd: repositoryRoot, env: { PATH, HOME, TMPDIR: folder.path }, ownGroup: true, timeoutMs: 90_000 },
  });
  const banner = /rtmp:\/\/127\.0\.0\.1:(\d+)\/demo\/([\w-]{32})[^]*Ctrl-C ends/;
  const [, port, key = ''] = await program.waitForOutput(banner, 80_000);
  const publisher = await RtmpClient.publisher({ port: Number(port), channel: 'demo', key });
  const processes = descendants(program.pid);
  // Load balancer, cache, two nodes and at least two functions.
  expect(processes.length).toBeGreaterThanOrEqual(6);
  return { program, publisher, processes };
}

test('the local deployment shows where to publish, and Ctrl-C leaves nothing behind', async () => {
  const { program, publisher, processes } = await running();
  program.signal('SIGINT');
  expect((await program.exited).code).toBe(0);
  await publisher.expectClosed();
  expect(processes.filter((pid) => parents().has(pid))).toEqual([]);
  // The next start uses tsx's cache of compiled sources.
  expect(readdirSync(folder.path).filter((name) => !name.startsWith('tsx-'))).toEqual([]);
}, 120_000);

test('killed without warning, it leaves no process behind', async () => {
  const { program, processes } = await running();
  await program.kill();
  const deadlineMs = Date.now() + 10_000;
  while (processes.some((pid) => parents().has(pid)) && Date.now() < deadlineMs) await delay(20);
  expect(processes.filter((pid) => parents().has(pid))).toEqual([]);
}, 120_000);
