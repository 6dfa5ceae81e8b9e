import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parse } from 'dotenv';
import { ConfigError, describeFileError } from './config-error';
import type { EnvironmentValues } from './environment';

/** A name, `=` and an unquoted value that is not just a comment. */
const UNQUOTED_LINE = /^(\s*(?:export[ \t]+)?[\w.-]+[ \t]*=)(#.*|[ \t]*[^\s'"`#].*)$/gm;

/** What dotenv reads: a name, `=` or `:`, a value that may be quoted and then have line ends, and a comment. */
const READ_LINES =
  /^\s*(?:export\s+)?[\w.-]+(?:\s*=\s*?|:\s+?)(?:\s*'(?:\\'|[^'])*'|\s*"(?:\\"|[^"])*"|\s*`(?:\\`|[^`])*`|[^#\r\n]+)?\s*(?:#.*)?$/gm;

/**
 * The variables of the process with those of a `.env` file behind them: a variable that the process has, even an
 * empty one, is never replaced.
 *
 * @param warn told of lines that cannot be read, by their numbers alone: they may hold secrets
 * @param path default: `.env` in the working directory; that there is none is fine
 * @throws ConfigError when the file is there but cannot be read
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
  // Editors and shells of Windows may write UTF-16: nothing of that would be read.
  if (text.includes('\0')) throw new ConfigError([{ variable: path, problem: 'is not UTF-8 text: save it as UTF-8' }]);
  const unread = unreadLines(text);
  if (unread.length > 0) warn(`${path} has lines that are not NAME=VALUE and have no effect: ${unread.join(', ')}`);
  return { ...parse(text.replace(UNQUOTED_LINE, keepHashes)), ...processEnv };
}

/**
 * Quotes a value with a `#` inside it. dotenv takes any `#` for a comment; the old server's reader only one after a
 * blank, so that `JWT_SECRET=abc#def` would silently become another secret.
 */
function keepHashes(line: string, name: string, rest: string): string {
  const value = rest.replace(/[ \t]#.*$/, '').trim();
  const quote = ["'", '`', '"'].find((candidate) => !value.includes(candidate));
  return value.includes('#') && quote !== undefined ? `${name}${quote}${value}${quote}` : line;
}

/** Numbers of the lines, from 1, that are neither read nor empty nor comments. */
function unreadLines(text: string): number[] {
  const lines = text.replace(/^\ufeff/, '').replace(/\r\n?/g, '\n');
  const rest = lines.replace(READ_LINES, (read) => read.replace(/[^\n]/g, ''));
  return rest.split('\n').flatMap((line, index) => (/^\s*(?:#|$)/.test(line) ? [] : [index + 1]));
}

function isNotFound(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && error.code === 'ENOENT';
}
