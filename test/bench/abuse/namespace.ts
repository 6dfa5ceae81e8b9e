import { spawn, spawnSync } from 'node:child_process';
import { IPV6_NETWORK } from './addresses';

/** Set in the environment of a bench that runs in a network namespace of its own. */
const INSIDE = 'RTMP_BENCH_NAMESPACE';
/** Every address of the network is this machine's own, there. */
const PREPARE =
  `ip link set lo up && ip -6 route add local ${IPV6_NETWORK}::/48 dev lo && ` +
  'echo 1 > /proc/sys/net/ipv6/ip_nonlocal_bind && exec "$@"';

/** Whether the process runs in a network namespace of its own, with many IPv6 addresses. */
export function isInside(): boolean {
  return process.env[INSIDE] !== undefined;
}

/**
 * Runs the same command again in a network namespace of its own, so that floods touch no other program of the machine;
 * undefined where the system does not allow one.
 */
export async function runInside(): Promise<number | undefined> {
  const user = process.getuid?.() === 0 ? [] : ['--map-root-user'];
  const inside = ['--net', ...user, 'sh', '-c', PREPARE, 'sh'];
  if (spawnSync('unshare', [...inside, 'true']).status !== 0) return undefined;
  const [node, ...args] = process.argv;
  const again = spawn('unshare', [...inside, node!, ...process.execArgv, ...args], {
    stdio: 'inherit',
    env: { ...process.env, [INSIDE]: 'yes' },
  });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => again.kill(signal));
  return new Promise((resolve) => again.on('exit', (code) => resolve(code ?? 1)));
}
