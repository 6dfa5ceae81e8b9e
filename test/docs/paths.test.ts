import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from '@jest/globals';
import { repositoryRoot } from '../../infra/shared/repository';
import { FLOORS } from '../structure/floors';
import { codeSpans, type Document, documents, readDocument, section, tableRows, withoutFences } from './markdown';

/** Names of files that are not the repository's. */
const ELSEWHERE = new Set(['handler.mjs']);

/** What commands write. */
const MADE = '.build/';

/** Paths: what ends in a slash or in the ending of a source or document, or begins with a folder of the root. */
const PATH = /^(?:\.?[A-Za-z0-9][\w./-]*(?:\.(?:ts|mjs|md|json|yml)|\/)|(?:service|test|infra|lambdas)\/[\w./-]+)$/;

const exists = (path: string): boolean => existsSync(join(repositoryRoot, path));

function brokenPaths({ path, text }: Document): string[] {
  const words = codeSpans(withoutFences(text)).flatMap((span) => span.split(' '));
  const named = words.filter((word) => PATH.test(word) && !ELSEWHERE.has(word) && !word.startsWith(MADE));
  return named.filter((word) => !exists(word) && !exists(join(dirname(path), word)));
}

/** The anchor that GitHub makes of a heading. */
function anchorOf(heading: string): string {
  const text = heading.replace(/`/g, '').toLowerCase();
  return text.replace(/[^\p{L}\p{N} _-]/gu, '').replaceAll(' ', '-');
}

function anchors({ text }: Document): Set<string> {
  const headings = [...withoutFences(text).matchAll(/^#+ (.*)$/gm)];
  return new Set(headings.map(([, heading = '']) => anchorOf(heading)));
}

function brokenLinks(document: Document): string[] {
  const targets = [...withoutFences(document.text).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => target);
  return targets
    .filter((target) => !/^[a-z]+:/.test(target))
    .filter((target) => {
      const [file = '', anchor] = target.split('#');
      const path = file === '' ? document.path : join(dirname(document.path), file);
      if (!exists(path)) return true;
      return anchor !== undefined && !anchors(readDocument(path)).has(anchor);
    });
}

test.each(documents().map((document) => [document.path, document] as const))(
  'every path and link in %s leads somewhere',
  (_, document) => {
    expect({ paths: brokenPaths(document), links: brokenLinks(document) }).toEqual({ paths: [], links: [] });
  },
);

const foldersOf = (path: string): string[] =>
  readdirSync(join(repositoryRoot, path), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name);

test('service/README.md shows each folder on the floor where it is', () => {
  const rows = tableRows(section(readDocument('service/README.md'), '## Floors'), 'floor');
  const shown = rows.flatMap(([floor = '', names = '']) => codeSpans(names).map((name) => `${floor} ${name}`));
  const inForce = FLOORS.flatMap((names, floor) =>
    names
      .filter((name) => name.split('/')[0] === 'service')
      .map((name) => `${floor} ${name === 'service' ? 'main.ts' : `${name.slice('service/'.length)}/`}`),
  );
  expect(shown.sort()).toEqual(inForce.sort());
});

test('test/README.md says what to run after a change of each folder with logic of its own', () => {
  const rows = tableRows(section(readDocument('test/README.md'), '## You changed X: run Y'), 'you changed');
  const named = rows.flatMap(([names = '']) => codeSpans(names));
  const small = ['addresses', 'collections', 'errors', 'time'];
  const missing = foldersOf('service').filter((name) => !small.includes(name) && !named.includes(`service/${name}/`));
  expect(missing).toEqual([]);
});

test('test/README.md has the tests of a folder of the service run after a change of it', () => {
  const rows = tableRows(section(readDocument('test/README.md'), '## You changed X: run Y'), 'you changed');
  const missing = rows.flatMap(([names = '', tests = '']) => {
    const run = codeSpans(tests).flatMap((span) => span.split(' '));
    const own = codeSpans(names)
      .filter((name) => /^service\/.*\/$/.test(name))
      .map((name) => `test/${name.slice(0, -1)}`);
    return own.filter((folder) => exists(folder) && !run.includes(folder));
  });
  expect(missing).toEqual([]);
});

test('test/README.md says what each folder of tests holds', () => {
  const rows = tableRows(section(readDocument('test/README.md'), '## Layout'), 'folder');
  const named = rows.map(([name = '']) => codeSpans(name)[0]);
  expect(named.sort()).toEqual(
    foldersOf('test')
      .map((name) => `${name}/`)
      .sort(),
  );
});
