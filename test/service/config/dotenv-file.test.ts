import { afterAll, describe, expect, test } from '@jest/globals';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ConfigError } from '../../../service/config/config-error';
import { withDotenvFile } from '../../../service/config/dotenv-file';
import { temporaryDirectory } from '../../support/servers/test-certificates';

const directory = temporaryDirectory();
const path = join(directory.path, '.env');
afterAll(() => directory.remove());

function read(text: string, env: Record<string, string> = {}) {
  writeFileSync(path, text);
  return withDotenvFile(env, path);
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
    expect(withDotenvFile(env, join(directory.path, 'none'))).toBe(env);
  });

  test('one that cannot be read stops the start and is named', () => {
    const folder = join(directory.path, 'folder');
    mkdirSync(folder);
    expect(() => withDotenvFile({}, folder)).toThrow(ConfigError);
    expect(() => withDotenvFile({}, folder)).toThrow(folder);
  });
});
