import type { Readable } from 'node:stream';
import type { EnvironmentValues } from '../../config/environment';
import type { Options } from './command-line';
import type { Terminal } from '../terminal/terminal';

/** What every command gets. */
export interface CommandContext {
  readonly terminal: Terminal;
  readonly args: readonly string[];
  readonly options: Options;
  /** The process's variables, without those of the .env file. */
  readonly env: EnvironmentValues;
  readonly stdin: Readable;
  /** Aborts when the user wants to stop (Ctrl-C). */
  readonly signal: AbortSignal;
}
