import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { beforeAll, expect, test } from '@jest/globals';
import { repositoryRoot } from '../support/servers/server-process';
import { metafile, packagesIn } from './bundles';

interface Bom {
  readonly specVersion: string;
  readonly serialNumber: string;
  readonly metadata: { readonly component: { readonly name: string } };
  readonly components: readonly { name: string; group?: string; version: string; purl: string; licenses: unknown[] }[];
}

interface Validation {
  readonly JsonStrictValidator: new (version: string) => { validate(text: string): Promise<unknown> };
}

let text: string;

beforeAll(() => {
  text = written();
}, 60_000);

function written(): string {
  const { status, stderr } = spawnSync(process.execPath, ['test/supply/sbom.mjs'], {
    cwd: repositoryRoot,
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(stderr);
  return readFileSync(join(repositoryRoot, '.build/sbom.cdx.json'), 'utf8');
}

const bom = (): Bom => JSON.parse(text) as Bom;

/** CycloneDX's own schema, strict: unknown fields are faults. */
async function faultsOf(document: string): Promise<unknown> {
  const tool = createRequire(
    join(repositoryRoot, 'node_modules/@cyclonedx/cyclonedx-esbuild/bin/cyclonedx-esbuild-cli.js'),
  );
  const { Validation } = tool('@cyclonedx/cyclonedx-library') as { Validation: Validation };
  return new Validation.JsonStrictValidator('1.6').validate(document);
}

test('npm run sbom writes what the schema of CycloneDX allows', async () => {
  expect(await faultsOf(text)).toBeNull();
  expect(await faultsOf(JSON.stringify({ ...bom(), components: [{ type: 'nothing' }] }))).not.toBeNull();
});

test('the list has the serial number that GitHub asks for when it signs, and is the same each time', () => {
  expect(bom().serialNumber).toMatch(/^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  expect(written()).toBe(text);
}, 60_000);

test('the list has every package that is part of a bundle, with version and licence', () => {
  expect(bom()).toMatchObject({ specVersion: '1.6', metadata: { component: { name: 'rtmp-ingest-fleet' } } });
  const listed = new Map(
    bom().components.map((one) => [`${one.group === undefined ? '' : `${one.group}/`}${one.name}@${one.version}`, one]),
  );
  const shipped = Object.values(metafile().outputs).flatMap(packagesIn);
  expect(shipped.filter(({ name, version }) => !listed.has(`${name}@${version}`))).toEqual([]);
  for (const { purl, licenses } of listed.values()) {
    expect(purl).toMatch(/^pkg:npm\//);
    expect(licenses.length).toBeGreaterThan(0);
  }
});
