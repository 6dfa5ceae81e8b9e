import type { Readable } from 'node:stream';
import type { EnvironmentValues } from '../config/environment';
import { OperatorError } from '../errors/operator-error';
import type { CommandContext } from './command-context';
import { type Invocation, readCommandLine } from './command-line';
import { doctorCommand } from './doctor-command';
import { CommandFailure, ExitCode } from './exit-codes';
import { plainText } from './terminal/plain-text';
import { type Output, Terminal } from './terminal/terminal';

export interface Surroundings {
  readonly env: EnvironmentValues;
  readonly stdin: Readable;
  readonly stdout: Output;
  readonly stderr: Output;
  /** Aborts when the user wants to stop. */
  readonly signal: AbortSignal;
}

/** Runs one command line and resolves to the exit code. */
export async function runCli(argv: readonly string[], surroundings: Surroundings): Promise<ExitCode> {
  const { env, stdin, stdout, stderr, signal } = surroundings;
  const invocation = readCommandLine(argv);
  const isColourless = invocation.does === 'run' && invocation.options.flag('no-color');
  const terminal = new Terminal({ stdout, stderr, env, colourless: isColourless });
  switch (invocation.does) {
    case 'help':
      terminal.print(invocation.text);
      return ExitCode.Done;
    case 'refuse':
      terminal.complain(plainText(invocation.fault), '', invocation.text);
      return ExitCode.NotUnderstood;
    case 'run':
      break;
  }
  const { args, options } = invocation;
  try {
    return await run(invocation, { terminal, args, options, env, stdin, signal });
  } catch (error) {
    if (error instanceof CommandFailure) {
      terminal.complain(plainText(error.message));
      return error.exitCode;
    }
    if (!(error instanceof OperatorError)) throw error;
    terminal.complain(error.message);
    return ExitCode.Failed;
  }
}

function run({ command }: Extract<Invocation, { does: 'run' }>, context: CommandContext): Promise<ExitCode> {
  switch (command) {
    case 'doctor':
      return doctorCommand(context);
    default:
      throw new CommandFailure(ExitCode.Failed, `${command} is not there yet`);
  }
}
