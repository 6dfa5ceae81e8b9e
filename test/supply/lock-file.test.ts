import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { repositoryRoot } from '../support/servers/server-process';

interface LockedPackage {
  readonly version?: string;
  readonly resolved?: string;
  readonly integrity?: string;
  readonly link?: boolean;
  readonly inBundle?: boolean;
  readonly hasInstallScript?: boolean;
}

const read = (path: string): string => readFileSync(join(repositoryRoot, path), 'utf8');
const lock = JSON.parse(read('package-lock.json')) as {
  lockfileVersion: number;
  packages: Record<string, LockedPackage>;
};
const packages = Object.entries(lock.packages).filter(([path]) => path !== '');

test('every package is locked to its contents, by SHA-512', () => {
  expect(lock.lockfileVersion).toBe(3);
  // A package that another one contains is locked with that one.
  const loose = packages.filter(
    ([, { integrity, inBundle }]) => inBundle !== true && !/^sha512-[\w+/]{86}==$/.test(integrity ?? ''),
  );
  expect(loose.map(([path]) => path)).toEqual([]);
});

test('no package comes from elsewhere than the registry that npm is set to', () => {
  // Without an address in the lock file, npm asks its registry for name and version: nothing can point elsewhere.
  expect(packages.filter(([, { resolved, link }]) => resolved !== undefined || link === true)).toEqual([]);
  expect(read('.npmrc')).toContain('omit-lockfile-registry-resolved=true');
  expect(read('.npmrc')).not.toMatch(/registry\s*=\s*\w+:/);
});

test('package.json asks for exact versions, which are those of the lock file', () => {
  const { dependencies, devDependencies } = JSON.parse(read('package.json')) as Record<string, Record<string, string>>;
  for (const [name, version] of Object.entries({ ...dependencies, ...devDependencies })) {
    expect(version).toMatch(/^\d+\.\d+\.\d+$/);
    expect(lock.packages[`node_modules/${name}`]?.version).toBe(version);
  }
});

test('packages are installed without their scripts wherever this repository installs them', () => {
  const installs = ['service/Dockerfile', 'service/build/prerequisites.mjs', '.github/workflows/ci.yml'].map(read);
  for (const text of installs) {
    for (const line of text.split('\n').filter((one) => /npm ci\b|\['ci'/.test(one) && !/^\s*(?:\/\/|#)/.test(one))) {
      expect(line).toContain('--ignore-scripts');
    }
  }
});
