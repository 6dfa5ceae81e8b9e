// `npm run mutation -- FOLDER`: changes the source of a folder of service/ in hundreds of small ways (mutants), and tells
// which changes no unit test notices. Takes minutes a folder; the report is .build/mutation/FOLDER.html.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { MUTATED_FOLDERS } from './folders.mjs';
import { survivors, table } from './report.mjs';
import { prepare } from '../../service/build/prepare.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const known = Object.keys(MUTATED_FOLDERS);
const USAGE = `Usage: npm run mutation -- [FOLDER[/FILE] ...] [--list] [--again]

Mutates folders of service/ (${known.join(', ')}; all without an argument), or some of their files (hub/gop-*.ts), and
runs the folder's unit tests.

  --list     lists the mutants that survived the last run, and runs nothing
  --again    runs all mutants; otherwise those whose source and tests have not changed keep their last result`;

const args = process.argv.slice(2);
const targets = args.filter((argument) => !argument.startsWith('--'));
const folderOf = (target) => target.split('/')[0];
const options = args.filter((argument) => argument.startsWith('--'));
if (options.includes('--help')) {
  console.log(USAGE);
  process.exit(0);
}
const wrong = wrongIn();
if (wrong !== undefined) {
  console.error(`${wrong}\n\n${USAGE}`);
  process.exit(2);
}

await prepare({ task: 'mutate' });
const chosen = targets.length > 0 ? targets : known;
mkdirSync(join(root, '.build/mutation'), { recursive: true });
for (const target of options.includes('--list') ? [] : chosen) {
  const { status } = spawnSync(
    process.execPath,
    [
      join(root, 'node_modules/@stryker-mutator/core/bin/stryker.js'),
      'run',
      'test/mutation/stryker.config.mjs',
      ...(options.includes('--again') ? ['--force'] : []),
    ],
    { cwd: root, stdio: 'inherit', env: { ...process.env, MUTATION_TARGET: target, LIFE_SCHEDULES: '100' } },
  );
  if (status !== 0) process.exit(1);
}

const reports = [...new Set(chosen.map(folderOf))]
  .map((folder) => ({ folder, path: join(root, `.build/mutation/${folder}.json`) }))
  .filter(({ path }) => existsSync(path))
  .map(({ folder, path }) => ({ folder, report: JSON.parse(readFileSync(path, 'utf8')) }));
if (options.includes('--list')) for (const { report } of reports) console.log(survivors(report).join('\n'));
console.log(table(reports));

/** What cannot be done of what was asked for. With a file that is not there Stryker would empty the folder's report. */
function wrongIn() {
  for (const option of options) {
    if (!['--list', '--again'].includes(option)) return `There is no option ${option}.`;
  }
  for (const target of targets) {
    const folder = folderOf(target);
    if (!known.includes(folder)) return `${target}: of service/, only ${known.join(', ')} can be mutated.`;
    if (target !== folder && !isThere(target)) return `${target}: no such file in service/${folder}/ that is mutated.`;
  }
  return undefined;
}

/** Whether a path or pattern below service/ names a file that is mutated. */
function isThere(target) {
  const folder = folderOf(target);
  const left = MUTATED_FOLDERS[folder].withoutSources ?? [];
  const [path] = target.slice(folder.length + 1).split(':');
  const pattern = path
    .replace(/[.+^$()|[\]\\]/g, '\\$&')
    .replace(/\*\*\/?|[*?]/g, (wild) => ({ '?': '[^/]', '*': '[^/]*' })[wild] ?? '.*')
    .replace(/\{([^}]*)\}/g, (_, words) => `(?:${words.replaceAll(',', '|')})`);
  return readdirSync(join(root, 'service', folder), { recursive: true })
    .filter((file) => file.endsWith('.ts') && !left.includes(file))
    .some((file) => new RegExp(`^${pattern}$`).test(file));
}
