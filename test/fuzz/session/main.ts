import { count, exitCodeOf, seed as seedOf, WrongArgument } from '../../support/programs/arguments.cjs';
import { fuzz } from './fuzz';

const USAGE = `Usage: [SCHEDULES=10000] [SEED=1] [MOVES=30] npx tsx test/fuzz/session/main.ts
Runs so many random schedules, of at most so many moves, against the server's code in this process.
Exit codes: 0 no failure, 1 a failure, which is shown, 2 wrong usage.`;

async function main(): Promise<void> {
  const [argument] = process.argv.slice(2);
  if (argument === '--help' || argument === '-h') {
    process.stdout.write(`${USAGE}\n`);
    return;
  }
  if (argument !== undefined) throw new WrongArgument(`there is no argument '${argument}'\n${USAGE}`);
  const { SCHEDULES = '10000', SEED = '1', MOVES = '30' } = process.env;
  const seed = seedOf('SEED', SEED);
  const options = { schedules: count('SCHEDULES', SCHEDULES), seed, maxMoves: count('MOVES', MOVES) };
  const began = performance.now();
  const { ran, failure } = await fuzz(options);
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  process.stdout.write(`${ran} schedules, seed ${seed}, ${seconds} s: ${failure ?? 'no failure'}\n`);
  process.exitCode = failure === undefined ? 0 : 1;
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof WrongArgument ? error.message : String(error)}\n`);
  process.exitCode = exitCodeOf(error);
});
