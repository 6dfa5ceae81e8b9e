import { describe } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { repositoryRoot } from '../servers/server-process';

/** A release of Node.js that tests run the server on. */
export interface NodeRelease {
  /** `newest 24`, or `image`. */
  readonly name: string;
  readonly version: string;
  /** Its program. */
  readonly node: string;
}

type FoundRelease = NodeRelease | { readonly name: string; readonly missing: string };

/** Runs tests on each of the named releases that `npm test` has installed; reports which are skipped, and why. */
export function describeOnNode(names: RegExp, tests: (release: NodeRelease) => void): void {
  for (const release of installed().filter(({ name }) => names.test(name))) {
    if ('missing' in release) {
      describe.skip(`Node.js, ${release.name}: ${release.missing}`, () => tests({ ...release, version: '', node: '' }));
    } else describe(`Node.js ${release.version} (${release.name})`, () => tests(release));
  }
}

function installed(): readonly FoundRelease[] {
  try {
    return JSON.parse(readFileSync(join(repositoryRoot, '.build/node-lines/releases.json'), 'utf8')) as FoundRelease[];
  } catch {
    const missing = 'npm test installs it';
    return ['newest 22', 'newest 24', 'newest 26', 'image'].map((name) => ({ name, missing }));
  }
}
