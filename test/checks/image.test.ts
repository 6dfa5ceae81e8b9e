import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { publishWithFfmpeg, sourceFile } from '../support/programs/ffmpeg';
import { RunningProgram } from '../support/programs/running-program';
import { buildServiceImage, imageSettings } from '../local/ingest/service-image';
import { repositoryRoot } from '../support/servers/server-process';

/** A slow package index must not hold the tests up. */
const BUILD_MS = 360_000;

/** The root file system of the image that a real image builder made from service/Dockerfile; or why there is none. */
function builtImage(): { readonly root: string } | { readonly missing: string } {
  if (process.getuid?.() !== 0) return { missing: 'it takes root' };
  for (const program of ['buildah', 'mmdebstrap', 'unshare']) {
    if (spawnSync(program, ['--version']).status !== 0) return { missing: `there is no ${program}` };
  }
  if (spawnSync('unshare', ['--mount', 'true']).status !== 0) return { missing: 'nothing may be mounted here' };
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(__dirname, 'image-build.mjs')], {
    encoding: 'utf8',
    timeout: BUILD_MS,
  });
  if (status === null) return { missing: `it takes longer than ${BUILD_MS / 60_000} minutes` };
  if (status === 75) return { missing: stderr.trim() };
  if (status !== 0) throw new Error(`service/Dockerfile cannot be built:\n${stderr}`);
  return { root: stdout.trim() };
}

/** Mounts of the test's process: the root read-only, as on Fargate, with /dev and /proc; then the image's user. */
const container = `set -e
mount --bind "$1" "$1"
mount -o remount,bind,ro "$1"
mount --rbind /dev "$1/dev"
mount -t proc proc "$1/proc"
root=$1
shift
exec chroot --userspec=1000:1000 "$root" "$@"`;

const image = builtImage();
if ('missing' in image) process.stderr.write(`the image is not built: ${image.missing}\n`);

('missing' in image ? test.skip : test)(
  'the image runs read-only as user 1000, takes a stream of ffmpeg and ends when it is told to',
  async () => {
    const { root } = image as { root: string };
    expect(readFileSync(join(root, 'app/third-party-licences.txt'), 'utf8')).toContain('ioredis');
    expect(readFileSync(join(root, 'app/LICENSE'), 'utf8')).toBe(readFileSync(join(repositoryRoot, 'LICENSE'), 'utf8'));
    const { entryPoint, environment } = imageSettings();
    const variables = { ...environment, HTTP_PORT: '0', RTMP_PORT: '0', BIND_ADDRESS: '127.0.0.1', DRAIN_SECONDS: '5' };
    const settings = Object.entries(variables).map(([name, value]) => `${name}=${value}`);
    const program = new RunningProgram('unshare', [
      ...['--mount', 'sh', '-c', container, 'container', root, 'env', '-i', 'PATH=/usr/local/bin:/usr/bin:/bin'],
      ...[...settings, ...entryPoint],
    ]);
    const [, port] = await program.waitForOutput(/RTMP listening on \S*:(\d+)/);
    const url = `rtmp://127.0.0.1:${port}/news/key`;
    await publishWithFfmpeg(await sourceFile('tiny'), url, { realTime: false }).succeeded();
    await program.waitForOutput(/publish.*news/i);
    await program.stop(10_000);
    expect(await program.exited).toBe(0);
  },
  300_000,
);

test('the files that service/Dockerfile copies are the programs, their maps and the licences', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'image-files-'));
  try {
    await buildServiceImage(repositoryRoot, directory);
    const files = readdirSync(join(directory, 'app'));
    expect(files).toEqual(
      expect.arrayContaining(['LICENSE', 'third-party-licences.txt', 'rtmp-server.cjs', 'rtmp-server.cjs.map']),
    );
    expect(files.filter((name) => /\.(?:json|ts)$/.test(name))).toEqual([]);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}, 60_000);

test('all that service/Dockerfile copies is in the build context, for every builder', () => {
  const read = (path: string): string => readFileSync(join(repositoryRoot, path), 'utf8');
  const copied = [...read('service/Dockerfile').matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, names = '']) =>
    names.split(' '),
  );
  const contexts = {
    '.dockerignore': read('.dockerignore').match(/(?<=^!).+/gm) ?? [],
    'infra/ingest/ingest-task.ts': read('infra/ingest/ingest-task.ts').match(/(?<='!)[^']+/g) ?? [],
  };
  expect(copied).toContain('LICENSE');
  for (const names of Object.values(contexts)) expect(names.toSorted()).toEqual(copied.toSorted());
});
