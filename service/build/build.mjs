// Bundles the service into .build/rtmp-server.cjs, the program that writes streams out into .build/rtmp-outputs.cjs and
// the operators' program into .build/rtmp-fleet.cjs, which any supported Node runs without node_modules, and what they
// load from the same folder: .build/aws-sdk.cjs, .build/fleet-aws-sdk.cjs, .build/s3-sdk.cjs and .build/otel-sdk.cjs when
// settings or options ask for AWS, S3 or traces, .build/console.cjs when a browser asks for the console.
// What is in them: .build/third-party-licences.txt for people, .build/metafile.json for programs.
// As a program: `node service/build/build.mjs` installs missing packages and always builds; with --if-changed it builds
// only when an input has changed.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildConsole } from './console.mjs';
import { thirdPartyLicences } from './licences.mjs';

const root = resolve(fileURLToPath(new URL('../..', import.meta.url)));
const outDir = join(root, '.build');

export const bundlePath = join(outDir, 'rtmp-server.cjs');

/** Forwards, records and packages streams; started by the server. */
export const outputsPath = join(outDir, 'rtmp-outputs.cjs');

/** The program for operators, `npm run fleet`. */
export const cliPath = join(outDir, 'rtmp-fleet.cjs');

/** The output files, in the order in which they are put in place. */
const outputs = [
  'third-party-licences.txt',
  'metafile.json',
  'console.cjs',
  ...['aws-sdk', 'fleet-aws-sdk', 'otel-sdk', 's3-sdk', 'rtmp-fleet', 'rtmp-outputs', 'rtmp-server'].flatMap((name) => [
    `${name}.cjs.map`,
    `${name}.cjs`,
  ]),
];

/** Parts that a node loads only when it uses them: as part of the bundle each would cost every node megabytes. */
const apart = {
  'aws-sdk': 'service/aws/aws-sdk.ts',
  'fleet-aws-sdk': 'service/cli/sources/fleet-aws-sdk.ts',
  'otel-sdk': 'service/tracing/otel-sdk.ts',
  's3-sdk': 'service/outputs/s3/s3-sdk.ts',
};

const loadedApart = {
  name: 'loaded-apart',
  setup(build) {
    build.onResolve({ filter: new RegExp(`/(?:${Object.keys(apart).join('|')})$`) }, ({ kind, path }) =>
      kind === 'dynamic-import' ? { path: `./${basename(path)}.cjs`, external: true } : undefined,
    );
  },
};

/** The inputs of the last build (paths from the repository's root) and their fingerprint. */
const recordPath = join(outDir, 'rtmp-server.inputs.json');

/** Inputs that affect the bundle without being part of it; the lock file stands for node_modules. */
const alwaysRead = [
  'service/build/build.mjs',
  'service/build/console.mjs',
  'service/build/licences.mjs',
  'package.json',
  'package-lock.json',
  'tsconfig.json',
];

/** True when the bundle exists and was built from the present working tree. Needs no node_modules. */
export function isBundleCurrent() {
  try {
    const record = JSON.parse(readFileSync(recordPath, 'utf8'));
    return outputs.every((name) => existsSync(join(outDir, name))) && record.fingerprint === fingerprint(record.inputs);
  } catch {
    return false; // never built, half built, or an input is gone
  }
}

/**
 * Builds the bundle and its source map. Output files are put in place by renaming, so that a concurrent build, or a
 * start that reads the bundle meanwhile, never finds half a file.
 */
export async function buildBundle() {
  const { build, stop } = await import('esbuild');
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const workDir = join(outDir, `build-${process.pid}`);
  try {
    const { metafile } = await build({
      absWorkingDir: root,
      entryPoints: {
        'rtmp-server': 'service/main.ts',
        'rtmp-fleet': 'service/cli/main.ts',
        'rtmp-outputs': 'service/outputs/main.ts',
        ...apart,
      },
      outdir: workDir,
      outExtension: { '.js': '.cjs' },
      plugins: [loadedApart],
      bundle: true,
      platform: 'node',
      target: 'node20',
      format: 'cjs',
      // Optional packages, which libraries try to load and can do without, fail at run time as the libraries expect.
      logOverride: { 'require-resolve-not-external': 'silent' },
      // One of them is there where packages for development are installed: the bundle must not depend on that.
      external: ['supports-color'],
      sourcemap: 'linked',
      sourcesContent: true,
      // third-party-licences.txt has them.
      legalComments: 'none',
      define: { __SERVICE_VERSION__: JSON.stringify(version) },
      metafile: true,
      logLevel: 'silent',
    });
    const browser = await buildConsole({ root, outdir: workDir });
    const contents = {
      inputs: { ...browser.metafile.inputs, ...metafile.inputs },
      outputs: byFileName({ ...browser.metafile.outputs, ...metafile.outputs }),
    };
    writeFileSync(join(workDir, 'metafile.json'), JSON.stringify(contents));
    writeFileSync(join(workDir, 'third-party-licences.txt'), thirdPartyLicences(root, contents));
    const sources = [...Object.keys(contents.inputs), ...browser.otherSources];
    const inputs = sources.filter((path) => !path.includes('node_modules/'));
    writeFileSync(join(workDir, 'inputs.json'), JSON.stringify({ fingerprint: fingerprint(inputs), inputs }));
    rmSync(recordPath, { force: true }); // from here to the last rename the bundle counts as stale
    for (const name of outputs) renameSync(join(workDir, name), join(outDir, name));
    renameSync(join(workDir, 'inputs.json'), recordPath);
  } finally {
    // Its process would stay beside the server that npm start runs in this one.
    await stop();
    rmSync(workDir, { recursive: true, force: true });
  }
}

/** The folders are those of the build's work, which have other names each time. */
function byFileName(built) {
  return Object.fromEntries(Object.entries(built).map(([path, output]) => [basename(path), output]));
}

async function buildFromScratch() {
  const { installPackages, requireNodeVersion } = await import('./prerequisites.mjs');
  const { withSetupLock } = await import('./setup-lock.mjs');
  requireNodeVersion();
  await withSetupLock(() => installPackages({ development: false }));
  await buildBundle();
}

/** @param {string[]} inputs paths from the repository's root; throws when one cannot be read */
function fingerprint(inputs) {
  const hash = createHash('sha256').update(`node ${process.versions.node.split('.')[0]}\n`);
  for (const path of [...alwaysRead, ...inputs]) {
    if (!existsSync(join(root, path)) && alwaysRead.includes(path)) continue; // an image build may leave some out
    hash.update(`${path}\n`).update(readFileSync(join(root, path)));
  }
  return hash.digest('hex');
}

if (process.argv[1] !== undefined && resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  mkdirSync(outDir, { recursive: true });
  try {
    const always = !process.argv.includes('--if-changed');
    if (always || !isBundleCurrent()) await buildFromScratch();
    if (always) console.log(`Built ${relative(root, bundlePath)}`);
  } catch (error) {
    console.error(`${relative(root, bundlePath)} could not be built: ${error.message}`);
    process.exitCode = 1;
  }
}
