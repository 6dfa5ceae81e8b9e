// `npm run bench`: installs missing packages, builds the server's bundle and the benchmark's own programs, then
// starts the benchmark.
import { spawn, spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { prepare } from '../../service/build/prepare.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, '..', '..');
const outputDir = join(root, '.build', 'bench');

if (process.platform !== 'linux') {
  console.error('The benchmark pins processes with taskset and reads CPU time from /proc: it runs on Linux only.');
  process.exit(1);
}

await prepare();

const args = process.argv.slice(2);
const helps = args.includes('--help') || args.includes('-h');
const service = helps
  ? { status: 0 }
  : spawnSync(process.execPath, [join(root, 'service', 'build', 'build.mjs')], { stdio: 'inherit' });
if (service.status !== 0) {
  console.error('The server does not build: see the lines above.');
  process.exit(1);
}

const { build } = await import('esbuild');
await build({
  entryPoints: {
    bench: join(here, 'bench.ts'),
    'fleet-nodes': join(here, 'fleet', 'node-process.ts'),
    generator: join(here, 'load', 'generator.ts'),
    'soak-probe': join(here, 'soak', 'probe.ts'),
    'node-media-server': join(here, 'servers', 'node-media-server-process.ts'),
  },
  outdir: outputDir,
  outExtension: { '.js': '.cjs' },
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'cjs',
  sourcemap: 'inline',
  external: ['node-media-server'],
  logLevel: 'warning',
});

const bench = spawn(process.execPath, ['--enable-source-maps', join(outputDir, 'bench.cjs'), ...args], {
  cwd: root,
  stdio: 'inherit',
});
// Ctrl-C reaches the whole process group; the benchmark ends its own children before it exits.
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => bench.kill('SIGTERM'));
bench.on('exit', (code) => process.exit(code ?? 1));
