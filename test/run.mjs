// `npm test`: brings what the tests need (packages, Debian programs, the bundle), then type check, format, lint and jest.
// Arguments go to jest: `npm test -- test/integration`.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { prepare } from '../service/build/prepare.mjs';
import { installDebianPackages, packagesOfMissingPrograms } from './support/programs/debian-packages.mjs';
import { findPythonTools } from './support/programs/python-tools.mjs';
import { imageNodeVersion, installNodeLines } from './support/programs/node-lines.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Programs that tests run, by the Debian package that holds them. */
const programs = {
  'redis-server': 'redis-server',
  ffmpeg: 'ffmpeg',
  ffprobe: 'ffmpeg',
  'gst-launch-1.0': 'gstreamer1.0-tools',
  'gst-inspect-1.0': 'gstreamer1.0-tools',
  rtmpdump: 'rtmpdump',
  haproxy: 'haproxy',
  openssl: 'openssl',
  git: 'git',
  chromium: 'chromium',
  promtool: 'prometheus',
  nginx: 'nginx',
};

/** The module of nginx that speaks RTMP. */
const nginxModule = { file: '/usr/lib/nginx/modules/ngx_rtmp_module.so', package: 'libnginx-mod-rtmp' };

/** The same for checks that are skipped where these cannot be had. */
const optionalPrograms = { buildah: 'buildah', mmdebstrap: 'mmdebstrap', obs: 'obs-studio', Xvfb: 'xvfb' };

/** GStreamer elements that tests use, likewise. */
const gstreamerElements = {
  flvmux: 'gstreamer1.0-plugins-good',
  flvdemux: 'gstreamer1.0-plugins-good',
  aacparse: 'gstreamer1.0-plugins-good',
  h264parse: 'gstreamer1.0-plugins-bad',
  rtmp2sink: 'gstreamer1.0-plugins-bad',
  rtmp2src: 'gstreamer1.0-plugins-bad',
  rtmpsink: 'gstreamer1.0-plugins-bad',
};

const USAGE = `Usage: npm test [-- ARGUMENTS]

Installs what the tests need and is missing (npm packages, Debian packages as root, the newest Node.js 22, 24 and 26 into
.build), builds the server, and runs the type check, the lint and all tests. Without the right to install it says what is
missing. Arguments go to jest, after the checks:

  npm test -- test/service                 tests of one folder
  npm test -- test/service/hub -t keyframe     those of them that have "keyframe" in their name
  npm test -- --maxWorkers=1               one test file at a time
  npm test -- --onlyChanged                tests of what changed since the last commit
  npm test -- --no-checks                  tests without type check, format and lint

Exit codes: 0 all passed, 1 a test failed or something could not be installed, 2 the build or a check failed.`;

const NO_CHECKS = '--no-checks';
const jestArguments = process.argv.slice(2).filter((argument) => argument !== NO_CHECKS);
const isChecked = !process.argv.includes(NO_CHECKS);
if (jestArguments.includes('--help') || jestArguments.includes('-h')) {
  console.log(USAGE);
  process.exit(0);
}

await prepare({ task: 'test', further: () => installDebianPackages(missingDebianPackages) });

try {
  installDebianPackages(() => packagesOfMissingPrograms(optionalPrograms));
} catch (error) {
  console.log(`Some checks will be skipped: ${error.message}`);
}

const tool = (name) => join(root, 'node_modules', name);
const lintArgs = ['--config', 'test/support/eslint.config.mjs', '--no-error-on-unmatched-pattern'];
const pythonTools = findPythonTools(join(root, '.build'));
const nodeLines = installNodeLines(join(root, '.build/node-lines'), imageNodeVersion(root));
const checks = [
  await check('build', ['service/build/build.mjs', '--if-changed']),
  ...(await Promise.all(isChecked ? staticChecks() : [])),
];
await nodeLines;
/** On Node 20 the AWS SDK tells every process when its support ends. */
const quietSdk = '--disable-warning=NodeVersionSupportWarning';
const jest = spawnSync(process.execPath, [tool('jest/bin/jest.js'), ...jestArguments], {
  cwd: root,
  stdio: 'inherit',
  env: {
    ...process.env,
    NODE_OPTIONS: `${process.env.NODE_OPTIONS ?? ''} ${quietSdk}`.trim(),
    ...(await pythonTools),
  },
});
const failed = [...checks, { name: 'jest', passed: jest.status === 0 }].filter(({ passed }) => !passed);
if (failed.length > 0) console.error(`FAILED: ${failed.map(({ name }) => name).join(', ')}`);
if (failed.length > 0) process.exitCode = checks.every(({ passed }) => passed) ? 1 : 2;

function staticChecks() {
  return [
    check('type check', [tool('typescript/bin/tsc'), '--noEmit']),
    check('exact types', [tool('typescript/bin/tsc'), '--noEmit', '--project', 'service']),
    check('console types', [tool('typescript/bin/tsc'), '--noEmit', '--project', 'service/console']),
    check('format', [tool('prettier/bin/prettier.cjs'), '--check', '.']),
    check('lint', [tool('eslint/bin/eslint.js'), ...lintArgs, 'service', 'infra', 'lambdas', 'test']),
  ];
}

/** Runs a tool of Node's; its output is shown only when it fails. */
function check(name, args) {
  const startedAt = Date.now();
  return new Promise((settle) => {
    let output = '';
    const child = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
    child.stdout.on('data', (text) => (output += text));
    child.stderr.on('data', (text) => (output += text));
    child.on('close', (code) => {
      const seconds = ((Date.now() - startedAt) / 1000).toFixed(1);
      console.log(`${name}: ${code === 0 ? 'ok' : 'FAILED'} (${seconds} s)`);
      if (code !== 0) console.error(output.trim());
      settle({ name, passed: code === 0 });
    });
  });
}

function missingDebianPackages() {
  const missing = new Set(packagesOfMissingPrograms(programs));
  for (const [element, name] of Object.entries(gstreamerElements)) {
    const found =
      !missing.has('gstreamer1.0-tools') && spawnSync('gst-inspect-1.0', ['--exists', element]).status === 0;
    if (!found) missing.add(name);
  }
  if (!existsSync(nginxModule.file)) missing.add(nginxModule.package);
  return [...missing];
}
