import type { LogFields, Logger, LogLevel } from '../../service/logging/logger';

export interface LoggedEntry {
  readonly level: LogLevel;
  readonly message: string;
  readonly fields: LogFields;
}

/** A Logger that keeps everything, whatever the level; children write into the same list. */
export class MemoryLogger implements Logger {
  readonly entries: LoggedEntry[];
  readonly #fields: LogFields;
  readonly #listeners: Set<(entry: LoggedEntry) => void>;

  constructor(parent?: MemoryLogger, fields: LogFields = {}) {
    this.entries = parent?.entries ?? [];
    this.#listeners = parent === undefined ? new Set() : parent.#listeners;
    this.#fields = fields;
  }

  error(message: string, fields?: LogFields): void {
    this.#keep('error', message, fields);
  }

  warning(message: string, fields?: LogFields): void {
    this.#keep('warning', message, fields);
  }

  info(message: string, fields?: LogFields): void {
    this.#keep('info', message, fields);
  }

  request(message: string, fields?: LogFields): void {
    this.#keep('request', message, fields);
  }

  debug(message: string, fields?: LogFields): void {
    this.#keep('debug', message, fields);
  }

  child(fields: LogFields): MemoryLogger {
    return new MemoryLogger(this, { ...this.#fields, ...fields });
  }

  /** Entries whose level, message or fields match, as `lines` prints them. */
  matching(pattern: RegExp): LoggedEntry[] {
    return this.entries.filter((entry) => pattern.test(asLine(entry)));
  }

  /** Every entry as `level message {fields}`; for assertions about what must never be logged. */
  get lines(): string[] {
    return this.entries.map(asLine);
  }

  /** The first entry that matches, now or later. Rejects after `timeoutMs`. */
  waitFor(pattern: RegExp, timeoutMs = 5_000): Promise<LoggedEntry> {
    const present = this.matching(pattern)[0];
    if (present !== undefined) return Promise.resolve(present);
    return new Promise((resolve, reject) => {
      const listener = (entry: LoggedEntry): void => {
        if (!pattern.test(asLine(entry))) return;
        clearTimeout(timer);
        this.#listeners.delete(listener);
        resolve(entry);
      };
      const timer = setTimeout(() => {
        this.#listeners.delete(listener);
        reject(
          new Error(`no log line matched ${String(pattern)} within ${timeoutMs} ms; got:\n${this.lines.join('\n')}`),
        );
      }, timeoutMs);
      this.#listeners.add(listener);
    });
  }

  #keep(level: LogLevel, message: string, fields: LogFields = {}): void {
    const entry = { level, message, fields: { ...this.#fields, ...fields } };
    this.entries.push(entry);
    for (const listener of [...this.#listeners]) listener(entry);
  }
}

function asLine({ level, message, fields }: LoggedEntry): string {
  return `${level} ${message} ${JSON.stringify(fields)}`;
}
