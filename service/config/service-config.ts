import { readFileSync } from 'node:fs';
import type { AddressRules } from '../addresses/address-rules';
import type { NameLimits } from '../protocol/name-grammar';
import { type CallbackConfig, readCallbackSettings } from './callback-settings';
import {
  type FleetConfig,
  type PublishingConfig,
  readFleetSettings,
  readPublishingSettings,
  readWorkers,
} from './fleet-settings';
import { Environment, type EnvironmentValues, type ReadFile, type Setting } from './environment';
import { type EventsConfig, readEventSettings } from './event-settings';
import { readForeignSettings } from './foreign-settings';
import { type Place, refuseSharedPorts } from './listening-places';
import { type LogConfig, readLogSettings } from './log-settings';
import { warnOfMisspelledNames } from './misspelled-names';
import { readNameSettings } from './name-settings';
import { type NodeMetricsConfig, readNodeMetricsSettings } from './node-metrics-settings';
import { type OutputsConfig, readOutputSettings } from './output-settings';
import { type ProxyConfig, readProxySettings } from './proxy-settings';
import { type RedisConfig, readRedisSettings } from './redis-settings';
import { readStoredSecret, type StoredSecret } from './stored-secret';
import { readTlsSettings, type TlsConfig } from './tls-settings';
import { readTracingSettings } from './tracing-settings';
import { readTrustedAuthorities } from './trusted-authorities';

/** All settings of a node, checked and frozen. Read once at the start; nothing else reads the environment. */
export interface ServiceConfig {
  readonly rtmp: {
    /** 0: any free port. */
    readonly port: number;
    /** `rtmp_host` of the callback's token; empty: the ECS task's address, if there is one. */
    readonly advertisedHost: string;
    /** undefined: all interfaces, dual stack. */
    readonly bindAddress: string | undefined;
    /** Outgoing chunk size, 128..65536. */
    readonly chunkSize: number;
    readonly names: NameLimits;
  };
  /** Present when both a certificate and a key are configured. */
  readonly tls: TlsConfig | undefined;
  /** Present when connections come through load balancers that send PROXY headers. */
  readonly proxy: ProxyConfig | undefined;
  readonly limits: {
    readonly maxConnectionsPerIp: number;
    /** Connections that one client may open a second; some seconds' worth may come at once. */
    readonly maxConnectsPerIpAndSecond: number;
    /** Clients without a limit of connections. */
    readonly concurrencyWhitelist: AddressRules;
    /** Who may play; empty: everybody. */
    readonly playWhitelist: AddressRules;
    /** 0 turns the GOP cache off. */
    readonly gopCacheBytes: number;
    /** Limit of media and other buffers of the process; undefined: a share of the container's memory. */
    readonly memoryBudgetBytes: number | undefined;
  };
  /** When clients are disconnected (ms). */
  readonly timeouts: {
    /** A publisher that sends no audio or video, even if it answers pings. */
    readonly mediaMs: number;
    /** Any client that sends nothing at all. */
    readonly silentMs: number;
  };
  /** Absent: every publisher is accepted. */
  readonly callback: CallbackConfig | undefined;
  readonly redis: RedisConfig | undefined;
  readonly publishing: PublishingConfig;
  /** Processes that share the ports of this machine. */
  readonly workers: number;
  /** Absent: the node is alone. */
  readonly fleet: FleetConfig | undefined;
  /** How often secrets in Secrets Manager are read again; certificates have `tls.reloadCheckMs`. */
  readonly secretRefreshMs: number;
  readonly http: HttpConfig | undefined;
  readonly httpPlaying: HttpPlayingConfig;
  readonly nodeMetrics: NodeMetricsConfig;
  /** The task metadata endpoint (version 4) of AWS ECS. */
  readonly taskMetadataUrl: URL | undefined;
  /** The agent of AWS ECS, which accepts requests of a container. */
  readonly ecsAgentUrl: URL | undefined;
  readonly log: LogConfig;
  readonly events: EventsConfig;
  readonly outputs: OutputsConfig;
  /** Where traces are sent; absent: nothing is traced. */
  readonly tracing: URL | undefined;
  /** How long SIGTERM waits for stop callbacks and clients. */
  readonly drainMs: number;
  /** LATENCY_MS: the longest delay that batching may add to a frame, 0..500, default 100. */
  readonly latencyMs: number;
}

export interface HttpConfig {
  /** 0: any free port. */
  readonly port: number;
  readonly bindAddress: string;
  /** Host names that may read metrics and streams, in addition to IP addresses and names without a dot. */
  readonly allowedHosts: readonly string[];
  /** With which operators give orders: the token itself, or where it is stored; undefined: there are no orders. */
  readonly operatorToken: string | StoredSecret | undefined;
}

