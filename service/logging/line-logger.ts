import type { Writable } from 'node:stream';
import type { LogFields, Logger, LogLevel } from './logger';
import { LineSink } from './line-sink';
import { maskField } from './mask';

/** One line before it is laid out. `fields` holds those of the logger and those of the call, in that order. */
export interface LogEntry {
  readonly time: Date;
  readonly level: LogLevel;
  readonly message: string;
  readonly fields: LogFields;
}

/** Which lines are written: LOG_ERROR, LOG_WARNING, LOG_INFO, LOG_REQUESTS and LOG_DEBUG. */
export type WrittenLevels = Readonly<Record<LogLevel, boolean>>;

export interface LineLoggerOptions {
  readonly levels: WrittenLevels;
  /** Default: standard output. */
  readonly stream?: Writable;
  readonly now?: () => Date;
}

interface LineOutput {
  readonly levels: WrittenLevels;
  readonly sink: LineSink;
  readonly now: () => Date;
  readonly layout: (entry: LogEntry) => string;
}

/** A Logger that writes one line per entry in the given layout, which must escape what it prints. */
export function lineLogger(layout: (entry: LogEntry) => string, options: LineLoggerOptions): Logger {
  return new LineLogger(
    {
      levels: options.levels,
      sink: new LineSink(options.stream ?? process.stdout),
      now: options.now ?? (() => new Date()),
      layout,
    },
    {},
  );
}

class LineLogger implements Logger {
  constructor(
    private readonly output: LineOutput,
    private readonly fields: LogFields,
  ) {}

  error(message: string, fields?: LogFields): void {
    if (this.output.levels.error) this.#write('error', message, fields);
  }

  warning(message: string, fields?: LogFields): void {
    if (this.output.levels.warning) this.#write('warning', message, fields);
  }

  info(message: string, fields?: LogFields): void {
    if (this.output.levels.info) this.#write('info', message, fields);
  }

  request(message: string, fields?: LogFields): void {
    if (this.output.levels.request) this.#write('request', message, fields);
  }

  debug(message: string, fields?: LogFields): void {
    if (this.output.levels.debug) this.#write('debug', message, fields);
  }

  child(fields: LogFields): Logger {
    return new LineLogger(this.output, { ...this.fields, ...maskSecrets(fields) });
  }

  #write(level: LogLevel, message: string, fields: LogFields | undefined): void {
    const { now, layout, sink } = this.output;
    const time = now();
    const all = fields === undefined ? this.fields : { ...this.fields, ...maskSecrets(fields) };
    sink.write(layout({ time, level, message, fields: all }), (dropped) =>
      layout({ time, level: 'warning', message: 'the log is read too slowly, lines are missing', fields: { dropped } }),
    );
  }
}

function maskSecrets(fields: LogFields): LogFields {
  let masked: Record<string, LogFields[string]> | undefined;
  for (const [name, value] of Object.entries(fields)) {
    if (typeof value !== 'string') continue;
    const shown = maskField(name, value);
    if (shown === value) continue;
    masked ??= { ...fields };
    masked[name] = shown;
  }
  return masked ?? fields;
}
