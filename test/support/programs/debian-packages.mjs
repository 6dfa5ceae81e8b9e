// Programs that tests and the local deployment run, from Debian's packages.
import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/**
 * The packages of the programs that are missing.
 * @param {Record<string, string>} programs program -> the package that holds it
 */
export function packagesOfMissingPrograms(programs) {
  const missing = Object.entries(programs).filter(([program]) => !isOnPath(program));
  return [...new Set(missing.map(([, name]) => name))];
}

function isOnPath(program) {
  return (process.env.PATH ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/**
 * Installs the missing packages with apt-get, as root; other users are told which ones are needed.
 * @param {() => string[]} missing gives the missing packages; called again afterwards
 */
export function installDebianPackages(missing) {
  const names = missing();
  if (names.length === 0) return;
  if (process.getuid?.() !== 0 || !isOnPath('apt-get')) {
    throw new Error(`programs are missing. On Debian: sudo apt-get install ${names.join(' ')}`);
  }
  console.log(`Installing ${names.join(' ')} ...`);
  withoutServiceStarts(() => {
    const options = ['-o', 'DPkg::Lock::Timeout=300', '-qq'];
    aptGet([...options, 'update']);
    aptGet([...options, '--no-install-recommends', '-y', 'install', ...names]);
  });
  const still = missing();
  if (still.length > 0) throw new Error(`still missing after apt-get install: ${still.join(' ')}`);
}

function aptGet(args) {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const { status, stdout, stderr } = spawnSync('apt-get', args, {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
    maxBuffer: 2 ** 28,
  });
  if (status !== 0) throw new Error(`apt-get ${args.join(' ')} failed:\n${stdout}${stderr}`.trimEnd());
}

/** Debian starts services that it installs (a redis-server on its standard port) unless this policy forbids it. */
function withoutServiceStarts(work) {
  const policy = '/usr/sbin/policy-rc.d';
  if (existsSync(policy)) return work();
  mkdirSync('/usr/sbin', { recursive: true });
  writeFileSync(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  const keepUntilDone = () => {}; // Ctrl-C ends apt-get, and then this function as an error
  process.on('SIGINT', keepUntilDone);
  try {
    return work();
  } finally {
    process.off('SIGINT', keepUntilDone);
    rmSync(policy, { force: true });
  }
}