/** Playing over HTTP and WebSocket, on the HTTP port. */
export interface HttpPlayingConfig {
  /** Players at a time of all processes; 0: nobody plays there. */
  readonly maxPlayers: number;
  /** Origins of web pages that may play, in addition to the server's own; `*`: all. */
  readonly origins: readonly string[];
}

export interface LoadedConfig {
  readonly config: ServiceConfig;
  /** Lines for the log about valid settings that are probably mistakes. */
  readonly warnings: readonly string[];
  /** Every variable with its value or default; secrets are hidden. */
  readonly settings: readonly Setting[];
}

const PORT = { min: 0, max: 65_535 };
const TIMEOUT_SECONDS = { min: 5, max: 86_400 };
/** Whoever has it can end streams: too long to be guessed, and fit for a header. */
const OPERATOR_TOKEN = /^[\x21-\x7e]{16,1024}$/;
const BYTES_PER_MB = 1024 * 1024;

/**
 * Turns environment variables into settings. Pure except for reading the files that variables name.
 *
 * @throws ConfigError listing every variable that cannot be used
 */
export function loadServiceConfig(values: EnvironmentValues, readFile: ReadFile = readFileSync): LoadedConfig {
  const env = new Environment(values);
  const trustedCa = readTrustedAuthorities(env, readFile);
  const bindAddress = env.host('BIND_ADDRESS');
  const redis = readRedisSettings(env, readFile, trustedCa);
  const config: ServiceConfig = {
    rtmp: {
      port: env.integer('RTMP_PORT', { ...PORT, fallback: 1935 }),
      advertisedHost: env.text('RTMP_HOST') ?? '',
      bindAddress,
      chunkSize: env.integer('RTMP_CHUNK_SIZE', { min: 128, max: 65_536, fallback: 60_000 }),
      names: readNameSettings(env),
    },
    tls: readTlsSettings(env, readFile, bindAddress),
    proxy: readProxySettings(env),
    limits: {
      maxConnectionsPerIp: env.integer('MAX_IP_CONCURRENT_CONNECTIONS', { min: 1, max: 1_000_000, fallback: 4 }),
      maxConnectsPerIpAndSecond: env.integer('MAX_IP_CONNECTIONS_PER_SECOND', {
        ...{ min: 1, max: 1_000_000, fallback: 20 },
      }),
      concurrencyWhitelist: env.addresses('CONCURRENT_LIMIT_WHITELIST'),
      playWhitelist: readPlayWhitelist(env),
      memoryBudgetBytes: readMemoryBudget(env),
      gopCacheBytes: env.integer('GOP_CACHE_SIZE_MB', { min: 0, max: 65_536, fallback: 256 }) * BYTES_PER_MB,
    },
    timeouts: {
      mediaMs: env.integer('MEDIA_TIMEOUT_SECONDS', { ...TIMEOUT_SECONDS, fallback: 120 }) * 1000,
      silentMs: env.integer('SILENT_TIMEOUT_SECONDS', { ...TIMEOUT_SECONDS, fallback: 60 }) * 1000,
    },
    callback: readCallbackSettings(env, trustedCa),
    redis,
    publishing: readPublishingSettings(env),
    workers: readWorkers(env),
    fleet: readFleetSettings(env, redis !== undefined),
    secretRefreshMs: env.integer('JWT_SECRET_REFRESH_SECONDS', { min: 1, max: 86_400, fallback: 300 }) * 1000,
    http: readHttpSettings(env),
    httpPlaying: {
      maxPlayers: env.integer('HTTP_MAX_PLAYERS', { min: 0, max: 1_000_000, fallback: 1_000 }),
      origins: readPlayOrigins(env),
    },
    nodeMetrics: readNodeMetricsSettings(env),
    taskMetadataUrl: readEcsUrl(env, 'ECS_CONTAINER_METADATA_URI_V4'),
    ecsAgentUrl: readEcsUrl(env, 'ECS_AGENT_URI'),
    log: readLogSettings(env),
    tracing: readTracingSettings(env),
    events: readEventSettings(env),
    outputs: readOutputSettings(env),
    drainMs: env.integer('DRAIN_SECONDS', { min: 0, max: 86_400, fallback: 10 }) * 1000,
    latencyMs: env.integer('LATENCY_MS', { min: 0, max: 500, fallback: 100 }),
  };
  readForeignSettings(env);
  warnOfMisspelledNames(env);
  refuseSharedPorts(env, [
    ['RTMP_PORT', config.rtmp],
    ['SSL_PORT', config.tls],
    ['HTTP_PORT', config.http],
    ['OUTPUTS_PORT', outputsPlace(config)],
    ...relayPlaces(env, config).map((place) => ['FLEET_ADVERTISE_PORT', place] as const),
  ]);
  env.throwIfFaulty();
  return { config: freeze(config), warnings: env.warnings, settings: env.settings() };
}

