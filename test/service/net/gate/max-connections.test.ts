import { expect, test } from '@jest/globals';
import { maxConnections } from '../../../../service/net/gate/max-connections';

const limits = (soft: string) => () =>
  `Limit  Soft Limit  Hard Limit  Units\nMax open files            ${soft}   65536   files\n`;

test.each([
  ['65536', 64_936],
  ['1024', 512],
  ['64', 32],
  ['unlimited', 9_400],
])('a process that may open %s files has room for %d connections', (soft, connections) => {
  expect(maxConnections(limits(soft))).toBe(connections);
});

test('a system that does not tell has room for a fair number', () => {
  const unknown = (): string => {
    throw new Error('ENOENT');
  };
  expect(maxConnections(unknown)).toBe(9_400);
  expect(maxConnections(() => 'nothing of it')).toBe(9_400);
});

test('this very system tells', () => {
  expect(maxConnections()).toBeGreaterThan(64);
});
