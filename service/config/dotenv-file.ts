import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parse } from 'dotenv';
import { ConfigError, describeFileError } from './config-error';
import type { EnvironmentValues } from './environment';

/** A name, `=` and an unquoted value that is not only a comment. */
const UNQUOTED_LINE = /^(\s*(?:export[ \t]+)?[\w.-]+[ \t]*=)(#.*|[ \t]*[^\s'"`#].*)$/gm;

/**
 * A line that dotenv reads: a name, `=` or `:`, a value, which may contain line ends if it is quoted, and a comment.
 */
const READ_LINES =
  /^\s*(?:export\s+)?[\w.-]+(?:\s*=\s*?|:\s+?)(?:\s*'(?:\\'|[^'])*'|\s*"(?:\\"|[^"])*"|\s*`(?:\\`|[^`])*`|[^#\r\n]+)?\s*(?:#.*)?$/gm;

/**
 * The variables of the process, completed by those of a `.env` file: a variable that the process has, even an empty
 * one, is never replaced.
 *
 * @param warn told the numbers of lines that cannot be read, but not their text, which may contain secrets
 * @param path default: `.env` in the working directory; the file need not exist
 * @throws ConfigError when the file exists but cannot be read
 */
export function withDotenvFile(
  processEnv: EnvironmentValues,
  warn: (warning: string) => void,
  path = resolve('.env'),
): EnvironmentValues {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (isNotFound(error)) return processEnv;
    throw new ConfigError([{ variable: path, problem: `cannot be read: ${describeFileError(error)}` }]);
  }
  // Editors and shells of Windows may write UTF-16, of which dotenv would read nothing.
  if (text.includes('\0')) throw new ConfigError([{ variable: path, problem: 'is not UTF-8 text: save it as UTF-8' }]);
  const unread = unreadLines(text);
  if (unread.length > 0)
    warn(`${path} has lines that are not NAME=VALUE and have no effect: line ${unread.join(', line ')}`);
  return { ...parse(text.replace(UNQUOTED_LINE, keepHashes)), ...processEnv };
}

/**
 * Quotes a value that contains `#`. dotenv begins a comment at any `#`, the old server only at one after a blank: so
 * `JWT_SECRET=abc#def` would silently become another secret.
 */
function keepHashes(line: string, name: string, rest: string): string {
  const value = rest.replace(/[ \t]#.*$/, '').trim();
  const quote = ["'", '`', '"'].find((candidate) => !value.includes(candidate));
  return value.includes('#') && quote !== undefined ? `${name}${quote}${value}${quote}` : line;
}

/** Numbers (from 1) of the lines that dotenv does not read and that are neither empty nor comments. */
function unreadLines(text: string): number[] {
  const lines = text.replace(/^\ufeff/, '').replace(/\r\n?/g, '\n');
  const rest = lines.replace(READ_LINES, (read) => read.replace(/[^\n]/g, ''));
  return rest.split('\n').flatMap((line, index) => (/^\s*(?:#|$)/.test(line) ? [] : [index + 1]));
}

function isNotFound(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && error.code === 'ENOENT';
}
