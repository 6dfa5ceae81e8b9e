import { jsonLogger } from './json-logger';
import type { LineLoggerOptions } from './line-logger';
import type { Logger } from './logger';
import { textLogger } from './text-logger';

/** The root logger, in the form that LOG_FORMAT names. */
export function createLogger(options: LineLoggerOptions & { readonly format: 'text' | 'json' }): Logger {
  return options.format === 'json' ? jsonLogger(options) : textLogger(options);
}
