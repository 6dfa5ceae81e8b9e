import type { LogFields, Logger } from './logger';
import { lineLogger, type LineLoggerOptions, type LogEntry } from './line-logger';
import { escapeForLog } from './mask';

/** Values that read well without quotes; everything else is quoted so that a value cannot pose as further fields. */
const PLAIN_VALUE = /^[\w.:/@+*,;()[\]-]+$/;

/**
 * The old server's text form in local time, which people read and grep for:
 * `[2006-01-02 15:04:05] [LEVEL] #session (ip) message name=value`.
 * The fields `session` and `ip` fill the prefix, the others follow the message.
 */
export function textLogger(options: LineLoggerOptions): Logger {
  return lineLogger(formatTextLine, options);
}

export function formatTextLine({ time, level, message, fields }: LogEntry): string {
  let line = `[${localTime(time)}] [${level.toUpperCase()}] `;
  if (fields.session !== undefined) line += `#${prefixValue(fields.session)} `;
  if (fields.ip !== undefined) line += `(${prefixValue(fields.ip)}) `;
  line += escapeForLog(message);
  for (const [name, value] of Object.entries(fields)) {
    if (value !== undefined && name !== 'session' && name !== 'ip') line += ` ${name}=${fieldValue(value)}`;
  }
  return line;
}

function prefixValue(value: NonNullable<LogFields[string]>): string {
  return escapeForLog(String(value));
}

function fieldValue(value: NonNullable<LogFields[string]>): string {
  const text = String(value);
  return PLAIN_VALUE.test(text) && text.length <= 256 ? text : `"${escapeForLog(text).replaceAll('"', '\\"')}"`;
}

function localTime(time: Date): string {
  const date = `${time.getFullYear()}-${twoDigits(time.getMonth() + 1)}-${twoDigits(time.getDate())}`;
  return `${date} ${twoDigits(time.getHours())}:${twoDigits(time.getMinutes())}:${twoDigits(time.getSeconds())}`;
}

function twoDigits(value: number): string {
  return String(value).padStart(2, '0');
}
