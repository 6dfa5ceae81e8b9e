import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parse } from 'dotenv';
import { ConfigError, describeFileError } from './config-error';
import type { EnvironmentValues } from './environment';

/** A name, `=` and an unquoted value that is not just a comment. */
const UNQUOTED_LINE = /^(\s*(?:export[ \t]+)?[\w.-]+[ \t]*=)(#.*|[ \t]*[^\s'"`#].*)$/gm;

/**
 * The variables of the process with those of a `.env` file behind them: a variable that the process has, even an
 * empty one, is never replaced.
 *
 * @param path default: `.env` in the working directory; that there is none is fine
 * @throws ConfigError when the file is there but cannot be read
 */
export function withDotenvFile(processEnv: EnvironmentValues, path = resolve('.env')): EnvironmentValues {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (isNotFound(error)) return processEnv;
    throw new ConfigError([{ variable: path, problem: `cannot be read: ${describeFileError(error)}` }]);
  }
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

function isNotFound(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'code' in error && error.code === 'ENOENT';
}
