import { execFile } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { buildServiceImage } from '../ingest/service-image';
import { CloudAssembly } from './cloud-assembly';

const run = promisify(execFile);
const root = join(__dirname, '../../..');
const cache = join(root, '.build/local');
const sources = ['infra', 'lambdas', 'service', 'cdk.json', 'package.json', 'package-lock.json', 'tsconfig.json'];
const KEPT_MS = 24 * 3_600_000;

/** Options of the deployment, as `cdk deploy -c name=value` takes them. */
export type DeploymentOptions = Readonly<Record<string, string>>;

export interface Artifacts {
  readonly assembly: CloudAssembly;
  /** The service's image, unpacked. */
  readonly image: string;
}

/** Templates, bundles and image for these options: from the last time where no source has changed since. */
export async function buildArtifacts(options: DeploymentOptions): Promise<Artifacts> {
  const directory = join(cache, fingerprint(options));
  if (!existsSync(directory)) await build(directory, options);
  utimesSync(directory, new Date(), new Date());
  removeUnused();
  return { assembly: CloudAssembly.read(join(directory, 'cdk.out')), image: join(directory, 'image') };
}

/** Others may build or use the same at the same time: nobody meets half of it. */
async function build(directory: string, options: DeploymentOptions): Promise<void> {
  const partial = join(cache, `partial-${randomUUID()}`);
  mkdirSync(partial, { recursive: true });
  try {
    const outdir = join(partial, 'cdk.out');
    const program = join(__dirname, 'synthesize.ts');
    await run(process.execPath, ['--import', 'tsx', program, outdir, JSON.stringify(options)], { cwd: root });
    await buildServiceImage(CloudAssembly.read(outdir).imageContext, join(partial, 'image'));
    if (!existsSync(directory)) renameSync(partial, directory);
  } finally {
    rmSync(partial, { recursive: true, force: true });
  }
}

function fingerprint(options: DeploymentOptions): string {
  const hash = createHash('sha256').update(JSON.stringify([options, process.version]));
  for (const source of sources) addTo(hash, join(root, source));
  return hash.digest('hex').slice(0, 16);
}

function addTo(hash: ReturnType<typeof createHash>, path: string): void {
  const { mtimeMs, size } = statSync(path);
  if (!statSync(path).isDirectory()) hash.update(`${path} ${mtimeMs} ${size}\n`);
  else for (const name of readdirSync(path).sort()) addTo(hash, join(path, name));
}

function removeUnused(): void {
  for (const name of readdirSync(cache)) {
    const path = join(cache, name);
    const usedMs = statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? Date.now();
    if (Date.now() - usedMs > KEPT_MS) rmSync(path, { recursive: true, force: true });
  }
}
