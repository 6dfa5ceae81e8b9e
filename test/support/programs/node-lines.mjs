// The newest release of every supported Node.js line, and the release in the image, from npm packages that contain
// them. The newest release is looked up when tests run: the releases that people install are not pinned either.
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export const supportedLines = [22, 24, 26];

/** How often a newer release is looked for (ms). */
const CHECK_MS = 24 * 60 * 60 * 1000;
/** Time limit of an installation (ms): a slow package index must not delay the tests. */
const INSTALL_MS = 120_000;
const PLATFORMS = ['linux-x64', 'linux-arm64'];

/**
 * Installs releases that are missing or may be out of date into `folder`, and writes the releases that tests can run to
 * its `releases.json`: for each of `supportedLines` and for the image `{ name, version, node }`, or `{ name, missing }`
 * with the reason. A missing release is not an error.
 * @param {string} folder
 * @param {string} imageVersion
 */
export async function installNodeLines(folder, imageVersion) {
  const lines = await Promise.all(
    supportedLines.map((line) => install(folder, `newest ${line}`, String(line), CHECK_MS)),
  );
  const known = lines.find(({ version }) => version === imageVersion);
  const ofImage = known ?? (await install(folder, 'image', imageVersion, Infinity));
  const releases = [...lines, { ...ofImage, name: 'image' }];
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'releases.json'), JSON.stringify(releases, null, 2));
  for (const { name, missing } of releases) if (missing) console.log(`Node.js, ${name}: not tested, ${missing}`);
  const newest = lines.find(({ version }) => version?.split('.')[0] === imageVersion.split('.')[0]);
  if (newest && newest.version !== imageVersion) {
    console.log(`Node.js ${newest.version} is out; service/Dockerfile has ${imageVersion}`);
  }
}

async function install(folder, name, wanted, checkMs) {
  const platform = `${process.platform}-${process.arch}`;
  if (!PLATFORMS.includes(platform)) return { name, missing: `there is no package of Node.js for ${platform}` };
  const prefix = join(folder, wanted);
  const node = join(prefix, `node_modules/node-${platform}/bin/node`);
  const checked = join(prefix, 'checked');
  const before = versionOf(node);
  if (before === undefined || ageOf(checked) > checkMs) {
    mkdirSync(prefix, { recursive: true });
    const options = ['--prefix', prefix, '--ignore-scripts', '--no-save', '--no-audit', '--no-fund', '--silent'];
    const installed = await run('npm', ['install', ...options, `node-${platform}@${wanted}`]);
    if (installed) writeFileSync(checked, '');
  }
  const version = versionOf(node);
  return version === undefined ? { name, missing: `npm could not install it` } : { name, version, node };
}

/** Without the v; undefined when it does not run. */
function versionOf(node) {
  const { status, stdout } = spawnSync(node, ['--version'], { encoding: 'utf8' });
  return status === 0 ? stdout.trim().slice(1) : undefined;
}

function ageOf(file) {
  try {
    return Date.now() - statSync(file).mtimeMs;
  } catch {
    return Infinity;
  }
}

function run(command, args) {
  return new Promise((settle) => {
    const child = spawn(command, args, { stdio: 'ignore', timeout: INSTALL_MS });
    child.on('error', () => settle(false));
    child.on('close', (code) => settle(code === 0));
  });
}

/** The release that service/Dockerfile names. */
export function imageNodeVersion(root) {
  const dockerfile = readFileSync(join(root, 'service/Dockerfile'), 'utf8');
  return /node:(\d+\.\d+\.\d+)-/.exec(dockerfile)[1];
}
