import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, expect, test } from '@jest/globals';
import { repositoryRoot } from '../support/servers/server-process';
import { metafile } from './bundles';

const elsewhere = mkdtempSync(join(tmpdir(), 'reproducible-'));
afterAll(() => rmSync(elsewhere, { recursive: true, force: true }));

const SOURCES = ['package.json', 'package-lock.json', 'tsconfig.json', 'service'];

test('a build in another folder gives the same bytes, so that anybody can compare', () => {
  const inputs = Object.keys(metafile().inputs).map((path) => path.replace(/^\(disabled\):/, ''));
  const packages = inputs.flatMap((path) => /^node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/.exec(path)?.[0] ?? []);
  // Copies, not links: esbuild would follow these back to here.
  for (const path of [...SOURCES, ...new Set(packages)]) {
    cpSync(join(repositoryRoot, path), join(elsewhere, path), { recursive: true });
  }
  for (const path of ['node_modules/esbuild', 'node_modules/@esbuild']) {
    mkdirSync(dirname(join(elsewhere, path)), { recursive: true });
    symlinkSync(join(repositoryRoot, path), join(elsewhere, path));
  }
  const program = `import(${JSON.stringify(join(elsewhere, 'service/build/build.mjs'))}).then((b) => b.buildBundle())`;
  execFileSync(process.execPath, ['-e', program], { cwd: elsewhere, stdio: 'pipe' });
  const names = ['third-party-licences.txt', 'console.cjs'].concat(
    Object.keys(metafile().outputs).filter((name) => /\.cjs(?:\.map)?$/.test(name)),
  );
  const read = (root: string, name: string): Buffer => readFileSync(join(root, '.build', name));
  expect(names.length).toBeGreaterThan(10);
  expect(names.filter((name) => !read(elsewhere, name).equals(read(repositoryRoot, name)))).toEqual([]);
}, 120_000);
