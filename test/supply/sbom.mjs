// `npm run sbom`: writes .build/sbom.cdx.json, a list in CycloneDX's format of the packages that are in the bundles.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { prepare } from '../../service/build/prepare.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));

const [argument] = process.argv.slice(2);
if (argument !== undefined) {
  const isHelp = argument === '--help' || argument === '-h';
  if (!isHelp) console.error(`There is no argument '${argument}'.`);
  console.log('Usage: npm run sbom   builds what has changed, and writes .build/sbom.cdx.json');
  process.exit(isHelp ? 0 : 2);
}

await prepare({ task: 'list the packages' });
const steps = [
  ['service/build/build.mjs', '--if-changed'],
  [
    'node_modules/@cyclonedx/cyclonedx-esbuild/bin/cyclonedx-esbuild-cli.js',
    ...['--spec-version', '1.6', '--output-reproducible', '--gather-license-texts', '--validate'],
    ...['--output-file', '.build/sbom.cdx.json', '.build/metafile.json'],
  ],
];
for (const [program, ...args] of steps) {
  const { status } = spawnSync(process.execPath, [join(root, program), ...args], { cwd: root, stdio: 'inherit' });
  if (status !== 0) process.exit(1);
}
addSerialNumber(join(root, '.build/sbom.cdx.json'));

/** A list that is reproducible comes without a serial number, which actions/attest asks for: it is made of the contents. */
function addSerialNumber(path) {
  const { $schema, bomFormat, specVersion, ...contents } = JSON.parse(readFileSync(path, 'utf8'));
  const hash = createHash('sha256').update(JSON.stringify(contents)).digest();
  hash[6] = (hash[6] & 0x0f) | 0x80; // UUID version 8 of RFC 9562: made in a way of one's own
  hash[8] = (hash[8] & 0x3f) | 0x80;
  const [, ...groups] = /^(.{8})(.{4})(.{4})(.{4})(.{12})/.exec(hash.toString('hex'));
  const serialNumber = `urn:uuid:${groups.join('-')}`;
  const list = { $schema, bomFormat, specVersion, serialNumber, ...contents };
  writeFileSync(path, `${JSON.stringify(list, null, 2)}\n`);
}
