import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { repositoryRoot } from '../../infra/shared/repository';

const read = (path: string): string => readFileSync(join(repositoryRoot, path), 'utf8');
const workflow = read('.github/workflows/ci.yml');

test('the workflow runs .ci/run, with actions that are named by commit and say their version', () => {
  expect(workflow).toMatch(/^ {6}- run: \.ci\/run$/m);
  const actions = [...workflow.matchAll(/uses: (.+)$/gm)].map(([, action]) => action);
  expect(actions.length).toBeGreaterThan(5);
  for (const action of actions) expect(action).toMatch(/^[\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
  // One action has one version.
  expect(new Set(actions).size).toBe(new Set(actions.map((action) => action?.split('@')[0])).size);
});

test('a job may read the repository, and only the one that signs may sign', () => {
  expect(workflow).toMatch(/^permissions: \{\}$/m);
  const jobs = workflow
    .split(/^ {2}(?=[a-z]+:$)/m)
    .slice(1)
    .filter((job) => job.includes('runs-on:'));
  const permissions = jobs.map((job) => {
    const [, name = ''] = /^([a-z]+):/.exec(job) ?? [];
    const [, list = ''] = /^ {4}permissions:\n((?: {6}[a-z-]+: [a-z]+\n)+)/m.exec(job) ?? [];
    return [name, list.trim().split(/\n\s*/)] as const;
  });
  expect(Object.fromEntries(permissions)).toEqual({
    test: ['contents: read'],
    packages: ['contents: read'],
    attest: ['contents: read', 'id-token: write', 'attestations: write'],
  });
  expect(workflow).not.toContain('secrets.');
  expect(workflow.match(/actions\/checkout/g)).toHaveLength(workflow.match(/persist-credentials: false/g)?.length ?? 0);
});

test('what a pull request runs is not signed, and what is signed was tested', () => {
  const [, attest = ''] = workflow.split(/^ {2}attest:$/m);
  expect(attest).toContain("if: github.event_name == 'push'");
  expect(attest).toContain('needs: [test, packages]');
});

test('no push to main is cancelled, be it running or waiting, so that each is signed', () => {
  const [, concurrency = ''] = /^concurrency:\n((?: {2}.+\n)+)/m.exec(workflow) ?? [];
  expect(concurrency).toContain("github.event_name == 'push' && github.sha || github.ref");
  expect(concurrency).toContain("cancel-in-progress: ${{ github.event_name == 'pull_request' }}");
});

test('the artifact is there even if GitHub does not sign, with the licences', () => {
  const [, attest = ''] = workflow.split(/^ {2}attest:$/m);
  expect(attest.indexOf('actions/upload-artifact@')).toBeGreaterThan(0);
  expect(attest.indexOf('actions/upload-artifact@')).toBeLessThan(attest.indexOf('actions/attest@'));
  expect(attest).toMatch(/^ {12}\.build\/LICENSE$/m);
  expect(attest).toMatch(/^ {12}\.build\/third-party-licences\.txt$/m);
});

test('the workflow installs every Debian package that the tests want', () => {
  const lists = [...read('test/run.mjs').matchAll(/^const (?:\w*[pP]rograms|gstreamerElements) = \{([^}]*)\}/gm)];
  const wanted = lists.flatMap(([, list = '']) => [...list.matchAll(/: '([^']+)'/g)].map(([, name = '']) => name));
  expect(wanted).toEqual(expect.arrayContaining(['ffmpeg', 'gstreamer1.0-plugins-bad', 'buildah']));
  // Every image of GitHub has git.
  expect(wanted.filter((name) => name !== 'git' && !workflow.includes(name))).toEqual([]);
});
