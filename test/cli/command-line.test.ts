import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { describe, expect, test } from '@jest/globals';
import { COMMANDS, type CommandSpec } from '../../service/cli/command-line/command-specs';
import { repositoryRoot } from '../support/servers/server-process';
import { cli } from './cli-runner';

const names = Object.keys(COMMANDS);

describe('help', () => {
  test.each([[['--help']], [['-h']], [['help']]])('%j lists every command, and the exit codes', async (argv) => {
    const { code, out, err } = await cli(argv);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    for (const name of names) expect(out).toMatch(new RegExp(`^  ${name}\\b`, 'm'));
    for (const words of ['--node URL', '--redis', '--aws STACK', 'Exit codes: 0 done']) expect(out).toContain(words);
  });

  test.each(names)('%s --help has its options and an example, and needs no argument', async (name) => {
    const spec: CommandSpec = COMMANDS[name as keyof typeof COMMANDS];
    for (const argv of [
      [name, '--help'],
      ['help', name],
      [name, 'something', '-h', '--node', 'x'],
    ]) {
      const { code, out, err } = await cli(argv);
      expect({ code, err }).toEqual({ code: 0, err: '' });
      expect(out).toMatch(new RegExp(`^Usage: npm run fleet -- ${[name, ...spec.args].join(' ')}`));
      for (const option of Object.keys(spec.options)) expect(out).toContain(`--${option}`);
      expect(out).toContain('Examples:');
      for (const line of out.split('\n')) expect(line.length).toBeLessThanOrEqual(120);
    }
  });
});

test.each([
  [[], 'a command is missing', 'Usage: npm run fleet -- COMMAND'],
  [['destroy'], 'there is no command "destroy"', 'Usage: npm run fleet -- COMMAND'],
  [['end'], 'CHANNEL is missing', 'Usage: npm run fleet -- end CHANNEL'],
  [['close', 'news'], 'STREAM_ID is missing', 'Usage: npm run fleet -- close'],
  [['end', 'news', 'weather'], 'unexpected "weather"', 'Usage: npm run fleet -- end'],
  [['streams', '--fresh'], "Unknown option '--fresh'", '--watch'],
  [['nodes', '--redis', '--aws', 'X'], 'only one of --node, --redis and --aws', 'Usage: npm run fleet -- nodes'],
  [['doctor', '--redis'], "Unknown option '--redis'", 'Usage: npm run fleet -- doctor'],
  [['a\u001b[2Jb'], 'there is no command "a\\u001b[2Jb"', 'Usage:'],
])('%j is not understood: the fault and the usage, with exit code 2', async (argv, fault, shown) => {
  const { code, out, err } = await cli(argv);
  expect({ code, out }).toEqual({ code: 2, out: '' });
  expect(err).toContain(fault);
  expect(err).toContain(shown);
});

test('a misspelled command is answered with the nearest, in few lines', async () => {
  const { err } = await cli(['stremas']);
  expect(err).toMatch(/^there is no command "stremas": is streams meant\?\n\nUsage: /);
  expect(err.trimEnd().split('\n').length).toBeLessThanOrEqual(6);
});

test('the program runs as a process, from any folder', async () => {
  const run = `${repositoryRoot}/service/cli/run.mjs`;
  const child = spawn(process.execPath, [run, 'doctor', '--help'], { cwd: '/', env: { PATH: process.env['PATH'] } });
  const [out, [code]] = await Promise.all([text(child.stdout), once(child, 'close') as Promise<[number]>]);
  expect(code).toBe(0);
  expect(out).toContain('--key-stdin');
}, 60_000);
