import type { Logger } from './logger';
import { lineLogger, type LineLoggerOptions, type LogEntry } from './line-logger';
import { cutForLog, escapeUnsafe } from './mask';

/** LOG_FORMAT=json: one object a line with `time` (ISO 8601, UTC), `level`, `message` and the entry's fields. */
export function jsonLogger(options: LineLoggerOptions): Logger {
  return lineLogger(formatJsonLine, options);
}

export function formatJsonLine({ time, level, message, fields }: LogEntry): string {
  const line: Record<string, unknown> = { time: time.toISOString(), level, message: cutForLog(message) };
  for (const [name, value] of Object.entries(fields)) {
    line[Object.hasOwn(line, name) ? `${name}_` : name] = typeof value === 'string' ? cutForLog(value) : value;
  }
  return escapeUnsafe(JSON.stringify(line));
}
