import type { OptionName } from '../../infra/config/deployment-options';
import type { Options } from './synthesize';

const certificate = (id: string) => `arn:aws:acm:us-east-1:111122223333:certificate/${id}`;
const secret = (name: string) => `arn:aws:secretsmanager:us-east-1:111122223333:secret:${name}-AbCdEf`;

const onlyNamed: Options = { env: 'prod', domainName: 'live.example.com' };
const named: Options = { ...onlyNamed, certificateArn: certificate('one') };
const zone: Options = { hostedZoneId: 'Z0123456789ABCDEFGHIJ', hostedZoneName: 'example.com' };
const ownTls: Options = {
  env: 'dev',
  tls: 'service',
  domainName: 'live.example.com',
  tlsCertSecretArn: secret('cert'),
  tlsKeySecretArn: secret('key'),
};
const ownCache: Options = {
  env: 'staging',
  cache: 'existing',
  cacheHost: 'redis.internal',
  cachePasswordSecretArn: secret('redis'),
};
const ownVpc: Options = {
  env: 'staging',
  vpcId: 'vpc-0123456789abcdef0',
  vpcCidr: '172.31.0.0/16',
  availabilityZones: 'us-east-1a,us-east-1b',
  ingressSubnetIds: 'subnet-00000001,subnet-00000002',
  taskSubnetIds: 'subnet-00000003,subnet-00000004',
  dataSubnetIds: 'subnet-00000005,subnet-00000006',
};
/** The step between two subnets of the second zone. */
const firstZoneOfOwnVpc: Options = {
  ...ownVpc,
  azCount: 1,
  availabilityZones: 'us-east-1a',
  ingressSubnetIds: 'subnet-00000001',
  taskSubnetIds: 'subnet-00000003',
};
const abroad: Options = { env: 'dev', callbackUrl: 'https://api.example.com/rtmp' };

/** Deployments that differ in one option, or in options that depend on it; each may be changed into each other. */
export interface OptionValues {
  /** What all of them have. @default dev as it is */
  readonly base?: Options;
  readonly values: readonly Options[];
}

const of = (values: readonly Options[], base?: Options): OptionValues => ({ values, ...(base && { base }) });

/** `name` with each of these values. */
function each(name: OptionName, values: readonly unknown[], base?: Options): OptionValues {
  return of(
    values.map((value) => ({ [name]: value })),
    base,
  );
}

