import { expect, test } from '@jest/globals';
import { hostname } from 'node:os';
import { ownId } from '../../../service/fleet/own-id';

test('two containers that share the name of their host have different ids', () => {
  const ids = [4026532341, 4026532502].map((number) => ownId(1, () => `pid:[${number}]`));
  expect(ids).toEqual([`${hostname()}.1.4026532341`, `${hostname()}.1.4026532502`]);
});

test('another process is told by its number, and so is one whose namespace cannot be read', () => {
  expect(ownId(4711)).toBe(`${hostname()}.4711`);
  const unreadable = (): string => {
    throw new Error('ENOENT');
  };
  expect(ownId(1, unreadable)).toBe(`${hostname()}.1`);
});
