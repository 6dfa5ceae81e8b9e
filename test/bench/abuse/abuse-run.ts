import { cpus, getPriority } from 'node:os';
import { RedisServer } from '../../support/servers/redis-server';
import type { HonestReport } from '../load/generator-api';
import { GeneratorProcess } from '../load/generator-process';
import { sleep, MEGABYTE } from '../runs/run-context';
import { rtmpServer } from '../servers/rtmp-server';
import { pinToCores } from '../servers/pinned-process';
import { freePort, RunningServer } from '../servers/running-server';
import type { Attack, AttackCost, Surrounding } from './attack';
import { proxyHeader } from './attacker-bytes';
import { startHandler } from './hostile-handler';

/** The cost of one attack for both sides. */
export interface AbuseResult {
  readonly cost: AttackCost;
  readonly honest: HonestReport;
  /** CPU seconds of the server per second. */
  readonly cpuShare: number;
  /** The most memory that the server took during the attack, above its memory before the attack. */
  readonly growthMb: number;
  readonly logBytes: number;
  readonly crashed: boolean;
  readonly reasons: readonly string[];
}

export interface AbuseOptions {
  readonly bundle: string;
  readonly seconds: number;
  /** Honest streams, each with a player. */
  readonly streams: number;
}

const HONEST_ADDRESS = '127.0.0.3';
const ATTACKER_ADDRESS = '127.0.0.2';
/** Clients behind the load balancer, as its PROXY headers name them. */
const HONEST_CLIENT = '192.0.2.9';
const ATTACKER_CLIENT = '192.0.2.66';
const WARMUP_SECONDS = 2;
const SAMPLE_MS = 50;
/** Added to the benchmark's own: the attacker's priority is lower, that of the honest streams higher. */
const REDIS_PRIORITY = 4;

/** Starts a server with what the attack needs, honest streams and the attacker, each in a separate process. */
export async function abuseRun(attack: Attack, { bundle, seconds, streams }: AbuseOptions): Promise<AbuseResult> {
  const cores = cpus().map((_, core) => core);
  const [serverCores, generatorCores] = [cores.slice(0, 1), cores.slice(-1)];
  const needs = (surrounding: Surrounding): boolean => attack.needs?.includes(surrounding) === true;
  const handler = needs('callback') ? await startHandler(attack.handler ?? 'accepts') : undefined;
  const redis = needs('redis') ? await RedisServer.start() : undefined;
  // Redis stands for another machine: its cost must not count for the server or the honest streams.
  if (redis) pinToCores(redis.pid, generatorCores, getPriority() + REDIS_PRIORITY);
  const httpPort = needs('http') ? await freePort() : 0;
  const env = {
    ...{ CONCURRENT_LIMIT_WHITELIST: `${HONEST_ADDRESS},${HONEST_CLIENT}`, LOG_REQUESTS: 'YES' },
    ...(handler && { CALLBACK_URL: handler.url, JWT_SECRET: 'a secret of the benchmark, long enough' }),
    ...(redis && { REDIS_USE: 'YES', REDIS_HOST: redis.host, REDIS_PORT: String(redis.port) }),
    ...(redis && { FLEET: 'YES', FLEET_NODE_ID: 'bench', FLEET_ADVERTISE_HOST: '127.0.0.1' }),
    ...(httpPort > 0 && { HTTP_PORT: String(httpPort) }),
    ...(needs('proxy') && { PROXY_PROTOCOL: 'v2', PROXY_TRUSTED: '127.0.0.0/8' }),
    ...(needs('ipv6') && { BIND_ADDRESS: '::', HTTP_BIND_ADDRESS: '::' }),
    ...attack.env,
  };
  const transport = needs('tls') ? 'rtmps' : 'rtmp';
  const server = await RunningServer.start(rtmpServer(bundle), {
    ...{ cores: serverCores, transport, env, profile: undefined, descriptors: attack.descriptors },
  });
  const honest = new GeneratorProcess('honest', generatorCores);
  const attacker = new GeneratorProcess('attacker', generatorCores);
  const proxied = (client: string): string => (needs('proxy') ? proxyHeader(client).toString('hex') : '');
  const { host, port, tls } = server.streams;
  try {
    const address = { ...server.streams, app: 'honest-{n}', streamName: 'key', localAddress: HONEST_ADDRESS };
    const pattern = { ...address, preambleHex: proxied(HONEST_CLIENT) };
    await honest.call('start', { pattern, count: streams });
    await sleep(WARMUP_SECONDS);
    const before = server.usage();
    let peakBytes = before.rssBytes;
    const sampling = setInterval(() => (peakBytes = Math.max(peakBytes, server.usage().rssBytes)), SAMPLE_MS);
    const logBefore = server.logBytes;
    await honest.call('beginWindow', { httpPort });
    const target = {
      ...{ host, port, tlsPort: tls ? port : 0, httpPort, redisPort: redis?.port ?? 0 },
      ...{ localAddress: ATTACKER_ADDRESS, preambleHex: proxied(ATTACKER_CLIENT) },
    };
    const cost = await attacker.call('attack', { name: attack.name, target, seconds });
    clearInterval(sampling);
    const after = server.usage();
    const report = await honest.call('endWindow', {});
    const crashed = server.usage().rssBytes === 0;
    return {
      cost,
      honest: report,
      cpuShare: (after.cpuSeconds - before.cpuSeconds) / seconds,
      growthMb: (peakBytes - before.rssBytes) / MEGABYTE,
      logBytes: server.logBytes - logBefore,
      crashed,
      reasons: [...report.reasons, ...(crashed ? [server.endOfLog()] : [])],
    };
  } finally {
    await Promise.all([honest.stop(), attacker.stop()]);
    await server.stop();
    handler?.close();
    await redis?.remove();
  }
}
