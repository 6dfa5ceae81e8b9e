import type { Options } from './synthesize';

const certificateArn = 'arn:aws:acm:us-east-1:111122223333:certificate/0b7e';
const secret = (name: string) => `arn:aws:secretsmanager:us-east-1:111122223333:secret:${name}-AbCdEf`;

/** Options that go together, each under the name of what it is about. */
export const combinations = {
  'dev as it is': { env: 'dev' },
  'staging as it is': { env: 'staging' },
  'prod as it is': { env: 'prod' },
  'TLS at the load balancer with a given certificate': {
    env: 'prod',
    region: 'eu-west-1',
    domainName: 'live.example.com',
    certificateArn: 'arn:aws:acm:eu-west-1:111122223333:certificate/0b7e',
  },
  'TLS at the load balancer, certificate made in a hosted zone, dual stack, two RTMPS ports': {
    env: 'staging',
    region: 'eu-west-1',
    domainName: 'live.example.com',
    hostedZoneId: 'Z0123456789ABCDEFGHIJ',
    hostedZoneName: 'example.com',
    ipAddressType: 'dualstack',
    rtmpsPorts: '443,1936',
    tlsPolicy: 'compatible',
    accessLogs: 'true',
  },
  'RTMPS only': { env: 'prod', domainName: 'live.example.com', certificateArn, plainRtmp: 'false' },
  'TLS in the service': {
    env: 'dev',
    tls: 'service',
    domainName: 'live.example.com',
    tlsCertSecretArn: secret('cert'),
    tlsKeySecretArn: secret('key'),
  },
  'cache on nodes': { env: 'staging', cache: 'nodes' },
  'an existing cache': {
    env: 'staging',
    cache: 'existing',
    cacheHost: 'redis.internal',
    cacheTls: 'false',
    cachePort: '6380',
    cachePasswordSecretArn: secret('redis'),
    cacheSecurityGroupId: 'sg-0123456789abcdef0',
  },
  'blue/green with TLS': {
    env: 'prod',
    deployment: 'blueGreen',
    domainName: 'live.example.com',
    certificateArn,
  },
  'NAT, one gateway': { env: 'prod', egress: 'nat', natGateways: '1' },
  'public addresses in prod': { env: 'prod', egress: 'public-ip' },
  'no way out, callback inside the VPC': {
    env: 'prod',
    egress: 'isolated',
    callbackUrl: 'https://callback.internal:8000/rtmp',
  },
  'a callback elsewhere': { env: 'dev', callbackUrl: 'https://api.example.com/rtmp' },
  'callback open to anyone who signs': { env: 'dev', callbackAuth: 'none', callbackConcurrency: '50' },
  'an existing VPC': {
    env: 'staging',
    vpcId: 'vpc-0123456789abcdef0',
    vpcCidr: '172.31.0.0/16',
    availabilityZones: 'us-east-1a,us-east-1b',
    ingressSubnetIds: 'subnet-00000001,subnet-00000002',
    taskSubnetIds: 'subnet-00000003,subnet-00000004',
    dataSubnetIds: 'subnet-00000005,subnet-00000006',
  },
  'a named account and zones': {
    env: 'prod',
    account: '111122223333',
    region: 'eu-west-1',
    availabilityZones: 'eu-west-1a,eu-west-1b,eu-west-1c',
  },
  'asleep at night': {
    env: 'dev',
    minTasks: '0',
    scaleSchedule: 'cron(0 7 ? * MON-FRI *)=1..2; cron(0 20 ? * * *)=0..0',
    scaleTimeZone: 'Europe/Berlin',
  },
  'transcoders beside the tasks': {
    env: 'prod',
    transcoderSecurityGroupIds: 'sg-0123456789abcdef0',
    transcoderCidrs: '10.42.64.0/20',
  },
  'everything optional off': {
    env: 'dev',
    canary: 'false',
    jwtRotationDays: '0',
    redisRotationDays: '0',
    ingestCidrs: '198.51.100.0/24,2001:db8::/32',
  },
  'a shell in the tasks, mail for alarms, events on a bus': {
    env: 'dev',
    exec: 'true',
    alarmEmail: 'ops@example.com',
    eventBus: 'default',
    operatorTokenSecretArn: secret('operator'),
  },
  'streams recorded, packaged and forwarded': {
    env: 'staging',
    memoryMiB: '2048',
    outputs: 'true',
    recordBucket: 'create',
    recordDays: '90',
    hls: 'true',
    hlsKeyIds: 'K2JCJMDEHXQW5F',
    forwardAllow: '10.20.0.0/16,fd00::/8',
  },
  'streams recorded into an existing bucket': {
    env: 'dev',
    memoryMiB: '1024',
    outputs: 'true',
    recordBucket: 'our-recordings',
    recordStreams: 'asked',
  },
} as const satisfies Record<string, Options>;

export type CombinationName = keyof typeof combinations;

/** Those of the combinations, as a table for `test.each`. */
export function table(...names: readonly CombinationName[]): [CombinationName, Options][] {
  return names.map((name) => [name, combinations[name]]);
}
