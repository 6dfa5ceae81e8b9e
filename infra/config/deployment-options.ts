import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import { cidrBlock, flag, httpUrl, listOf, matching, oneOf, oneOfNumbers, wholeNumber } from './option-readers';
import type { OptionReader } from './option-readers';
import { scaleScheduleEntry } from './scale-schedule';

const subnetId = matching(/^subnet-[0-9a-f]{8,17}$/, 'a subnet id (subnet-0abc…)');
const securityGroupId = matching(/^sg-[0-9a-f]{8,17}$/, 'a security group id (sg-0abc…)');
const hostName = matching(/^([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}$/i, 'a host name such as live.example.com');
const secretArn = matching(
  /^arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:\d{12}:secret:\S+-[A-Za-z0-9]{6}$/,
  'the full ARN of a Secrets Manager secret, with its six-character ending',
);
const arnOf = (service: string, what: string) =>
  matching(new RegExp(`^arn:aws[a-z-]*:${service}:[a-z0-9-]+:\\d{12}:\\S+$`), `the ARN of ${what}`);

/** The retention times that CloudWatch accepts, except "for ever". */
const retentionDays = Object.values(RetentionDays)
  .filter((days) => typeof days === 'number')
  .filter((days) => days !== RetentionDays.INFINITE);

/**
 * Every option of a deployment: its name as given with `-c name=value`, and the values that it accepts. Meanings and
 * defaults are in infra/README.md; a test keeps the two lists equal.
 */
export const deploymentOptions = {
  name: matching(
    /^(?=.{2,16}$)[a-z](-?[a-z0-9])+$/,
    '2 to 16 small letters, digits and single dashes, a letter first and no dash last',
  ),
  region: matching(/^[a-z]{2}(-[a-z]+)+-\d$/, 'a region such as eu-west-1'),
  account: matching(/^\d{12}$/, 'a 12-digit account id'),
  protectData: flag(),

  azCount: wholeNumber(1, 3),
  availabilityZones: listOf(matching(/^[a-z]{2}(-[a-z]+)+-\d[a-z]$/, 'a zone name such as eu-west-1a')),
  vpcCidr: cidrBlock('v4'),
  vpcId: matching(/^vpc-[0-9a-f]{8,17}$/, 'a VPC id (vpc-0abc…)'),
  ingressSubnetIds: listOf(subnetId),
  taskSubnetIds: listOf(subnetId),
  dataSubnetIds: listOf(subnetId),
  egress: oneOf('public-ip', 'nat', 'isolated'),
  natGateways: wholeNumber(1, 3),
  ipAddressType: oneOf('ipv4', 'dualstack'),

  ingestCidrs: listOf(cidrBlock('v4 or v6')),
  plainRtmp: flag(),
  tls: oneOf('nlb', 'service', 'none'),
  rtmpsPorts: listOf(wholeNumber(1, 65535)),
  tlsPolicy: oneOf('strict', 'postQuantum', 'compatible', 'legacy'),
  domainName: hostName,
  certificateArn: arnOf('acm', 'an ACM certificate in the same region'),
  hostedZoneId: matching(/^Z[A-Z0-9]{6,31}$/, 'a hosted zone id (Z0123…)'),
  hostedZoneName: hostName,
  tlsCertSecretArn: secretArn,
  tlsKeySecretArn: secretArn,
  accessLogs: flag(),

  cpu: wholeNumber(256, 16384),
  memoryMiB: wholeNumber(512, 122880),
  slots: wholeNumber(1, 10000),
  minTasks: wholeNumber(0, 1000),
  maxTasks: wholeNumber(1, 1000),
  targetUtilization: wholeNumber(10, 90),
  scaleSchedule: listOf(scaleScheduleEntry, ';'),
  scaleTimeZone: matching(/^[A-Za-z_]+(\/[A-Za-z_+-]+[0-9]*)*$/, 'an IANA time zone such as Europe/Berlin'),
  spot: flag(),
  exec: flag(),
  containerInsights: oneOf('off', 'on', 'enhanced'),
  deployment: oneOf('rolling', 'blueGreen'),
  bakeHours: wholeNumber(0, 24),
  deregistrationSeconds: wholeNumber(0, 3600),

  maxConnectionsPerIp: wholeNumber(1, 100000),
  transcoderSecurityGroupIds: listOf(securityGroupId),
  transcoderCidrs: listOf(cidrBlock('v4')),
  playAllowedFrom: matching(/^\S+$/, 'a comma list of IPs and CIDRs, or *'),
  gopCacheMb: wholeNumber(0, 4096),
  latencyMs: wholeNumber(0, 500),
  reconnectGraceSeconds: wholeNumber(0, 300),
  protectionMinPublishers: wholeNumber(0, 10000),

  callbackUrl: httpUrl(),
  callbackAuth: oneOf('sigv4', 'none'),
  callbackConcurrency: wholeNumber(0, 10000),
  jwtSubject: matching(/^[\w.:-]{1,128}$/, 'letters, digits and _ . : -'),
  jwtRotationDays: wholeNumber(0, 365),
  jwtRefreshSeconds: wholeNumber(30, 3600),
  redisRotationDays: wholeNumber(0, 365),
  takeover: oneOf('takeover', 'reject'),
  sessionTtlDays: wholeNumber(1, 3650),

  cache: oneOf('serverless', 'nodes', 'existing'),
  cacheNodeType: matching(/^cache\.[a-z0-9]+\.[a-z0-9]+$/, 'a node type such as cache.t4g.micro'),
  cacheHost: matching(/^[A-Za-z0-9.-]+$/, 'a host name or address'),
  cachePort: wholeNumber(1, 65535),
  cacheTls: flag(),
  cacheUsername: matching(/^[\w.-]{1,40}$/, 'letters, digits and _ . -'),
  cachePasswordSecretArn: secretArn,
  cacheSecurityGroupId: securityGroupId,
  redisChannel: matching(/^[\w:{}.-]{1,128}$/, 'letters, digits and _ : { } . -'),

  operatorTokenSecretArn: secretArn,
  outputs: flag(),
  outputsMemoryMiB: wholeNumber(256, 30720),
  recordBucket: matching(
    /^(?!xn--)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/,
    'create, or the name of a bucket that exists in the same region',
  ),
  recordStreams: oneOf('all', 'asked'),
  recordDays: wholeNumber(0, 36500),
  hls: flag(),
  hlsStreams: oneOf('all', 'asked'),
  hlsKeyIds: listOf(matching(/^K[A-Z0-9]{8,20}$/, 'the id of a public key of CloudFront (K2…)')),
  forwardAllow: listOf(cidrBlock('v4 or v6')),

  canary: flag(),
  canaryMinutes: wholeNumber(1, 60),
  eventBus: matching(
    /^[\w./-]{1,256}$/,
    'the name of a bus of EventBridge in this account and region, such as default',
  ),
  alarmEmail: matching(/^[^\s@]+@[^\s@]+\.[^\s@]+$/, 'an e-mail address'),
  logRetentionDays: oneOfNumbers(retentionDays),
} as const satisfies Record<string, OptionReader<unknown>>;

export type OptionName = keyof typeof deploymentOptions;

type ValueOf<R> = R extends OptionReader<infer T> ? T : never;

/** Every option with the type its reader gives. */
export type OptionValues = { readonly [K in OptionName]: ValueOf<(typeof deploymentOptions)[K]> };
