import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { Program } from '../support/programs/program';
import { RtmpClient } from '../support/rtmp/rtmp-client';
import { repositoryRoot } from '../support/servers/server-process';
import { temporaryDirectory } from '../support/servers/test-certificates';

// npm may have to fetch the packages.
const installMs = 180_000;

const folder = temporaryDirectory();
const clone = join(folder.path, 'a fresh clone');
const inClone = (path: string): string => join(clone, path);
beforeAll(() => {
  execFileSync('git', ['clone', '--quiet', '--depth=1', `file://${repositoryRoot}`, clone]);
});
afterAll(() => folder.remove());

/** Another of the clone's npm scripts, run to its end. */
async function npmRun(...args: string[]): Promise<{ code: number | null; output: string }> {
  const { PATH, HOME } = process.env;
  const program = new Program('npm', args, { cwd: clone, env: { PATH, HOME, CI: 'true' }, timeoutMs: installMs });
  const { code } = await program.exited;
  return { code, output: program.output };
}

/** As from a terminal: npm and its child processes are one process group, to which Ctrl-C sends the signal. */
function npmStart(environment: Record<string, string> = {}): Program {
  const { PATH, HOME } = process.env;
  const env = { PATH, HOME, CI: 'true', RTMP_PORT: '0', ...environment };
  return new Program('npm', ['start', '--silent'], { cwd: clone, env, ownGroup: true, timeoutMs: installMs });
}

/** Waits for the end of the banner; gives the port that it names. */
async function ready(program: Program): Promise<number> {
  const [, port] = await program.waitForOutput(/Server\s+rtmp:\/\/[^\s/]+:(\d+)\/live[^]*Ctrl-C/, installMs);
  return Number(port);
}

async function interrupt(program: Program): Promise<number | null> {
  program.signal('SIGINT');
  return (await program.exited).code;
}

const bundleTime = (): number => statSync(inClone('.build/rtmp-server.cjs')).mtimeMs;

describe('before anything is installed', () => {
  test.each([['test'], ['run', 'keys'], ['run', 'local']])('npm %s %s explains itself', async (...script) => {
    expect(await npmRun(...script, '--', '--help')).toEqual({
      code: 0,
      output: expect.stringMatching(/^Usage: npm /m),
    });
    expect(existsSync(inClone('node_modules'))).toBe(false);
  });

  test(
    'npm run build brings what it needs',
    async () => {
      expect(await npmRun('run', 'build')).toMatchObject({ code: 0 });
      expect(existsSync(inClone('.build/rtmp-server.cjs'))).toBe(true);
      for (const folder of ['node_modules', '.build']) rmSync(inClone(folder), { recursive: true });
    },
    installMs,
  );
});

describe('npm start', () => {
  test(
    'twice at once in a fresh clone sets up what running needs, shows how to publish, and ends with Ctrl-C',
    async () => {
      const starts = [npmStart(), npmStart()];
      const ports = await Promise.all(starts.map(ready));
      for (const port of ports) {
        const publisher = await RtmpClient.publisher({ port, channel: 'live', key: 'demo' });
        await publisher.close();
      }
      const metricsUrls = starts.map(({ output }) => /Metrics\s+(\S+)/.exec(output)![1]!);
      expect(new Set(metricsUrls).size).toBe(2);
      for (const url of metricsUrls) expect((await fetch(url)).status).toBe(200);
      expect(starts.map(({ output }) => output.split('Installing dependencies').length - 1).sort()).toEqual([0, 1]);
      // Such as the compiler's.
      expect(execFileSync('ps', ['-eo', 'args'], { encoding: 'utf8' })).not.toContain(inClone('node_modules'));
      expect(await Promise.all(starts.map(interrupt))).toEqual([0, 0]);

      for (const name of ['jest', 'typescript', 'aws-cdk-lib'])
        expect(existsSync(inClone(`node_modules/${name}`))).toBe(false);
      expect(execFileSync('git', ['status', '--porcelain'], { cwd: clone, encoding: 'utf8' })).toBe('');
    },
    installMs,
  );

  test('again neither installs nor builds, and needs no package', async () => {
    const built = bundleTime();
    rmSync(inClone('node_modules'), { recursive: true });
    const program = npmStart();
    await ready(program);
    expect(program.output).not.toMatch(/Installing|Building/);
    expect(bundleTime()).toBe(built);
    expect(await interrupt(program)).toBe(0);
  });

  test('with several workers ends with Ctrl-C just as well', async () => {
    const program = npmStart({ WORKERS: '2' });
    const publisher = await RtmpClient.publisher({ port: await ready(program), channel: 'live', key: 'demo' });
    expect(await interrupt(program)).toBe(0);
    await publisher.expectClosed();
  });

  test(
    'builds again when a source has changed, and leaves packages that are there alone',
    async () => {
      execFileSync('npm', ['ci', '--omit=dev', '--ignore-scripts', '--silent'], { cwd: clone });
      const developmentPackage = inClone('node_modules/one-for-development/package.json');
      execFileSync('mkdir', [join(developmentPackage, '..')]);
      writeFileSync(developmentPackage, '{}');
      const source = inClone('service/banner.ts');
      writeFileSync(source, readFileSync(source, 'utf8').replace('Stream Key', 'Your Key!!'));
      const program = npmStart();
      await ready(program);
      expect(program.output).toContain('Your Key!!');
      expect(program.output).not.toContain('Installing');
      expect(existsSync(developmentPackage)).toBe(true);
      expect(await interrupt(program)).toBe(0);
    },
    installMs,
  );

  test(
    'leaves what npm run keys needs to npm run keys',
    async () => {
      rmSync(inClone('node_modules'), { recursive: true });
      execFileSync('npm', ['ci', '--omit=dev', '--ignore-scripts', '--silent'], { cwd: clone });
      const { code, output } = await npmRun('run', 'keys', '--', 'list');
      expect(output).toContain('TABLE_NAME is not set');
      expect(code).toBe(1);
    },
    installMs,
  );

  test('says in one line that the port is taken', async () => {
    const occupant = createServer().listen(0).unref();
    await once(occupant, 'listening');
    const { port } = occupant.address() as AddressInfo;
    const program = npmStart({ RTMP_PORT: String(port) });
    expect((await program.exited).code).toBe(1);
    expect(program.output.trim().split('\n')).toEqual([expect.stringContaining(`port ${port}`)]);
  });

  test('says so when the packages cannot be fetched', async () => {
    rmSync(inClone('node_modules'), { recursive: true, force: true });
    rmSync(inClone('.build'), { recursive: true });
    const program = npmStart({
      npm_config_registry: 'http://127.0.0.1:9/',
      npm_config_cache: join(folder.path, 'empty cache'),
      npm_config_fetch_retries: '0',
    });
    expect((await program.exited).code).toBe(1);
    expect(program.output).toMatch(/^Cannot start: the dependencies could not be installed/m);
    expect(existsSync(inClone('.build/setup.lock'))).toBe(false);
  });

  test('says which Node.js it needs', async () => {
    const manifest = inClone('package.json');
    writeFileSync(manifest, readFileSync(manifest, 'utf8').replace(/"node": ">=[\d.]+"/, '"node": ">=99.1.0"'));
    const program = npmStart();
    expect((await program.exited).code).toBe(1);
    expect(program.output).toContain(`Node.js 99.1.0 or newer is needed, this is ${process.versions.node}.`);
  });
});
