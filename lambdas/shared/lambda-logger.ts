export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>;

/** The log of the handlers. Keys, tokens, hashes and secrets must never be in a field. */
export interface LambdaLogger {
  info(message: string, fields?: LogFields): void;
  warning(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
}

/** Takes one finished line, without its newline. */
export type WriteLine = (line: string) => void;

/**
 * Writes without `console`, which the Lambda runtime wraps into its own JSON envelope; the embedded metric format and
 * plain log queries both need lines to reach CloudWatch unchanged.
 */
export function writeToStdout(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** One JSON object per line: level, time, message, then the fields. */
export function createLambdaLogger(write: WriteLine = writeToStdout): LambdaLogger {
  const log = (level: string, message: string, fields: LogFields | undefined): void => {
    write(JSON.stringify({ level, time: new Date().toISOString(), message, ...fields }));
  };
  return {
    info: (message, fields) => log('INFO', message, fields),
    warning: (message, fields) => log('WARN', message, fields),
    error: (message, fields) => log('ERROR', message, fields),
  };
}
