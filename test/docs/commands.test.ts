import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { repositoryRoot } from '../../infra/shared/repository';
import { documents, shownCommands } from './markdown';

/** A test that runs the command, and a text in it by which the place is found. */
interface RunByTest {
  readonly test: string;
  readonly text: string;
}

/** Deploys, changes and similar commands run against a third party's emulator of AWS, read from the READMEs. */
const cdk: RunByTest = { test: 'test/checks/commands.test.ts', text: "documentedAs('deploy')" };

const runByTests: readonly (readonly [command: RegExp, by: RunByTest])[] = [
  [/^npm start$/, { test: 'test/integration/npm-start.test.ts', text: "'npm', ['start'" }],
  [/^npx cdk (?:bootstrap|deploy --all|destroy --all)/, cdk],
  [/^redis-cli publish /, { test: 'test/docs/redis-cli.test.ts', text: 'redis-cli publish ' }],
  [/^curl .*\/api\/v1\//, { test: 'test/docs/curl.test.ts', text: "startsWith('curl ')" }],
  [/^npm run fleet -- /, { test: 'test/docs/fleet-commands.test.ts', text: 'npm run (?:-s )?fleet -- ' }],
  [/^npm run local$/, { test: 'test/local/run.test.ts', text: 'test/local/run.mjs' }],
];

/** Commands that no test runs, and why. */
const notRun: readonly (readonly [command: RegExp, why: string])[] = [
  [/^npm ci$/, 'a test must not replace the packages that it runs on'],
  [/^npm test(?: |$)/, 'it would run itself'],
  [
    /^docker build .* && docker run /,
    'needs a Docker daemon; test/checks/image.test.ts builds and runs the same Dockerfile',
  ],
  [/^aws /, 'needs an AWS account'],
  [/^npm run bench -- /, 'takes minutes of a quiet machine; test/bench has tests of its parts'],
  [/^PEERS=/, 'belongs to the benchmark commands that follow'],
];

const shown = documents().flatMap((document) => shownCommands(document).map((command) => [document.path, command]));

test('every command that a document shows is run by a test, or named here with the reason why not', () => {
  const known = [...runByTests, ...notRun].map(([pattern]) => pattern);
  const unknown = shown.filter(([, command = '']) => !known.some((pattern) => pattern.test(command)));
  expect(unknown).toEqual([]);
});

test('the two lists name only commands that a document shows', () => {
  const stale = [...runByTests, ...notRun].filter(
    ([pattern]) => !shown.some(([, command = '']) => pattern.test(command)),
  );
  expect(stale.map(([pattern]) => String(pattern))).toEqual([]);
});

test.each(runByTests.map(([command, by]) => [String(command), by] as const))('%s is run by a test', (_, by) => {
  const path = join(repositoryRoot, by.test);
  expect(existsSync(path)).toBe(true);
  expect(readFileSync(path, 'utf8')).toContain(by.text);
});

test('scripts of package.json that a document names exist', () => {
  const { scripts } = JSON.parse(readFileSync(join(repositoryRoot, 'package.json'), 'utf8')) as {
    scripts: Record<string, string>;
  };
  const named = documents().flatMap(({ text }) =>
    [...text.matchAll(/npm run ([a-z:]+)/g)].map(([, name = '']) => name),
  );
  expect([...new Set(named)].filter((name) => scripts[name] === undefined)).toEqual([]);
});
