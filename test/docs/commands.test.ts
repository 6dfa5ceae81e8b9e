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

const forward: RunByTest = { test: 'test/integration/forward.test.ts', text: "documented('FORWARD_URLS=" };

const record: RunByTest = { test: 'test/integration/record.test.ts', text: "documented('RECORD_TO=" };

const watch: RunByTest = { test: 'test/integration/hls.test.ts', text: "documented('HLS_TO=" };

const runByTests: readonly (readonly [command: RegExp, by: RunByTest])[] = [
  [/^npm start$/, { test: 'test/integration/npm-start.test.ts', text: "'npm', ['start'" }],
  [/^npx cdk (?:bootstrap|deploy --all|destroy --all)/, cdk],
  [/^redis-cli publish /, { test: 'test/docs/redis-cli.test.ts', text: 'redis-cli publish ' }],
  [/^curl .*\/api\/v1\//, { test: 'test/docs/curl.test.ts', text: "startsWith('curl ')" }],
  [/^npm run fleet -- /, { test: 'test/docs/fleet-commands.test.ts', text: 'npm run (?:-s )?fleet -- ' }],
  [/^(?:FORWARD_URLS=|ffplay -listen 1 |ffmpeg -re .* rtmp:\/\/127\.0\.0\.1\/news\/key$)/, forward],
  [/^(?:RECORD_TO=|ffmpeg -v error -re |ffplay recordings\/)/, record],
  [/^(?:HLS_TO=|ffmpeg -v warning -re |chromium )/, watch],
  [/^npm run sbom(?: |$)/, { test: 'test/supply/sbom.test.ts', text: 'test/supply/sbom.mjs' }],
  [/^npm run fuzz(?: |$)/, { test: 'test/fuzz/fuzz.test.ts', text: "'run.mjs'" }],
  [/^npm run local$/, { test: 'test/local/run.test.ts', text: 'test/local/run.mjs' }],
];

/** Commands that no test runs, and why. */
const notRun: readonly (readonly [command: RegExp, why: string])[] = [
  [/^npm ci(?: |$)/, 'a test must not replace the packages that it runs on'],
  [/^npm test(?: |$)/, 'it would run itself'],
  [
    /^docker build .* && docker run /,
    'needs a Docker daemon; test/checks/image.test.ts builds and runs the same Dockerfile',
  ],
  [
    /^docker run --network container:rtmp /,
    'needs a Docker daemon; test/integration/outputs.test.ts runs the program with these variables',
  ],
  [/^aws /, 'needs an AWS account'],
  [/^openssl genrsa /, 'makes a key for CloudFront'],
  [/^npm run bench -- /, 'takes minutes of a quiet machine; test/bench has tests of its parts'],
  [/^gh (?:auth login|attestation verify) ?/, 'needs an account of GitHub and what GitHub has signed'],
  [/^npm audit /, "needs the service of npm's registry; .github/workflows/ci.yml runs it"],
  [/^sha256sum /, 'compares two machines; test/integration/bundle.test.ts compares two builds'],
  [/^npm run build(?: |$)/, 'what every test with a server does'],
  [/^npm run mutation -- /, 'takes minutes a folder'],
  [/^PEERS=/, 'belongs to the benchmark commands that follow'],
  [/^(?:git clone .*(?:srs|mediamtx) |\.\/configure --sys-ssl=on|make && |go generate )/, 'builds other servers'],
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
