import { afterAll, describe, expect, test } from '@jest/globals';
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { avcAacStream } from '../support/rtmp/media';
import { describeOnNode } from '../support/programs/node-releases';
import { Program } from '../support/programs/program';
import { RtmpClient } from '../support/rtmp/rtmp-client';
import {
  bundlePath,
  ensureBundle,
  repositoryRoot,
  ServerProcess,
  type ServerOptions,
} from '../support/servers/server-process';
import { temporaryDirectory } from '../support/servers/test-certificates';

const dockerfile = readFileSync(join(repositoryRoot, 'service/Dockerfile'), 'utf8');
const imageNodeVersion = /node:(\d+\.\d+\.\d+)-/.exec(dockerfile)![1]!;

const folder = temporaryDirectory();
chmodSync(folder.path, 0o755);
afterAll(() => folder.remove());

/** The bundle in a directory with nothing else, and that as working directory. */
function alone(name: string): ServerOptions & { readonly cwd: string } {
  ensureBundle();
  const cwd = join(folder.path, name);
  mkdirSync(cwd);
  copyFileSync(bundlePath, join(cwd, 'rtmp-server.cjs'));
  return { cwd, bundle: join(cwd, 'rtmp-server.cjs') };
}

/** Publishes, plays, asks for health and metrics, and ends the server with a signal. */
async function expectToServe(server: ServerProcess): Promise<void> {
  const to = { port: server.rtmpPort, channel: 'live', key: 'demo' };
  const player = await RtmpClient.player(to);
  const publisher = await RtmpClient.publisher(to);
  const stream = avcAacStream('bundle', 50);
  for (const { kind, timestamp, payload } of stream) {
    if (kind === 'video') publisher.sendVideo(timestamp, payload);
    else publisher.sendAudio(timestamp, payload);
  }
  const played = await player.takeMedia(stream.length);
  expect(played.map(({ payload }) => payload)).toEqual(stream.map(({ payload }) => payload));
  expect((await fetch(server.httpUrl('/healthz'))).status).toBe(200);
  expect(await (await fetch(server.httpUrl('/metrics'))).text()).toContain('# TYPE');
  expect(await server.stop()).toBe(0);
}

describe('the bundle, alone in an empty directory', () => {
  test('serves under plain node and leaves nothing behind', async () => {
    const options = alone('plain');
    await expectToServe(await ServerProcess.start({ HTTP_PORT: '0' }, options));
    expect(readdirSync(options.cwd)).toEqual(['rtmp-server.cjs']);
  });

  describeOnNode(/^/, ({ name, node }) => {
    test('serves', async () => {
      await expectToServe(await ServerProcess.start({ HTTP_PORT: '0' }, { ...alone(`on-${name}`), command: [node] }));
    });
  });

  describeOnNode(/^image$/, ({ version, node }) => {
    test('is the release of the image, an LTS one', () => {
      expect(imageNodeVersion).toBe(version);
      expect(execFileSync(node, ['-p', 'process.release.lts'], { encoding: 'utf8' })).toMatch(/^[A-Z][a-z]+$/m);
    });
  });

  test('serves a user without rights on a read-only file system', async () => {
    const command = unprivileged();
    const server = await ServerProcess.start({ HTTP_PORT: '0' }, { ...alone('unprivileged'), command });
    if (command.length > 1) {
      const status = readFileSync(`/proc/${server.pid}/status`, 'utf8');
      expect(status).toMatch(/^Uid:\s+1000\s+1000\s+1000\s+1000$/m);
      expect(status).toMatch(/^CapEff:\s+0+$/m);
    }
    await expectToServe(server);
  });
});

describe('the image', () => {
  test('is built from the files that it copies', () => {
    const context = join(folder.path, 'context');
    const files = [...dockerfile.matchAll(/^COPY (?!--from)(.+) (\S+)$/gm)].flatMap(([, sources]) =>
      sources!.split(' '),
    );
    expect(files).toContain('service');
    for (const file of files) cpSync(join(repositoryRoot, file), join(context, file), { recursive: true });
    symlinkSync(join(repositoryRoot, 'node_modules'), join(context, 'node_modules'));
    const [, build] = /^RUN node (\S+)$/m.exec(dockerfile)!;
    execFileSync(process.execPath, [build!], { cwd: context });
    expect(readdirSync(join(context, '.build'))).toContain('rtmp-server.cjs');

    const ignore = readFileSync(join(repositoryRoot, '.dockerignore'), 'utf8');
    for (const file of files) expect(ignore).toContain(`\n!${file}\n`);
  });

  test('runs its entry point with its settings, is healthy while it runs and unhealthy afterwards', async () => {
    const [, settings] = /^ENV (.+)$/m.exec(dockerfile)!;
    const environment = Object.fromEntries(
      settings!.split(' ').map((setting) => setting.split('=') as [string, string]),
    );
    expect(environment).toMatchObject({ HTTP_PORT: '8080', HTTP_BIND_ADDRESS: '0.0.0.0' });
    const [, entryPoint] = /^ENTRYPOINT (\[.+\])$/m.exec(dockerfile)!;
    expect(JSON.parse(entryPoint!)).toEqual(['node', '/app/rtmp-server.cjs']);
    const [, healthCheck] = /^HEALTHCHECK[^\]]+CMD (\[.+\])$/m.exec(dockerfile)!;
    const [, ...healthArgs] = JSON.parse(healthCheck!) as string[];

    const server = await ServerProcess.start({ ...environment, HTTP_PORT: '0' }, alone('entry'));
    const env = { HTTP_PORT: String(server.httpPort) };
    const isHealthy = async (): Promise<boolean> =>
      (await new Program(process.execPath, healthArgs, { env }).exited).code === 0;
    expect(await isHealthy()).toBe(true);
    expect(await server.stop()).toBe(0);
    expect(await isHealthy()).toBe(false);
  });
});

/** As much of a container's isolation as this machine allows; only root can drop rights. */
function unprivileged(): readonly string[] {
  if (process.getuid?.() !== 0 || spawnSync('setpriv', ['--version']).status !== 0) return [process.execPath];
  const asNobody = 'setpriv --reuid 1000 --regid 1000 --clear-groups --no-new-privs --bounding-set=-all';
  const ownMounts = spawnSync('unshare', ['--mount', 'mount', '-o', 'remount,bind,ro', '/']).status === 0;
  if (!ownMounts) return [...asNobody.split(' '), process.execPath];
  const script = `mount -o remount,bind,ro / && exec ${asNobody} "$0" "$@"`;
  return ['unshare', '--mount', 'sh', '-c', script, process.execPath];
}
