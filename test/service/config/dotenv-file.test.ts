import { afterAll, beforeEach, describe, expect, test } from '@jest/globals';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ConfigError } from '../../../service/config/config-error';
import { withDotenvFile } from '../../../service/config/dotenv-file';
import { temporaryDirectory } from '../../support/servers/test-certificates';

const directory = temporaryDirectory();
const path = join(directory.path, '.env');
afterAll(() => directory.remove());

let warnings: string[];
beforeEach(() => {
  warnings = [];
});
const warn = (warning: string): void => void warnings.push(warning);

function read(text: string | Buffer, env: Record<string, string> = {}) {
  writeFileSync(path, text);
  return withDotenvFile(env, warn, path);
}

describe('.env file', () => {
  test('is read in the usual forms', () => {
    expect(
      read('\ufeff# comment\r\nA=1\r\nexport B="two words" # why\nC=\'x\'\n\n D = 4 \nE=\nF=http://h/?a=b&c=d\n'),
    ).toEqual({
      A: '1',
      B: 'two words',
      C: 'x',
      D: '4',
      E: '',
      F: 'http://h/?a=b&c=d',
    });
  });

  test('the real environment wins, even where it is empty', () => {
    expect(read('RTMP_PORT=1\nCALLBACK_URL=http://h/\nX=2', { RTMP_PORT: '1936', CALLBACK_URL: '' })).toEqual({
      RTMP_PORT: '1936',
      CALLBACK_URL: '',
      X: '2',
    });
  });

  test('a # inside a value belongs to the value, after a blank it begins a comment', () => {
    expect(
      read("JWT_SECRET=abc#def\nA=#x'y\nB=one#two # three\nC=one # two\nD= # nothing\nE='a # b#c' # d\nF=\"a#b\"\n"),
    ).toEqual({ JWT_SECRET: 'abc#def', A: "#x'y", B: 'one#two', C: 'one', D: '', E: 'a # b#c', F: 'a#b' });
  });

  test('that there is none is fine', () => {
    const env = { A: '1' };
    expect(withDotenvFile(env, warn, join(directory.path, 'none'))).toBe(env);
  });

  test('one that cannot be read stops the start and is named', () => {
    const folder = join(directory.path, 'folder');
    mkdirSync(folder);
    expect(() => withDotenvFile({}, warn, folder)).toThrow(ConfigError);
    expect(() => withDotenvFile({}, warn, folder)).toThrow(folder);
  });

  test('lines that mean nothing are warned of by their numbers, without what they hold', () => {
    const text = [
      '# a comment',
      'A=1',
      'JWT_SECRET hidden',
      '',
      'B="two',
      'lines" # why',
      '  - C=3',
      'D: 4',
      'export E=5',
      'F=',
      '=hidden',
    ];
    for (const lineEnd of ['\n', '\r\n']) {
      warnings = [];
      expect(read(text.join(lineEnd))).toMatchObject({ A: '1', B: 'two\nlines', D: '4', E: '5', F: '' });
      expect(warnings).toEqual([
        `${path} has lines that are not NAME=VALUE and have no effect: line 3, line 7, line 11`,
      ]);
    }
    read('\ufeffA=1\n\n');
    expect(warnings).toHaveLength(1);
  });

  test('one in UTF-16 stops the start: none of it would be read', () => {
    expect(() => read(Buffer.from('\ufeffRTMP_PORT=1936\n', 'utf16le'))).toThrow(/is not UTF-8 text/);
  });
});
