import { expect, test } from '@jest/globals';
import { maxConnections } from '../../../service/net/max-connections';

const limits = (soft: string) => () =>
  `Limit  Soft Limit  Hard Limit  Units\nMax open files            ${soft}   65536   files\n`;

test.each([
  ['65536', 65_136],
  ['1024', 768],
  ['64', 64],
  ['unlimited', 9_600],
])('a process that may open %s files has room for %d connections', (soft, connections) => {
  expect(maxConnections(limits(soft))).toBe(connections);
});

test('a system that does not tell has room for a fair number', () => {
  const unknown = (): string => {
    throw new Error('ENOENT');
  };
  expect(maxConnections(unknown)).toBe(9_600);
  expect(maxConnections(() => 'nothing of it')).toBe(9_600);
});

test('this very system tells', () => {
  expect(maxConnections()).toBeGreaterThan(64);
});
