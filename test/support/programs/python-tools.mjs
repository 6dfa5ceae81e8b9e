import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

const CFN_LINT = '1.58.0';
const MOTO = '5.2.5';
/** A slow package index must not hold the tests up (ms). */
const INSTALL_MS = 180_000;

/** The real (Python) cfn-lint: the one that CFN_LINT names, else one installed into `folder`. */
export function findCfnLint(folder) {
  return process.env.CFN_LINT ?? install(folder, 'cfn-lint', CFN_LINT, `cfn-lint==${CFN_LINT}`, 'cfn-lint');
}

/** A Python with moto's server, an AWS that a third party wrote; MOTO_PYTHON may name one. */
export function findMoto(folder) {
  return process.env.MOTO_PYTHON ?? install(folder, 'moto', MOTO, `moto[server]==${MOTO}`, 'python3');
}

/**
 * A program of a Python package that is installed into `folder`, once. Undefined where Python or its package index
 * cannot be had; the test that wants it then says that it is skipped.
 */
function install(folder, name, version, requirement, program) {
  const venv = join(folder, `${name}-${version}`);
  const path = join(venv, 'bin', program);
  const complete = join(venv, 'bin', name === 'moto' ? 'moto_server' : name);
  if (existsSync(complete)) return path;
  const quiet = { stdio: 'ignore', timeout: INSTALL_MS };
  if (spawnSync('python3', ['-m', 'venv', venv], quiet).status !== 0) return undefined;
  console.log(`Installing ${name} ...`);
  const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', requirement];
  const installed = spawnSync(join(venv, 'bin', 'python3'), pip, quiet).status === 0;
  return installed && existsSync(complete) ? path : undefined;
}
