import { join } from 'node:path';
import { instrument, PRELUDE } from './instrument.mjs';

/** Sources that get counters. */
const FOLDERS = ['service', 'lambdas', 'test/fuzz/planted'];

/**
 * Bundles each target with the engine, for one thread.
 *
 * @returns the bundles' paths by the targets' names
 */
export async function bundleTargets({ root, outDir, names, targetsDir }) {
  const { build } = await import('esbuild');
  await build({
    absWorkingDir: root,
    entryPoints: names.map((name) => ({ in: `fuzz:${name}`, out: name })),
    outdir: outDir,
    outExtension: { '.js': '.cjs' },
    plugins: [entries(root, targetsDir), instrument({ root, folders: FOLDERS })],
    bundle: true,
    packages: 'external',
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    sourcemap: 'inline',
    banner: { js: PRELUDE },
    define: { __SERVICE_VERSION__: '"fuzz"' },
    logLevel: 'error',
  });
  return Object.fromEntries(names.map((name) => [name, join(outDir, `${name}.cjs`)]));
}

/** `fuzz:NAME` is a program that fuzzes the target NAME. */
function entries(root, targetsDir) {
  return {
    name: 'entries',
    setup(build) {
      build.onResolve({ filter: /^fuzz:/ }, ({ path }) => ({ path: path.slice('fuzz:'.length), namespace: 'fuzz' }));
      build.onLoad({ filter: /.*/, namespace: 'fuzz' }, ({ path }) => ({
        contents: `import { target } from ${JSON.stringify(join(targetsDir, path))};
          import { work } from ${JSON.stringify(join(root, 'test/fuzz/engine/worker'))};
          void work(target);`,
        resolveDir: root,
        loader: 'js',
      }));
    },
  };
}
