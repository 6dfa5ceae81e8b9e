// Builds the fuzzer with one defect after another in the server's source, and counts the schedules until it is found.
// One line of JSON per defect: { name, found, words }; found: `finding`, the number of schedules, or null. SCHEDULES: the
// most for one defect; SEED; ONLY: a part of the names; COMMON=YES: only defects that are found soon. Exit codes: 0 all
// were found, 1 one was not, 2 wrong usage.
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { count, exitCodeOf, seed as seedOf, WrongArgument } from '../../support/programs/arguments.cjs';

const root = resolve(fileURLToPath(new URL('../../..', import.meta.url)));
const out = join(root, '.build', `defects-${process.pid}`);
const require = createRequire(import.meta.url);
const { SCHEDULES = '600', SEED = '1', ONLY = '', COMMON = 'NO' } = process.env;

/** The fuzzer as one file, with this change of a source. */
async function bundle(entry, file, defect) {
  let isDone = defect === undefined;
  await build({
    entryPoints: [join(root, entry)],
    outfile: file,
    ...{ bundle: true, platform: 'node', format: 'cjs', target: 'node20', logLevel: 'error', external: ['esbuild'] },
    plugins: [
      {
        name: 'defect',
        setup({ onLoad }) {
          if (defect === undefined) return;
          onLoad({ filter: /\.ts$/ }, ({ path }) => {
            if (path !== join(root, defect.file)) return undefined;
            const source = readFileSync(path, 'utf8');
            if (source.split(defect.search).length !== 2) throw new Error(`no such source for: ${defect.name}`);
            isDone = true;
            return { contents: source.replace(defect.search, () => defect.replace), loader: 'ts' };
          });
        },
      },
    ],
  });
  if (!isDone) throw new Error(`${defect.file} is not part of the fuzzer`);
  return require(file);
}

try {
  const schedules = count('SCHEDULES', SCHEDULES);
  const seed = seedOf('SEED', SEED);
  mkdirSync(out, { recursive: true });
  const { DEFECTS } = await bundle('test/fuzz/session/defects.ts', join(out, 'defects.cjs'));
  const chosen = DEFECTS.filter(({ name, isCommon }) => name.includes(ONLY) && (COMMON !== 'YES' || isCommon === true));
  if (chosen.length === 0) throw new WrongArgument(`ONLY: a part of a defect's name, not '${ONLY}'`);
  for (const [index, defect] of chosen.entries()) {
    const { firstFailure } = await bundle('test/fuzz/session/fuzz.ts', join(out, `${index}.cjs`), defect);
    const { found, words } = await firstFailure({ schedules, seed, maxMoves: 30 });
    process.stdout.write(`${JSON.stringify({ name: defect.name, found, words })}\n`);
    if (found === null) process.exitCode = 1;
  }
} catch (error) {
  console.error(error instanceof WrongArgument ? error.message : error);
  process.exitCode = exitCodeOf(error);
} finally {
  rmSync(out, { recursive: true, force: true });
}
