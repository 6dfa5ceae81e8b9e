// `npm start`: makes a fresh clone ready (dependencies, bundle) and runs one node, in this very process.
// Plain Node without dependencies, since it is what installs them. Started again it only compares fingerprints.
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync, rmdirSync, rmSync, statSync, utimes } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = resolve(fileURLToPath(new URL('..', import.meta.url)));
const setupLock = join(root, '.build', 'setup.lock');
const lockBeatMs = 1_000;
/** A holder that has not touched the lock for so long was killed. */
const lockStaleMs = 15_000;

try {
  requireNodeVersion();
  // Imported only now: an old Node must get the message above, not a syntax error.
  const { bundlePath, buildBundle, isBundleCurrent } = await import('./build.mjs');
  if (!isBundleCurrent()) {
    await withSetupLock(async () => {
      if (isBundleCurrent()) return; // another start did it while this one waited
      await installWhatBuildingNeeds();
      console.log('Building the server ...');
      await buildBundle();
    });
  }
  process.argv = [process.argv[0], bundlePath, '--quick-start', ...process.argv.slice(2)];
  createRequire(import.meta.url)(bundlePath);
} catch (error) {
  console.error(`Cannot start: ${error.message}`);
  process.exit(1);
}

function requireNodeVersion() {
  const needed = readJson('package.json').engines.node.replace('>=', '');
  const [major, minor] = needed.split('.').map(Number);
  const [hasMajor, hasMinor] = process.versions.node.split('.').map(Number);
  if (hasMajor < major || (hasMajor === major && hasMinor < minor)) {
    throw new Error(`Node.js ${needed} or newer is needed, this is ${process.versions.node}.`);
  }
}

/** Leaves node_modules alone when it holds every package, in the locked version, that the bundle is made of. */
async function installWhatBuildingNeeds() {
  const packages = Object.entries(readJson('package-lock.json').packages).filter(([path]) => path !== '');
  const installed = ([path, entry]) => {
    try {
      return readJson(path, 'package.json').version === entry.version;
    } catch {
      return false;
    }
  };
  const needed = packages.filter(([, entry]) => !entry.dev && !entry.devOptional && !entry.optional);
  // Of the optional ones (esbuild's program for each platform) those that fit this machine are needed.
  const forThisMachine = packages.filter(([, entry]) => entry.optional && !entry.dev && isForThisMachine(entry));
  if ([...needed, ...forThisMachine].every(installed)) return;

  // npm ci empties node_modules first: someone who has the development packages gets them again.
  const development = packages.some(([path, entry]) => entry.dev && existsSync(join(root, path)));
  console.log('Installing dependencies ...');
  await runNpm(['ci', ...(development ? ['--include=dev'] : ['--omit=dev']), '--ignore-scripts']);
}

function isForThisMachine({ os, cpu, libc }) {
  const glibc = () => (process.report?.getReport().header.glibcVersionRuntime ? 'glibc' : 'musl');
  return (
    (!os || os.includes(process.platform)) &&
    (!cpu || cpu.includes(process.arch)) &&
    (!libc || process.platform !== 'linux' || libc.includes(glibc()))
  );
}

/** Runs npm quietly; what it printed is shown only when it fails. */
async function runNpm(args) {
  // Under `npm start` this is the npm that was called, which works on every platform and without a PATH.
  const npmCli = process.env.npm_execpath;
  const [command, commandArgs] = npmCli?.endsWith('.js') ? [process.execPath, [npmCli, ...args]] : ['npm', args];
  const { code, output } = await new Promise((settle) => {
    let output = '';
    const child = spawn(command, [...commandArgs, '--loglevel=error', '--no-audit', '--no-fund', '--no-progress'], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
      shell: process.platform === 'win32' && command === 'npm',
    });
    child.stdout.on('data', (text) => (output += text));
    child.stderr.on('data', (text) => (output += text));
    child.on('error', (error) => settle({ code: 1, output: error.message }));
    child.on('close', (code) => settle({ code, output }));
  });
  if (code !== 0) {
    const detail = output.trim().split('\n').slice(0, 12).join('\n');
    throw new Error(`the dependencies could not be installed (npm ${args[0]}).\n${detail}`);
  }
}

/** One start at a time sets up. The holder touches the lock while it works, so one left by a killed start is seen. */
async function withSetupLock(work) {
  mkdirSync(join(root, '.build'), { recursive: true });
  while (!tryLock()) {
    await new Promise((wake) => setTimeout(wake, 200));
  }
  const beat = setInterval(() => {
    utimes(setupLock, new Date(), new Date(), () => {}); // fails only when someone emptied .build: nothing to guard then
  }, lockBeatMs);
  try {
    await work();
  } finally {
    clearInterval(beat);
    rmSync(setupLock, { recursive: true, force: true });
  }
}

function tryLock() {
  try {
    mkdirSync(setupLock);
    return true;
  } catch (error) {
    if (error.code !== 'EEXIST') throw error;
  }
  try {
    if (Date.now() - statSync(setupLock).mtimeMs > lockStaleMs) {
      const aside = `${setupLock}.${process.pid}`;
      renameSync(setupLock, aside); // only one of several waiting starts can move it away
      rmdirSync(aside);
    }
  } catch {
    // freed or taken by another meanwhile: try again
  }
  return false;
}

function readJson(...path) {
  return JSON.parse(readFileSync(join(root, ...path), 'utf8'));
}
