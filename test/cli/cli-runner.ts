import { Readable } from 'node:stream';
import { runCli } from '../../service/cli/run-cli';

export interface CliRun {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export interface CliRunOptions {
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly input?: string;
  /** Columns of the terminal; undefined: the output is no terminal. */
  readonly columns?: number;
  readonly signal?: AbortSignal;
  /** Called with each piece of standard output. */
  readonly wrote?: (text: string) => void;
}

/** Runs the operators' program within the test's process, without a `.env` file. */
export async function cli(argv: readonly string[], options: CliRunOptions = {}): Promise<CliRun> {
  const { env = {}, input = '', columns, signal = new AbortController().signal, wrote } = options;
  let out = '';
  let err = '';
  const terminal = columns === undefined ? {} : { isTTY: true, columns };
  const code = await runCli(argv, {
    env,
    stdin: Readable.from([input]),
    stdout: {
      write: (text) => {
        out += text;
        wrote?.(text);
      },
      ...terminal,
    },
    stderr: { write: (text) => (err += text), ...terminal },
    signal,
  });
  return { code, out, err };
}
