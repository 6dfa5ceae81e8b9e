import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

const VERSION = '1.58.0';
/** A slow package index must not hold the tests up (ms). */
const INSTALL_MS = 120_000;

/**
 * The path of the real (Python) cfn-lint: the one that CFN_LINT names, else one installed into `folder`. Undefined where
 * Python or its package index cannot be had; the test that wants it then says that it is skipped.
 */
export function findCfnLint(folder) {
  if (process.env.CFN_LINT) return process.env.CFN_LINT;
  const venv = join(folder, `cfn-lint-${VERSION}`);
  const program = join(venv, 'bin', 'cfn-lint');
  if (existsSync(program)) return program;
  const quiet = { stdio: 'ignore', timeout: INSTALL_MS };
  if (spawnSync('python3', ['-m', 'venv', venv], quiet).status !== 0) return undefined;
  console.log('Installing cfn-lint ...');
  const pip = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', `cfn-lint==${VERSION}`];
  const installed = spawnSync(join(venv, 'bin', 'python3'), pip, quiet).status === 0;
  return installed && existsSync(program) ? program : undefined;
}
