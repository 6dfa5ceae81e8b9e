import { colourful, colourless, type Paint } from './paint';

/** Where the program writes: a terminal, a file, or a test. */
export interface Output {
  write(text: string): unknown;
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
}

export interface TerminalOptions {
  readonly stdout: Output;
  readonly stderr: Output;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** `--no-color` */
  readonly colourless?: boolean;
}

const CLEAR = '\u001b[H\u001b[2J';
const CLEAR_LINE = '\r\u001b[K';

/** Results on standard output, progress and faults on standard error. */
export class Terminal {
  readonly #options: TerminalOptions;
  readonly #paint: Paint;
  #progressShown = false;

  constructor(options: TerminalOptions) {
    this.#options = options;
    const { env, stdout } = options;
    // https://no-color.org: any value that is not empty.
    const wantsNone = options.colourless === true || Boolean(env['NO_COLOR']) || env['TERM'] === 'dumb';
    this.#paint = stdout.isTTY === true && !wantsNone ? colourful : colourless;
  }

  get paint(): Paint {
    return this.#paint;
  }

  /** Columns that a line may take; undefined where lines may be of any length, as in a file. */
  get width(): number | undefined {
    const { stdout } = this.#options;
    return stdout.isTTY === true ? (stdout.columns ?? 80) : undefined;
  }

  /** Whether a person looks at the output as it comes. */
  get isInteractive(): boolean {
    return this.#options.stdout.isTTY === true;
  }

  print(...lines: readonly string[]): void {
    this.#endProgress();
    for (const line of lines) this.#options.stdout.write(`${line}\n`);
  }

  /** Replaces what is on the screen; where the output is no terminal, an empty line stands between. */
  redraw(lines: readonly string[]): void {
    this.#endProgress();
    this.#options.stdout.write(this.isInteractive ? CLEAR : '\n');
    this.print(...lines);
  }

  complain(...lines: readonly string[]): void {
    this.#endProgress();
    for (const line of lines) this.#options.stderr.write(`${line}\n`);
  }

  /** Says what is being waited for: a line that the next one replaces. Nothing where nobody looks. */
  progress(text: string): void {
    const { stderr } = this.#options;
    if (stderr.isTTY !== true) return;
    stderr.write(`${CLEAR_LINE}${text}`);
    this.#progressShown = true;
  }

  #endProgress(): void {
    if (!this.#progressShown) return;
    this.#progressShown = false;
    this.#options.stderr.write(CLEAR_LINE);
  }
}
