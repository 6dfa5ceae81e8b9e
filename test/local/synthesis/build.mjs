// Synthesizes the deployment and builds the service's image, unless that was done since a source has changed, and
// prints the folder with both. Its argument: the deployment's options as JSON. A separate program because the CDK loads
// faster outside of a test runner.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync, utimesSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { withSetupLock } from '../../../service/build/setup-lock.mjs';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const cache = join(root, '.build/local');
const sources = ['infra', 'lambdas', 'service', 'cdk.json', 'package.json', 'package-lock.json', 'tsconfig.json'];
const keptMs = 24 * 3_600_000;

const [, , options = '{}'] = process.argv;
const directory = join(cache, fingerprint());
if (!existsSync(directory)) {
  await withSetupLock(async () => {
    // Another process may have built it while this one waited.
    if (!existsSync(directory)) await build(`${directory}.partial`);
  });
}
utimesSync(directory, new Date(), new Date());
removeUnused();
console.log(directory);

/** In a folder that gets its name when all is done, so that no process reads an incomplete one. */
async function build(partial) {
  rmSync(partial, { recursive: true, force: true });
  mkdirSync(partial, { recursive: true });
  await import('tsx'); // from here on TypeScript can be loaded
  const require = createRequire(import.meta.url);
  const { synthesize } = require('./synthesize.ts');
  const { buildServiceImage } = require('../ingest/service-image.ts');
  const { CloudAssembly } = require('./cloud-assembly.ts');
  const outdir = join(partial, 'cdk.out');
  synthesize(outdir, JSON.parse(options));
  await buildServiceImage(CloudAssembly.read(outdir).imageContext, join(partial, 'image'));
  renameSync(partial, directory);
}

function fingerprint() {
  const hash = createHash('sha256').update(JSON.stringify([options, process.version]));
  for (const source of sources) addTo(hash, join(root, source));
  return hash.digest('hex').slice(0, 16);
}

function addTo(hash, path) {
  const stats = statSync(path);
  if (!stats.isDirectory()) hash.update(`${path} ${stats.mtimeMs} ${stats.size}\n`);
  else for (const name of readdirSync(path).sort()) addTo(hash, join(path, name));
}

function removeUnused() {
  for (const name of readdirSync(cache)) {
    const path = join(cache, name);
    const usedMs = statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Date.now();
    if (Date.now() - usedMs > keptMs) rmSync(path, { recursive: true, force: true });
  }
}
