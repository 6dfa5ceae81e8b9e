import type { Readable } from 'node:stream';
import type { EnvironmentValues } from '../config/environment';
import { OperatorError } from '../errors/operator-error';
import type { CommandContext } from './command-line/command-context';
import { type Invocation, readCommandLine } from './command-line/command-line';
import type { CommandName } from './command-line/command-specs';
import { consoleCommand } from './commands/console';
import { eventsCommand } from './commands/events';
import { explainCommand } from './commands/explain';
import type { FleetContext } from './commands/fleet-context';
import { nodesCommand } from './commands/nodes';
import { blockCommand, channelOrder, closeCommand, drainCommand } from './commands/orders';
import { forwardCommand, outputsCommand, recordCommand, removeOutputCommand } from './commands/outputs';
import { streamCommand } from './commands/stream';
import { streamsCommand } from './commands/streams';
import { doctorCommand } from './commands/doctor';
import { CommandFailure, ExitCode } from './command-line/exit-codes';
import { FleetClient } from './sources/fleet-client';
import { openSource } from './sources/open-source';
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

async function run({ command, source }: Extract<Invocation, { does: 'run' }>, base: CommandContext): Promise<ExitCode> {
  if (command === 'doctor') return doctorCommand(base);
  const opened = await openSource(source, base.env);
  const context: FleetContext = { ...base, source: opened, fleet: new FleetClient(opened) };
  try {
    return await runOnFleet(command, context);
  } finally {
    opened.close();
  }
}

function runOnFleet(command: Exclude<CommandName, 'doctor'>, context: FleetContext): Promise<ExitCode> {
  switch (command) {
    case 'streams':
      return streamsCommand(context);
    case 'stream':
      return streamCommand(context);
    case 'explain':
      return explainCommand(context);
    case 'nodes':
      return nodesCommand(context);
    case 'end':
    case 'unblock':
      return channelOrder(context, command);
    case 'close':
      return closeCommand(context);
    case 'block':
      return blockCommand(context);
    case 'drain':
      return drainCommand(context);
    case 'outputs':
      return outputsCommand(context);
    case 'forward':
      return forwardCommand(context);
    case 'record':
      return recordCommand(context);
    case 'remove-output':
      return removeOutputCommand(context);
    case 'events':
      return eventsCommand(context);
    case 'console':
      return consoleCommand(context);
  }
}
