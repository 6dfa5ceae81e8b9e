import { execFile } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

const CFN_LINT = '1.58.0';
const MOTO = '5.2.5';
/** Time limit of an installation (ms): a slow package index must not delay the tests. */
const INSTALL_MS = 180_000;

/**
 * The real (Python) cfn-lint, and a Python with moto's server, a third party's imitation of AWS: the programs that
 * CFN_LINT and MOTO_PYTHON name, otherwise both are installed once into an environment below `folder`. Returns
 * variables for the tests. If Python or its package index is not available, a variable is missing, which is reported,
 * and the tests that need it are skipped.
 * @param {string} folder
 * @returns {Promise<Record<string, string>>}
 */
export async function findPythonTools(folder) {
  const given = Object.fromEntries(
    ['CFN_LINT', 'MOTO_PYTHON'].flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : [])),
  );
  if (Object.keys(given).length === 2) return given;
  const venv = join(folder, `python-${CFN_LINT}-${MOTO}`);
  const found = {
    CFN_LINT: join(venv, 'bin/cfn-lint'),
    MOTO_PYTHON: join(venv, 'bin/python3'),
  };
  try {
    if (!existsSync(join(venv, 'complete'))) await install(venv);
    return { ...found, ...given };
  } catch (error) {
    const [reason = ''] = String(error.stderr || error.message)
      .trim()
      .split('\n')
      .slice(-1);
    console.log(`Checks by cfn-lint and moto will be skipped, they cannot be installed: ${reason}`);
    return given;
  }
}

async function install(venv) {
  const run = promisify(execFile);
  const options = { timeout: INSTALL_MS };
  rmSync(venv, { recursive: true, force: true });
  await run('python3', ['-m', 'venv', venv], options);
  console.log('Installing cfn-lint and moto ...');
  const quietly = ['--quiet', '--disable-pip-version-check', '--no-compile', '--retries', '1', '--timeout', '20'];
  const packages = [`cfn-lint==${CFN_LINT}`, `moto[server]==${MOTO}`];
  await run(join(venv, 'bin/python3'), ['-m', 'pip', 'install', ...quietly, ...packages], options);
  await run('touch', [join(venv, 'complete')]);
}
