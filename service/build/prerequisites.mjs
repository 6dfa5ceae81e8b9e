// Checks and installs what a clone needs to run: the Node version and the packages of the lock file.
// Plain Node without dependencies, since it is what installs them.
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Throws when this Node is older than package.json's `engines` asks for. */
export function requireNodeVersion() {
  const needed = readJson('package.json').engines.node.replace('>=', '');
  const [major, minor] = needed.split('.').map(Number);
  const [hasMajor, hasMinor] = process.versions.node.split('.').map(Number);
  if (hasMajor < major || (hasMajor === major && hasMinor < minor)) {
    const why = 'Older ones have known security holes that others can reach over the network.';
    const take = 'Take the newest patch release of 22, 24 or 26.';
    throw new Error(`Node.js ${needed} or newer is needed, this is ${process.versions.node}. ${why} ${take}`);
  }
}

/**
 * Installs packages with npm if any is missing or not of the locked version. Without `development`, only the packages
 * that the service needs are checked; installed development packages stay installed.
 */
export async function installPackages({ development }) {
  const packages = Object.entries(readJson('package-lock.json').packages).filter(([path]) => path !== '');
  const counts = ([, entry]) =>
    (development || !(entry.dev || entry.devOptional)) && (!entry.optional || isProgramForThisMachine(entry));
  if (packages.filter(counts).every(isInstalled)) return;

  // `npm ci` empties node_modules first: development packages that were installed are installed again.
  const hadDevelopment = packages.some(([path, entry]) => entry.dev && existsSync(join(root, path)));
  console.error('Installing dependencies ...'); // standard output is for the program's own output
  await runNpm(['ci', development || hadDevelopment ? '--include=dev' : '--omit=dev', '--ignore-scripts']);
}

function isInstalled([path, { version }]) {
  try {
    return readJson(path, 'package.json').version === version;
  } catch {
    return false;
  }
}

/** Optional packages are programs for one platform each, or dependencies of another platform's program. */
function isProgramForThisMachine({ os, cpu, libc }) {
  const ownLibc = () => (process.report.getReport().header.glibcVersionRuntime ? 'glibc' : 'musl');
  return (
    Boolean(os?.includes(process.platform)) &&
    Boolean(cpu?.includes(process.arch)) &&
    (!libc || process.platform !== 'linux' || libc.includes(ownLibc()))
  );
}

/** Runs npm quietly; its output is shown only when it fails. */
async function runNpm(args) {
  // Inside an npm script, this is the npm that was called: it works on every platform and without a PATH.
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
  if (code === 0) return;
  const reason = output.trim().split('\n').slice(0, 12).join('\n');
  throw new Error(`the dependencies could not be installed (npm ${args[0]} failed).\n${reason}`);
}

function readJson(...path) {
  return JSON.parse(readFileSync(join(root, ...path), 'utf8'));
}
