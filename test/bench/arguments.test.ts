import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { repositoryRoot } from '../../infra/shared/repository';
import { exitCodeOf } from '../support/programs/arguments.cjs';
import { abuseCommand } from './abuse/command';
import { faultsCommand } from './faults/command';
import { fleetCommand } from './fleet/command';
import { readOptions } from './options';
import { outputsCommand } from './outputs/command';
import { soakCommand } from './soak/command';

type Command = (args: readonly string[], bundle: string) => Promise<unknown>;

const benchmarks: readonly (readonly [name: string, Command, options: readonly string[]])[] = [
  ['bench', async (args) => readOptions(args), ['runs', 'seconds', 'warmup', 'workers']],
  ['faults', faultsCommand, ['minutes', 'seed', 'publishers', 'players']],
  ['abuse', abuseCommand, ['seconds', 'streams', 'part']],
  ['fleet', fleetCommand, ['nodes', 'streams', 'processes', 'seconds', 'returns']],
  ['soak', soakCommand, ['minutes', 'share', 'warmup']],
  ['outputs', outputsCommand, ['runs', 'streams', 'seconds', 'warmup']],
];

/** Why a command ends before it has done anything, and its exit code. */
async function refusal(command: Command, args: readonly string[]): Promise<string> {
  try {
    await command(args, __filename);
  } catch (error) {
    return `${exitCodeOf(error)} ${(error as Error).message}`;
  }
  return 'it ran';
}

test.each(benchmarks.flatMap(([name, command, options]) => options.map((option) => [name, option, command] as const)))(
  '%s --%s: text, nothing and -1 are refused',
  async (_, option, command) => {
    for (const text of ['x', '', '-1']) {
      const wanted = new RegExp(`^2 --${option}: .*, not '${text}'$`);
      expect(await refusal(command, [`--${option}=${text}`])).toMatch(wanted);
    }
  },
);

test.each(benchmarks.slice(1))('%s: an option that does not exist is refused', async (_, command) => {
  expect(await refusal(command, ['--nothing'])).toMatch(/^2 .*--nothing/);
});

test.each(benchmarks.slice(1).filter(([name]) => name !== 'fleet'))(
  '%s: a bundle that does not exist is refused',
  async (_, command) => {
    expect(await refusal(command, ['--bundle', 'missing.cjs'])).toBe('2 --bundle missing.cjs: no such file');
  },
);

/** Programs in Node.js, with what they are told: options, or variables. */
const programs: readonly (readonly [program: string, said: string, says: string])[] = [
  ['fuzz/run.mjs', '--runs x', "--runs: a whole number above 0, not 'x'"],
  ['fuzz/run.mjs', '--seconds x', "--seconds: a number above 0, not 'x'"],
  ['fuzz/run.mjs', '--seed x', "--seed: a whole number from 0 to 2147483647, not 'x'"],
  ['fuzz/run.mjs', '--nothing', "Unknown option '--nothing'"],
  ['fuzz/run.mjs', '--runs', "Option '--runs <value>' argument missing"],
  ['fuzz/run.mjs', '--input package.json', '--input: name the one target'],
  ['fuzz/run.mjs', 'amf --input missing.bin', '--input missing.bin: no such file'],
  ['fuzz/session/find-defects.mjs', 'SCHEDULES=x', "SCHEDULES: a whole number above 0, not 'x'"],
  ['fuzz/session/find-defects.mjs', 'SEED=x', "SEED: a whole number from 0 to 2147483647, not 'x'"],
  ['mutation/run.mjs', 'nothing', 'nothing: of service/, only '],
  ['mutation/run.mjs', 'hub/nothing.ts', 'hub/nothing.ts: no such file'],
  ['mutation/run.mjs', '--nothing', 'There is no option --nothing.'],
  ['supply/sbom.mjs', 'nothing', "There is no argument 'nothing'."],
];

test.each(programs)('test/%s %s: refused with 2', (program, said, says) => {
  const words = said.split(' ');
  const [variable = ''] = words;
  const isVariable = /^[A-Z]+=/.test(variable);
  const [name = '', value = ''] = variable.split('=');
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [join(repositoryRoot, 'test', program), ...(isVariable ? [] : words)],
    { encoding: 'utf8', cwd: repositoryRoot, env: { ...process.env, ...(isVariable && { [name]: value }) } },
  );
  expect(stderr).toContain(says);
  expect({ status, found: stdout.includes('runs in') }).toEqual({ status: 2, found: false });
});
