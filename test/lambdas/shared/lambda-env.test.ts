import { describe, expect, test } from '@jest/globals';
import { EnvironmentError, LambdaEnv } from '../../../lambdas/shared/lambda-env';

/** The faults of reading one variable in one way. */
function faults(value: string | undefined, read: (env: LambdaEnv) => unknown): readonly string[] {
  const env = new LambdaEnv({ X: value });
  read(env);
  try {
    env.assertValid();
    return [];
  } catch (error) {
    if (error instanceof EnvironmentError) return error.faults;
    throw error;
  }
}

describe('a variable that cannot be used is named, with what it held and what is allowed', () => {
  test.each<[string | undefined, (env: LambdaEnv) => unknown, string]>([
    [undefined, (env) => env.required('X'), 'X is not set'],
    ['  ', (env) => env.required('X'), 'X is not set'],
    [undefined, (env) => env.integer('X', { min: 1, max: 9 }), 'X is not set'],
    ['ten', (env) => env.integer('X', { min: 1, max: 9 }), 'X is "ten", must be a whole number from 1 to 9'],
    ['10', (env) => env.integer('X', { min: 1, max: 9, fallback: 5 }), 'X is "10", must be a whole number from 1 to 9'],
    ['1.5', (env) => env.integer('X', { min: 1, max: 9 }), 'X is "1.5", must be a whole number from 1 to 9'],
    ['maybe', (env) => env.flag('X', true), 'X is "maybe", must be YES or NO'],
    ['c', (env) => env.choice('X', ['a', 'b'], 'a'), 'X is "c", must be one of a, b'],
    [undefined, (env) => env.httpUrl('X'), 'X is not set'],
    ['ftp://a', (env) => env.httpUrl('X'), 'X is "ftp://a", must be an http or https URL'],
    ['/no/such/file', (env) => env.optionalFile('X'), 'X is "/no/such/file", which cannot be read'],
  ])('%j', (value, read, fault) => {
    expect(faults(value, read)).toEqual([expect.stringContaining(fault)]);
  });
});

test('what is allowed is read, and what is not set has its default', () => {
  const env = new LambdaEnv({ A: ' text ', N: '7', F: 'NO', T: 'true', C: 'b', U: 'https://a/b', E: '' });
  expect(env.required('A')).toBe('text');
  expect(env.integer('N', { min: 1, max: 9 })).toBe(7);
  expect(env.integer('E', { min: 1, max: 9, fallback: 3 })).toBe(3);
  expect(env.flag('F', true)).toBe(false);
  expect(env.flag('T', false)).toBe(true);
  expect(env.flag('E', true)).toBe(true);
  expect(env.choice('C', ['a', 'b'])).toBe('b');
  expect(env.httpUrl('U').pathname).toBe('/b');
  expect(env.optional('E')).toBeUndefined();
  expect(() => env.assertValid()).not.toThrow();
});
