import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { repositoryRoot } from '../../infra/shared/repository';

const read = (path: string): string => readFileSync(join(repositoryRoot, path), 'utf8');
const workflow = read('.github/workflows/ci.yml');

test('the workflow runs .ci/run, with actions of exact versions', () => {
  expect(workflow).toMatch(/^ {6}- run: \.ci\/run$/m);
  const actions = [...workflow.matchAll(/uses: (\S+)/g)].map(([, action]) => action);
  expect(actions.length).toBeGreaterThan(0);
  for (const action of actions) expect(action).toMatch(/@v\d+\.\d+\.\d+$/);
});

test('the workflow installs every Debian package that the tests want', () => {
  const lists = [...read('test/run.mjs').matchAll(/^const (?:\w*[pP]rograms|gstreamerElements) = \{([^}]*)\}/gm)];
  const wanted = lists.flatMap(([, list = '']) => [...list.matchAll(/: '([^']+)'/g)].map(([, name = '']) => name));
  expect(wanted).toEqual(expect.arrayContaining(['ffmpeg', 'gstreamer1.0-plugins-bad', 'buildah']));
  // Every image of GitHub has git.
  expect(wanted.filter((name) => name !== 'git' && !workflow.includes(name))).toEqual([]);
});