/** Where the node listens for `rtmp-outputs`. */
function outputsPlace({ outputs }: ServiceConfig): Place | undefined {
  return outputs.run === 'none' ? undefined : { port: outputs.link.port, bindAddress: '127.0.0.1' };
}

/** Where workers take relays of other nodes, as far as the settings say; one process takes them where clients come. */
function relayPlaces(env: Environment, { workers, fleet, rtmp }: ServiceConfig): Place[] {
  const first = fleet?.advertisePort;
  if (workers === 1 || first === undefined) return [];
  if (first + workers - 1 > PORT.max) {
    env.fault('FLEET_ADVERTISE_PORT', `at most ${PORT.max - workers + 1}: it is the first port of ${workers} WORKERS`);
    return [];
  }
  return Array.from({ length: workers }, (_, slot) => ({ port: first + slot, bindAddress: rtmp.bindAddress }));
}

/** PLAY_ALLOWED_FROM is set by the old server's compose file, although that server only read the other name. */
function readPlayWhitelist(env: Environment): AddressRules {
  const alias = env.text('PLAY_ALLOWED_FROM');
  if (env.text('RTMP_PLAY_WHITELIST') !== undefined) {
    if (alias !== undefined) env.warn('PLAY_ALLOWED_FROM is not used: RTMP_PLAY_WHITELIST is set');
    return env.addresses('RTMP_PLAY_WHITELIST');
  }
  if (alias !== undefined) env.warn('PLAY_ALLOWED_FROM is used as RTMP_PLAY_WHITELIST, which is its proper name');
  return env.addresses('PLAY_ALLOWED_FROM');
}

function readHttpSettings(env: Environment): HttpConfig | undefined {
  const port = env.optionalInteger('HTTP_PORT', PORT);
  const bindAddress = env.host('HTTP_BIND_ADDRESS') ?? '127.0.0.1';
  const allowedHosts = readAllowedHosts(env);
  const operatorToken = readOperatorToken(env);
  if (port === undefined && operatorToken !== undefined) {
    env.warn('OPERATOR_TOKEN is not used: the API needs HTTP_PORT');
  }
  return port === undefined ? undefined : { port, bindAddress, allowedHosts, operatorToken };
}

function readOperatorToken(env: Environment): string | StoredSecret | undefined {
  const stored = readStoredSecret(env, 'OPERATOR_TOKEN', 'token');
  const token = env.text('OPERATOR_TOKEN');
  if (token !== undefined && !OPERATOR_TOKEN.test(token)) {
    env.fault('OPERATOR_TOKEN', '16 to 1024 characters without spaces, such as the output of "openssl rand -hex 24"');
  }
  return stored ?? token;
}

function readAllowedHosts(env: Environment): readonly string[] {
  const names = (env.text('HTTP_ALLOWED_HOSTS') ?? '').split(',').map((name) => name.trim());
  const given = names.filter((name) => name !== '');
  if (given.every((name) => name === '*' || /^[a-z0-9_.-]+$/i.test(name))) return given;
  env.fault('HTTP_ALLOWED_HOSTS', 'host names without port, or *, separated by commas');
  return [];
}

function readPlayOrigins(env: Environment): readonly string[] {
  const names = (env.text('HTTP_PLAY_ORIGINS') ?? '').split(',').map((name) => name.trim());
  const given = names.filter((name) => name !== '');
  const isOrigin = (name: string): boolean =>
    /^https?:/i.test(name) && URL.canParse(name) && new URL(name).href === `${new URL(name).origin}/`;
  if (given.every((name) => name === '*' || isOrigin(name))) {
    return given.map((name) => (name === '*' ? name : new URL(name).origin));
  }
  env.fault('HTTP_PLAY_ORIGINS', 'origins of web pages such as https://example.com, or *, separated by commas');
  return [];
}

/** ECS sets these variables, not people: an unusable value must not prevent the start. */
function readEcsUrl(env: Environment, name: 'ECS_AGENT_URI' | 'ECS_CONTAINER_METADATA_URI_V4'): URL | undefined {
  const address = env.text(name);
  if (address === undefined) return undefined;
  if (URL.canParse(address)) return new URL(address);
  env.warn(`${name} is not used: it is not a URL`);
  return undefined;
}

/** Freezes all but URLs, on which freezing has no effect. */
function freeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !(value instanceof URL)) {
    Object.values(value).forEach(freeze);
    Object.freeze(value);
  }
  return value;
}

function readMemoryBudget(env: Environment): number | undefined {
  const megabytes = env.integer('MEMORY_BUDGET_MB', { min: 0, max: 1_048_576, fallback: 0 });
  return megabytes === 0 ? undefined : megabytes * BYTES_PER_MB;
}