/** Every option that a running deployment may change. `name`, `region` and `account` begin another deployment. */
export const optionValues = {
  protectData: each('protectData', [true, false], { env: 'prod' }),

  azCount: each('azCount', [1, 2, 3], { env: 'staging', minTasks: 3 }),
  availabilityZones: of([{}, { availabilityZones: 'us-east-1a,us-east-1b,us-east-1c' }], { env: 'staging' }),
  vpcCidr: each('vpcCidr', ['10.42.0.0/16', '10.43.0.0/16']),
  vpcId: of([{ env: 'staging' }, ownVpc]),
  ingressSubnetIds: of([ownVpc, firstZoneOfOwnVpc, { ...ownVpc, ingressSubnetIds: 'subnet-00000001,subnet-00000009' }]),
  taskSubnetIds: each('taskSubnetIds', [ownVpc.taskSubnetIds, 'subnet-00000003,subnet-00000009'], ownVpc),
  dataSubnetIds: each('dataSubnetIds', [ownVpc.dataSubnetIds, 'subnet-00000005,subnet-00000009'], ownVpc),
  egress: of([{ egress: 'public-ip' }, { egress: 'nat' }, { egress: 'isolated' }], {
    env: 'prod',
    callbackUrl: 'https://callback.internal/rtmp',
  }),
  natGateways: each('natGateways', [1, 2, 3], { env: 'prod' }),
  ipAddressType: each('ipAddressType', ['ipv4', 'dualstack'], { env: 'prod' }),

  ingestCidrs: each('ingestCidrs', ['0.0.0.0/0', '198.51.100.0/24', '198.51.100.0/24,2001:db8::/32'], {
    canary: false,
  }),
  plainRtmp: each('plainRtmp', [true, false], named),
  tls: of([
    { env: 'dev', domainName: 'live.example.com' },
    { env: 'dev', tls: 'nlb', domainName: 'live.example.com', certificateArn: certificate('one') },
    ownTls,
  ]),
  rtmpsPorts: each('rtmpsPorts', ['443', '1936', '443,1936'], named),
  tlsPolicy: each('tlsPolicy', ['strict', 'postQuantum', 'compatible', 'legacy'], named),
  domainName: of([
    { env: 'prod' },
    named,
    { ...named, domainName: 'other.example.com' },
    { env: 'prod', domainName: 'live.example.com', ...zone },
    { env: 'prod', domainName: 'other.example.com', ...zone },
  ]),
  certificateArn: of([{ env: 'prod' }, onlyNamed, named, { ...named, certificateArn: certificate('two') }]),
  hostedZoneId: of([{ env: 'prod' }, onlyNamed, named, { ...named, ...zone }, { ...onlyNamed, ...zone }]),
  hostedZoneName: of([
    { env: 'prod' },
    onlyNamed,
    { ...named, ...zone },
    { ...named, hostedZoneId: 'Z9876543210ABCDEFGHIJ', hostedZoneName: 'live.example.com' },
  ]),
  tlsCertSecretArn: of([{ env: 'dev' }, ownTls, { ...ownTls, tlsCertSecretArn: secret('cert2') }]),
  tlsKeySecretArn: of([{ env: 'dev' }, ownTls, { ...ownTls, tlsKeySecretArn: secret('key2') }]),
  accessLogs: each('accessLogs', [true, false], named),

  cpu: of([
    { cpu: 256, memoryMiB: 2048 },
    { cpu: 512, memoryMiB: 2048 },
  ]),
  memoryMiB: each('memoryMiB', [512, 1024]),
  slots: each('slots', [10, 12]),
  minTasks: of([{}, { minTasks: 2 }, { minTasks: 0, scaleSchedule: 'cron(0 7 ? * MON-FRI *)=1..2' }]),
  maxTasks: each('maxTasks', [2, 5]),
  targetUtilization: each('targetUtilization', [50, 60]),
  scaleSchedule: of([{}, { scaleSchedule: 'cron(0 7 ? * * *)=2..2' }, { scaleSchedule: 'cron(0 8 ? * * *)=1..2' }]),
  scaleTimeZone: each('scaleTimeZone', ['UTC', 'Europe/Berlin'], { scaleSchedule: 'cron(0 7 ? * * *)=1..2' }),
  spot: each('spot', [true, false]),
  exec: each('exec', [true, false]),
  containerInsights: each('containerInsights', ['off', 'on', 'enhanced']),
  deployment: each('deployment', ['rolling', 'blueGreen'], named),
  bakeHours: each('bakeHours', [1, 12], { ...named, deployment: 'blueGreen' }),
  deregistrationSeconds: each('deregistrationSeconds', [60, 3600]),

  transcoderSecurityGroupIds: of([{}, { transcoderSecurityGroupIds: 'sg-0123456789abcdef0' }]),
  transcoderCidrs: of([{}, { transcoderCidrs: '10.42.64.0/20' }, { transcoderCidrs: '10.42.64.0/20,10.1.0.0/16' }]),
  maxConnectionsPerIp: each('maxConnectionsPerIp', [20, 4]),
  playAllowedFrom: of([{}, { playAllowedFrom: '10.0.0.0/8' }, { playAllowedFrom: '10.1.0.0/16' }], { canary: false }),
  gopCacheMb: each('gopCacheMb', [16, 0]),
  latencyMs: each('latencyMs', [100, 0]),
  reconnectGraceSeconds: each('reconnectGraceSeconds', [10, 0]),
  protectionMinPublishers: each('protectionMinPublishers', [2, 3]),

  callbackUrl: of([
    { env: 'prod' },
    { ...abroad, env: 'prod' },
    { env: 'prod', callbackUrl: 'https://api.example.com:8443/' },
  ]),
  callbackAuth: of([{}, { callbackAuth: 'sigv4' }, { callbackAuth: 'none' }], { callbackConcurrency: '50' }),
  callbackConcurrency: each('callbackConcurrency', [0, 60]),
  jwtSubject: each('jwtSubject', ['rtmp_event', 'other']),
  jwtRotationDays: each('jwtRotationDays', [30, 60, 0]),
  jwtRefreshSeconds: each('jwtRefreshSeconds', [300, 60]),
  redisRotationDays: each('redisRotationDays', [90, 30, 0]),
  takeover: each('takeover', ['takeover', 'reject']),
  sessionTtlDays: each('sessionTtlDays', [30, 90]),

  cache: of([{ env: 'staging' }, { env: 'staging', cache: 'nodes' }, ownCache]),
  cacheNodeType: each('cacheNodeType', ['cache.t4g.micro', 'cache.t4g.small'], { env: 'staging', cache: 'nodes' }),
  cacheHost: of([{ env: 'staging' }, ownCache, { ...ownCache, cacheHost: 'other.internal' }]),
  cachePort: each('cachePort', [6379, 6380], ownCache),
  cacheTls: each('cacheTls', [true, false], ownCache),
  cacheUsername: of([{}, { cacheUsername: 'rtmp' }], ownCache),
  cachePasswordSecretArn: of([{ env: 'staging' }, ownCache, { ...ownCache, cachePasswordSecretArn: secret('redis2') }]),
  cacheSecurityGroupId: of(
    [{}, { cacheSecurityGroupId: 'sg-0123456789abcdef0' }, { cacheSecurityGroupId: 'sg-0123456789abcdef1' }],
    ownCache,
  ),
  redisChannel: each('redisChannel', ['rtmp_commands', 'live']),

  outputs: each('outputs', [true, false], { env: 'prod' }),
  outputsMemoryMiB: each('outputsMemoryMiB', [512, 768], { env: 'prod', outputs: true }),
  recordBucket: of([{}, { recordBucket: 'create' }, { recordBucket: 'our-recordings' }], {
    env: 'prod',
    outputs: true,
  }),
  recordStreams: each('recordStreams', ['all', 'asked'], { env: 'prod', outputs: true, recordBucket: 'create' }),
  recordDays: each('recordDays', [0, 30], { env: 'prod', outputs: true, recordBucket: 'create' }),
  hls: each('hls', [true, false], { env: 'prod', outputs: true }),
  hlsStreams: each('hlsStreams', ['all', 'asked'], { env: 'prod', outputs: true, hls: true }),
  hlsKeyIds: of([{}, { hlsKeyIds: 'K2JCJMDEHXQW5F' }, { hlsKeyIds: 'K2JCJMDEHXQW5F,K3KDKNEFIYRX6G' }], {
    ...{ env: 'prod', outputs: true, hls: true },
  }),
  forwardAllow: of([{}, { forwardAllow: '10.20.0.0/16' }, { forwardAllow: '10.30.0.0/16' }], {
    env: 'prod',
    outputs: true,
  }),

  canary: each('canary', [true, false], { env: 'prod' }),
  canaryMinutes: each('canaryMinutes', [1, 15]),
  operatorTokenSecretArn: of([
    {},
    { operatorTokenSecretArn: secret('operator') },
    { operatorTokenSecretArn: secret('another') },
  ]),
  eventBus: of([{}, { eventBus: 'default' }, { eventBus: 'streams' }]),
  alarmEmail: of([{}, { alarmEmail: 'ops@example.com' }, { alarmEmail: 'other@example.com' }]),
  logRetentionDays: each('logRetentionDays', [7, 30]),
} as const satisfies Partial<Record<OptionName, OptionValues>>;
