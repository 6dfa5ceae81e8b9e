import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RunningProgram } from '../../support/programs/running-program';
import { imageSettings } from './service-image';

/** What a container of a task definition asks for. */
export interface ContainerSettings {
  /** `uid:gid`. */
  readonly user: string;
  readonly readOnlyRoot: boolean;
}

export interface ContainerOptions {
  /** The unpacked image: holds `app`. */
  readonly image: string;
  readonly settings: ContainerSettings;
  readonly environment: Readonly<Record<string, string>>;
  /** Certificate authorities to trust besides the usual ones: the cache's certificate needs one. */
  readonly caFile: string;
  readonly onLine?: (line: string) => void;
  /** Program and arguments; default: those of the image. */
  readonly entryPoint?: readonly string[];
  /** A folder of the container that is a volume. */
  readonly volume?: string;
}

/** Where the authorities are within the container. */
const CA_IN_CONTAINER = '/etc/ssl/local-ca.pem';
const NODE_IN_CONTAINER = '/usr/local/bin/node';

/** Whether this machine allows a container's isolation: a separate root, another user, a read-only file system. */
export function canContain(): boolean {
  const mounts = 'mount -t tmpfs tmpfs /mnt && mkdir /mnt/proc && mount -t proc proc /mnt/proc';
  return process.getuid?.() === 0 && spawnSync('unshare', ['--mount', 'sh', '-c', mounts]).status === 0;
}

/**
 * Runs the image's entry point with these variables. Isolated (see `canContain`), it finds only the image's files,
 * Node.js and the files that Node.js needs; otherwise it runs as the current user, in the image's folder.
 */
export function startContainer(options: ContainerOptions, walls: boolean): RunningProgram {
  const { environment, ...image } = imageSettings();
  const entryPoint = options.entryPoint ?? image.entryPoint;
  // HOME as container runtimes set it for the image's user 1000; with another HOME, an AWS profile might be found.
  const env = { HOME: '/home/node', ...environment, ...options.environment, NODE_EXTRA_CA_CERTS: options.caFile };
  const [, ...args] = entryPoint;
  if (walls) return startWithinWalls(options, { ...env, NODE_EXTRA_CA_CERTS: CA_IN_CONTAINER }, args);
  const own = args.map((arg) => (arg.startsWith('/app/') ? join(options.image, arg) : arg));
  const cwd = join(options.image, 'app');
  return new RunningProgram(process.execPath, own, { env, cwd, ...(options.onLine && { onLine: options.onLine }) });
}

function startWithinWalls(
  { image, settings, caFile, onLine, volume }: ContainerOptions,
  env: NodeJS.ProcessEnv,
  args: readonly string[],
): RunningProgram {
  const root = mkdtempSync(join(tmpdir(), 'container-'));
  mkdirSync(join(root, 'root'));
  const files = [
    ...sharedLibraries().map((path) => [path, path]),
    [process.execPath, NODE_IN_CONTAINER],
    [caFile, CA_IN_CONTAINER],
    ...['/etc/hosts', '/etc/resolv.conf', '/dev/null', '/dev/urandom'].map((path) => [path, path]),
  ];
  const mounts = files.map(([from = '', to = '']) => `bind '${from}' '${to}'`);
  const script = `set -e
root=${join(root, 'root')}
bind() {
  mkdir -p "$root$(dirname "$2")"
  touch "$root$2"
  mount --bind "$1" "$root$2"
  mount -o remount,bind,ro "$root$2"
}
mount -t tmpfs tmpfs "$root"
mkdir -p "$root/app" "$root/proc"
mount --bind '${join(image, 'app')}' "$root/app"
mount -t proc proc "$root/proc"
${mounts.join('\n')}
${volume === undefined ? '' : volumeAt(volume, settings)}
${settings.readOnlyRoot ? 'mount -o remount,bind,ro "$root/app"\nmount -o remount,ro "$root"' : ''}
cd "$root/app"
exec setpriv --no-new-privs chroot --userspec='${settings.user}' --groups= "$root" ${NODE_IN_CONTAINER} "$@"
`;
  const program = new RunningProgram('unshare', ['--mount', 'sh', '-c', script, 'sh', ...args], {
    env: { PATH: process.env['PATH'], ...env },
    ...(onLine && { onLine }),
  });
  const remove = (): void => rmSync(root, { recursive: true, force: true });
  program.exited.then(remove, remove);
  return program;
}

/** As the image's VOLUME makes it: it belongs to the user. */
function volumeAt(path: string, { user }: ContainerSettings): string {
  return `mkdir -p "$root${path}"\nmount -t tmpfs tmpfs "$root${path}"\nchown '${user}' "$root${path}"`;
}

/** Files that Node.js is linked with. */
function sharedLibraries(): string[] {
  const lines = execFileSync('ldd', [process.execPath], { encoding: 'utf8' }).split('\n');
  return lines.flatMap((line) => /(?:=> )?(\/\S+) \(0x/.exec(line)?.[1] ?? []);
}
