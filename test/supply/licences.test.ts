import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { repositoryRoot } from '../support/servers/server-process';
import { type InstalledPackage, metafile, packagesIn } from './bundles';

/** Licences that allow use in a program under the MIT licence, and ask for no more than their text and notices. */
const ALLOWED = new Set(['0BSD', 'Apache-2.0', 'BSD-2-Clause', 'BSD-3-Clause', 'ISC', 'MIT']);

const shipped: readonly InstalledPackage[] = Object.values(metafile().outputs).flatMap(packagesIn);
const text = readFileSync(join(repositoryRoot, '.build/third-party-licences.txt'), 'utf8');

test('every package that is part of a bundle has a licence that is allowed', () => {
  expect(shipped.length).toBeGreaterThan(60);
  expect(shipped.filter(({ licence }) => !ALLOWED.has(licence))).toEqual([]);
});

test('every package that is installed for the service has a licence that is allowed', () => {
  const lock = JSON.parse(readFileSync(join(repositoryRoot, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { license?: string; dev?: boolean }>;
  };
  const installed = Object.entries(lock.packages).filter(([path, { dev }]) => path !== '' && dev !== true);
  const refused = installed.filter(([, { license }]) => license === undefined || !ALLOWED.has(license));
  expect(refused.map(([path, { license }]) => `${path}: ${license}`)).toEqual([]);
});

test('third-party-licences.txt names each of them, with version and licence', () => {
  const missing = shipped.filter(({ name, version, licence }) => !text.includes(`${name} ${version} (${licence})`));
  expect(missing).toEqual([]);
});

test('it contains the licence and notice that each package has, or the text of its licence', () => {
  const sections = text.split(`\n${'='.repeat(80)}\n`);
  for (const { folder, name, version } of shipped) {
    const section = sections.find((one) => one.includes(`\n${name} ${version} (`));
    expect(section).toMatch(/Permission|Redistribution|TERMS AND CONDITIONS|apache\.org\/licenses\/LICENSE-2\.0/);
    for (const file of ['LICENSE', 'LICENSE.md', 'LICENSE.txt', 'license', 'license.md', 'NOTICE', 'NOTICE.txt']) {
      const path = join(repositoryRoot, folder, file);
      if (existsSync(path)) expect(section).toContain(readFileSync(path, 'utf8').trim());
    }
  }
});

test('it names what packages have bundled in turn', () => {
  const inside = shipped.flatMap(({ folder }) =>
    Object.keys(metafile().inputs)
      .filter((path) => path.startsWith(`${folder}/dist/`))
      .flatMap((path) => sourcesOf(join(repositoryRoot, `${path}.map`)))
      .flatMap((source) => /node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(source)?.[1] ?? []),
  );
  expect(new Set(inside).size).toBeGreaterThan(3);
  expect([...new Set(inside)].filter((name) => !new RegExp(`contains .*${name}`).test(text))).toEqual([]);
});

test('it has the notices in comments of sources, which the bundles leave out', () => {
  expect(text).toContain('Copyright 2001-2010 Georges Menie');
  expect(text).toContain('Copyright 2010 Salvatore Sanfilippo');
  expect(text).toContain('Copyright (c) 2022-2023, Redis, Inc.');
  expect(text).toContain('Copyright (c) 2024 Viva Republica, Inc');
  expect(text).toContain('Adapted from valibot (MIT)');
  expect(text.split('Copyright The OpenTelemetry Authors')).toHaveLength(2);
});

test('where a package carries parts under the MIT licence, it has the text of that licence', () => {
  const sections = text.split(`\n${'='.repeat(80)}\n`).filter((section) => /^ {2}contains .*\(MIT\)/m.test(section));
  expect(sections.length).toBeGreaterThan(2);
  for (const section of sections) expect(section).toContain('Permission is hereby granted, free of charge');
});

function sourcesOf(map: string): readonly string[] {
  if (!existsSync(map)) return [];
  return (JSON.parse(readFileSync(map, 'utf8')) as { sources: string[] }).sources;
}
