import { expect, test } from '@jest/globals';
import { dirname } from 'node:path';
import { FLOORS, LENT_TO_FUNCTIONS } from './floors';
import { findCircle, importsOf, sourceFiles } from './imports';

const files = sourceFiles('service', 'infra', 'lambdas').filter((path) => /\.tsx?$/.test(path));
const imports = importsOf(files);
const floorOf = new Map(FLOORS.flatMap((folders, floor) => folders.map((folder) => [folder, floor] as const)));

test('every folder stands on one floor', () => {
  const folders = [...new Set(files.map(dirname))];
  expect([...floorOf.keys()].sort()).toEqual(folders.sort());
  expect(FLOORS.flat()).toHaveLength(floorOf.size);
});

test('imports point down, those of types included', () => {
  const isDown = ({ from, to }: { from: string; to: string }): boolean => {
    const [here, there] = [dirname(from), dirname(to)];
    return here === there || (floorOf.get(there) ?? Infinity) < (floorOf.get(here) ?? -1);
  };
  expect(imports.filter((found) => !isDown(found)).map(({ from, to }) => `${from} -> ${to}`)).toEqual([]);
});

test('files do not import each other in a circle', () => {
  expect(findCircle(imports)).toBeUndefined();
});

test('the service needs neither functions nor deployment, and they need only its pure parts', () => {
  const top = (path: string): string => path.split('/')[0] ?? '';
  const crossing = imports.filter(({ from, to }) => top(from) !== top(to));
  const isLent = ({ from, to }: { from: string; to: string }): boolean =>
    top(from) === 'lambdas' && LENT_TO_FUNCTIONS.some((pattern) => pattern.test(to));
  expect(crossing.filter((found) => !isLent(found)).map(({ from, to }) => `${from} -> ${to}`)).toEqual([]);
});

test('a circle is found, and a tree is none', () => {
  const tree = [
    { from: 'a', to: 'b' },
    { from: 'a', to: 'c' },
    { from: 'b', to: 'c' },
  ];
  expect(findCircle(tree)).toBeUndefined();
  expect(findCircle([...tree, { from: 'c', to: 'a' }])).toEqual(['a', 'b', 'c', 'a']);
});
