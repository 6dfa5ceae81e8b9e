/** What the exit code of the program says; the usage lists them, and scripts rely on them. */
export const ExitCode = {
  Done: 0,
  /** It failed, or `doctor` found something that does not work. */
  Failed: 1,
  NotUnderstood: 2,
  /** The node, Redis or AWS could not be reached. */
  Unreachable: 3,
  /** No such stream or node, or an order that had no effect. */
  NoEffect: 4,
  /** The token or the AWS permission is missing or wrong. */
  NotAllowed: 5,
  /** `--wait` ended before what it waited for. */
  NotInTime: 6,
} as const;

export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];

/** Ends a command with one sentence and an exit code. */
export class CommandFailure extends Error {
  override readonly name = 'CommandFailure';

  constructor(
    readonly exitCode: ExitCode,
    message: string,
  ) {
    super(message);
  }
}
