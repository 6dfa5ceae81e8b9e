import { OperatorError } from '../errors/operator-error';

/** One setting that cannot be used. `problem` never holds the value of a secret. */
export interface ConfigFault {
  readonly variable: string;
  /** The variable's value and what is allowed, as the rest of a sentence that begins with the variable's name. */
  readonly problem: string;
}

/**
 * The service must not start. The message lists every faulty setting, one a line, so that all can be corrected at once.
 */
export class ConfigError extends OperatorError {
  override readonly name = 'ConfigError';

  constructor(readonly faults: readonly ConfigFault[]) {
    const count = faults.length === 1 ? '1 setting' : `${faults.length} settings`;
    super([`${count} cannot be used:`, ...faults.map((fault) => `  ${fault.variable} ${fault.problem}`)].join('\n'));
  }
}

/** Why a file could not be read, in the operating system's words and without repeating the path. */
export function describeFileError(error: unknown): string {
  return /(?:^|: )[A-Z]+: ([^,]+)/.exec(String(error))?.[1] ?? String(error);
}
