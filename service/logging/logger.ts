/** Severities in the order of importance; `request` lines obey LOG_REQUESTS, `debug` lines LOG_DEBUG. */
export type LogLevel = 'error' | 'warning' | 'info' | 'request' | 'debug';

/** Values that may accompany a log line. Keys of secrets must be masked before they get here. */
export type LogFields = Readonly<Record<string, string | number | boolean | undefined>>;

/** The log of everything above the protocol layer. Never throws, never blocks. */
export interface Logger {
  error(message: string, fields?: LogFields): void;
  warning(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  /** What a client did: connect, publish, play, end. */
  request(message: string, fields?: LogFields): void;
  debug(message: string, fields?: LogFields): void;
  /** A logger whose lines carry these fields too; `session` and `ip` are printed as `#session (ip)` in text form. */
  child(fields: LogFields): Logger;
}
