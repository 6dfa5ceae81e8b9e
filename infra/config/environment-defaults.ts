import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { OptionValues } from './deployment-options';

export const environmentNames = ['dev', 'staging', 'prod'] as const;
export type EnvironmentName = (typeof environmentNames)[number];

/** Defaults of every environment; an option that is not listed has no default. */
const common = {
  name: 'rtmp',
  region: 'us-east-1',
  protectData: false,
  azCount: 2,
  vpcCidr: '10.42.0.0/16',
  egress: 'nat',
  natGateways: 1,
  ipAddressType: 'ipv4',
  ingestCidrs: ['0.0.0.0/0'],
  plainRtmp: true,
  rtmpsPorts: [443],
  tlsPolicy: 'strict',
  accessLogs: false,
  // One Node.js event loop per task: a second vCPU would idle. 40 publishers of 6 Mbps are 240 Mbps.
  cpu: 1024,
  memoryMiB: 2048,
  slots: 40,
  maxTasks: 50,
  targetUtilization: 60,
  scaleTimeZone: 'UTC',
  spot: false,
  exec: false,
  containerInsights: 'on',
  deployment: 'rolling',
  bakeHours: 12,
  // The longest that the load balancer allows: how long live streams may continue after a deploy or a scale-in.
  deregistrationSeconds: 3600,
  maxConnectionsPerIp: 20,
  gopCacheMb: 16,
  latencyMs: 100,
  reconnectGraceSeconds: 10,
  protectionMinPublishers: 8,
  callbackConcurrency: 50,
  jwtSubject: 'rtmp_event',
  jwtRotationDays: 30,
  jwtRefreshSeconds: 300,
  redisRotationDays: 90,
  takeover: 'takeover',
  sessionTtlDays: 30,
  cache: 'serverless',
  cacheNodeType: 'cache.t4g.micro',
  cachePort: 6379,
  cacheTls: true,
  redisChannel: 'rtmp_commands',
  outputs: false,
  outputsMemoryMiB: 512,
  recordStreams: 'all',
  recordDays: 0,
  hls: false,
  hlsStreams: 'all',
  canary: true,
  canaryMinutes: 5,
  logRetentionDays: RetentionDays.ONE_MONTH,
} as const satisfies Partial<OptionValues>;

type DefaultedName = keyof typeof common;

/** Settings before the defaults that follow from other options are filled in. */
export type PartialSettings = Pick<OptionValues, DefaultedName> & Partial<Omit<OptionValues, DefaultedName>>;

/**
 * Every option: those with a default are always present; the last three have defaults that follow from other options.
 */
export type Settings = PartialSettings & Pick<OptionValues, 'minTasks' | 'tls' | 'callbackAuth'>;

export const environmentDefaults: Record<EnvironmentName, PartialSettings> = {
  dev: {
    ...common,
    azCount: 1,
    egress: 'public-ip',
    cpu: 256,
    memoryMiB: 512,
    slots: 10,
    maxTasks: 2,
    spot: true,
    containerInsights: 'off',
    deregistrationSeconds: 60,
    protectionMinPublishers: 2,
    // A new account has a quota of 10 calls at once, of which none can be reserved.
    callbackConcurrency: 0,
    canaryMinutes: 15,
    logRetentionDays: RetentionDays.ONE_WEEK,
  },
  staging: {
    ...common,
    cpu: 512,
    memoryMiB: 1024,
    slots: 20,
    maxTasks: 10,
    deregistrationSeconds: 600,
    protectionMinPublishers: 4,
  },
  prod: {
    ...common,
    protectData: true,
    azCount: 3,
    natGateways: 3,
    accessLogs: true,
    containerInsights: 'enhanced',
    sessionTtlDays: 90,
    canaryMinutes: 1,
    logRetentionDays: RetentionDays.THREE_MONTHS,
  },
};
