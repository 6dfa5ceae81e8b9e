import type { Writable } from 'node:stream';
import type { LogFields, Logger, LogLevel } from './logger';
import { LineBudget } from './line-budget';
import { LineSink } from './line-sink';
import { maskField } from './mask';

/** One line before it is formatted. `fields` holds the fields of the logger, then those of the call. */
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
  /** The group whose line budget a client's address uses; default: the address itself. */
  readonly addressGroup?: (address: string) => string;
}

/** A Logger that writes one line per entry in the given layout, which must escape what it prints. */
export function lineLogger(layout: (entry: LogEntry) => string, options: LineLoggerOptions): Logger {
  return new LineLogger(new LineOutput(layout, options), {});
}

/** The stream and the line budget that a logger and its children share. */
class LineOutput {
  readonly #layout: (entry: LogEntry) => string;
  readonly #sink: LineSink;
  readonly #budget: LineBudget;
  readonly #now: () => Date;
  readonly #levels: WrittenLevels;

  constructor(layout: (entry: LogEntry) => string, options: LineLoggerOptions) {
    const now = options.now ?? (() => new Date());
    this.#layout = layout;
    this.#sink = new LineSink(options.stream ?? process.stdout);
    this.#now = now;
    this.#levels = options.levels;
    this.#budget = new LineBudget({
      now: () => now().getTime(),
      addressGroup: options.addressGroup ?? ((address) => address),
      report: (fields) => {
        if (this.#levels.warning) this.#write('warning', 'log lines were left out', fields);
      },
    });
  }

  write(level: LogLevel, message: string, own: LogFields, fields: LogFields | undefined): void {
    if (!this.#levels[level]) return;
    const all = fields === undefined ? own : { ...own, ...maskSecrets(fields) };
    if (isCausedByClient(level, all) && !this.#budget.allows(addressOf(all))) return;
    this.#write(level, message, all);
  }

  #write(level: LogLevel, message: string, fields: LogFields): void {
    const layout = this.#layout;
    const time = this.#now();
    this.#sink.write(layout({ time, level, message, fields }), (dropped) =>
      layout({ time, level: 'warning', message: 'the log is read too slowly, lines are missing', fields: { dropped } }),
    );
  }
}

class LineLogger implements Logger {
  readonly #output: LineOutput;
  readonly #fields: LogFields;

  constructor(output: LineOutput, fields: LogFields) {
    this.#output = output;
    this.#fields = fields;
  }

  error(message: string, fields?: LogFields): void {
    this.#output.write('error', message, this.#fields, fields);
  }

  warning(message: string, fields?: LogFields): void {
    this.#output.write('warning', message, this.#fields, fields);
  }

  info(message: string, fields?: LogFields): void {
    this.#output.write('info', message, this.#fields, fields);
  }

  request(message: string, fields?: LogFields): void {
    this.#output.write('request', message, this.#fields, fields);
  }

  debug(message: string, fields?: LogFields): void {
    this.#output.write('debug', message, this.#fields, fields);
  }

  child(fields: LogFields): Logger {
    return new LineLogger(this.#output, { ...this.#fields, ...maskSecrets(fields) });
  }
}

/** Other lines are the node's own: they are rare and must not be suppressed. */
function isCausedByClient(level: LogLevel, { ip }: LogFields): boolean {
  return level === 'request' || level === 'debug' || (level === 'warning' && ip !== undefined);
}

function addressOf({ ip }: LogFields): string | undefined {
  return typeof ip === 'string' ? ip : undefined;
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
