// Coverage-guided fuzzing of everything that reads what others have written: `npm run fuzz -- --help`.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { Worker } from 'node:worker_threads';
import { prepare } from '../../service/build/prepare.mjs';
import { aboveZero, count, existingFile, exitCodeOf, seed, WrongArgument } from '../support/programs/arguments.cjs';

const here = fileURLToPath(new URL('.', import.meta.url));
const root = join(here, '../..');
const outDir = join(root, '.build/fuzz');
/** A target that does not come to an end of one input for so long is stopped (ms). */
const HANG_MS = 30_000;
const SHARED_BYTES = 1 << 20;

const targetsDir = join(here, 'targets');
const all = readdirSync(targetsDir)
  .filter((name) => name.endsWith('.ts'))
  .map((name) => name.slice(0, -'.ts'.length));

const USAGE = `Usage: npm run fuzz -- [TARGET ...] [--short] [--runs N] [--seconds S] [--seed N]

Runs targets with their corpus, then with mutations of what reached new code, until a limit or the first finding of each.
Without a name: all targets. Default: 100000 runs each.

  --short        2000 executions, fewer of targets that take long: what npm test does
  --runs N       executions with mutated inputs, of each target
  --seconds S    at most so long, each target
  --seed N       for other mutations than last time; the same seed gives the same run
  --input FILE   runs the named target with this input only
  --blind        keeps no input that reached something new: random mutations, to compare with
  --json         one line of JSON for each target

Findings are written to .build/fuzz/. Exit codes: 0 nothing found, 1 something found, 2 wrong usage.

Targets:
${all.map((name) => `  ${name.padEnd(18)} ${readsOf(name)}`).join('\n')}
`;

await prepare();
// It needs packages that may just have been installed.
const { bundleTargets } = await import('./engine/bundle.mjs');

const { options, names } = readArguments();
if (options.help) console.log(USAGE);
else await fuzzAll(names);

/** What the command line says; with 2 ends one that says something wrong. */
function readArguments() {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        short: { type: 'boolean', default: false },
        runs: { type: 'string' },
        seconds: { type: 'string' },
        seed: { type: 'string', default: '1' },
        input: { type: 'string' },
        targets: { type: 'string' },
        blind: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
    const unknown = values.targets === undefined ? positionals.filter((name) => !all.includes(name)) : [];
    if (unknown.length > 0) throw new WrongArgument(`No such target: ${unknown.join(', ')}\n\n${USAGE}`);
    if (values.input !== undefined && positionals.length !== 1) {
      throw new WrongArgument('--input: name the one target that is to read it');
    }
    const options = {
      ...values,
      seed: seed('--seed', values.seed),
      ...(values.runs !== undefined && { runs: count('--runs', values.runs) }),
      ...(values.seconds !== undefined && { seconds: aboveZero('--seconds', values.seconds) }),
      ...(values.input !== undefined && { input: existingFile('--input', values.input) }),
    };
    return { options, names: positionals.length > 0 ? positionals : all };
  } catch (error) {
    console.error(error.message);
    process.exit(exitCodeOf(error));
  }
}

async function fuzzAll(names) {
  setFlagsFromString('--expose-gc');
  const bundleDir = join(outDir, `bundles-${process.pid}`);
  let found = 0;
  try {
    const bundles = await bundleTargets({ root, outDir: bundleDir, names, targetsDir: options.targets ?? targetsDir });
    for (const name of names) {
      const result = await fuzz(name, bundles[name]);
      if (result.finding) found += 1;
      if (options.json) console.log(JSON.stringify({ name, ...result }));
      else report(name, result);
    }
  } finally {
    rmSync(bundleDir, { recursive: true, force: true });
  }
  if (found > 0) process.exitCode = 1;
}

/** Runs one target in a thread of its own, which is ended when it hangs. */
function fuzz(name, bundle) {
  const shared = new SharedArrayBuffer(SHARED_BYTES);
  const head = new Uint32Array(shared, 0, 2);
  const only = options.input === undefined ? undefined : readFileSync(options.input);
  const runs = only ? 0 : (options.runs ?? (options.seconds === undefined ? 100_000 : Infinity));
  const workerData = {
    corpus: only ? [only] : [...filesOf('corpus', name), ...filesOf('findings', name)],
    seed: options.seed,
    runs,
    isShort: options.short && !only,
    ...(options.seconds !== undefined && { seconds: options.seconds }),
    isGuided: !options.blind,
    shared,
  };
  return new Promise((resolve, reject) => {
    const worker = new Worker(bundle, { workerData });
    let last = -1;
    let lastAt = Date.now();
    const watch = setInterval(() => {
      if (head[0] !== last) [last, lastAt] = [head[0], Date.now()];
      else if (Date.now() - lastAt > HANG_MS) {
        const input = Buffer.from(new Uint8Array(shared, 8, head[1]));
        void worker.terminate();
        done({ runs: head[0], finding: { input, error: `no end within ${HANG_MS / 1000} s` } });
      }
    }, 1000);
    const done = (result) => {
      clearInterval(watch);
      if (result.finding) result.finding.file = keep(name, Buffer.from(result.finding.input));
      if (result.finding) result.finding.input = Buffer.from(result.finding.input).toString('hex');
      resolve(result);
    };
    worker.on('message', done);
    worker.on('error', (error) => {
      clearInterval(watch);
      reject(new Error(`target ${name}: ${error.stack ?? error.message}`));
    });
  });
}

function report(
  name,
  { runs, seconds = 0, cpuSeconds = seconds, kept, places, reached, maxSteps, grownBytes, finding },
) {
  const rate = Math.round(runs / Math.max(cpuSeconds, 0.001));
  const covered = `${reached} of ${places} places, ${kept} inputs kept, at most ${maxSteps} steps`;
  const grown = grownBytes > 32 << 20 ? `, memory grew by ${(grownBytes / 2 ** 20).toFixed(1)} MB` : '';
  console.log(`${name}: ${runs} runs in ${seconds.toFixed(1)} s (${rate} for each second of CPU), ${covered}${grown}`);
  if (!finding) return;
  console.log(`FOUND in ${name}: ${finding.error}`);
  console.log(`  input: ${finding.input.slice(0, 400)}`);
  console.log(`  again: npm run fuzz -- ${name} --input ${finding.file}`);
}

function keep(name, input) {
  const file = join('.build/fuzz', `${name}-${createHash('sha256').update(input).digest('hex').slice(0, 8)}.bin`);
  mkdirSync(outDir, { recursive: true });
  writeFileSync(join(root, file), input);
  return file;
}

function filesOf(kind, name) {
  const folder = join(here, kind, name);
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .sort()
    .map((file) => readFileSync(join(folder, file)));
}

/** What a target says that it reads. */
function readsOf(name) {
  return /^ {2}reads: '(.*)',$/m.exec(readFileSync(join(targetsDir, `${name}.ts`), 'utf8'))?.[1] ?? '';
}
