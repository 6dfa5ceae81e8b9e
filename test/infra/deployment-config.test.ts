import { spawnSync } from 'node:child_process';
import { describe, expect, test } from '@jest/globals';
import { DeploymentConfigError, loadDeploymentConfig } from '../../infra/config/deployment-config';
import { repositoryRoot } from '../../infra/shared/repository';
import { combinations } from './option-combinations';
import type { Options } from './synthesize';

function faultsOf(options: Options): readonly string[] {
  try {
    loadDeploymentConfig(options);
  } catch (error) {
    if (error instanceof DeploymentConfigError) return error.faults;
    throw error;
  }
  return [];
}

describe('where a setting comes from', () => {
  test("the command line, the entry of its environment, the environment's default: in this order", () => {
    const prod = { slots: 60, targetUtilization: 50 };
    expect(loadDeploymentConfig({ env: 'prod' })).toMatchObject({ slots: 40, targetUtilization: 60 });
    expect(loadDeploymentConfig({ env: 'prod', prod })).toMatchObject({ slots: 60, targetUtilization: 50 });
    expect(loadDeploymentConfig({ env: 'prod', prod, slots: '50' })).toMatchObject({
      slots: 50,
      targetUtilization: 50,
    });
    expect(loadDeploymentConfig({ env: 'dev', prod })).toMatchObject({ slots: 10 });
  });

  test('without env it is dev, and the region is that of the profile', () => {
    expect(loadDeploymentConfig({})).toMatchObject({ environment: 'dev', region: 'us-east-1' });
    expect(loadDeploymentConfig({}, 'eu-west-1')).toMatchObject({ region: 'eu-west-1' });
    expect(loadDeploymentConfig({ region: 'ap-south-1' }, 'eu-west-1')).toMatchObject({ region: 'ap-south-1' });
  });

  test('some defaults follow from other options', () => {
    expect(loadDeploymentConfig({ env: 'prod' })).toMatchObject({ tls: 'none', minTasks: 3, callbackAuth: 'sigv4' });
    expect(loadDeploymentConfig({ env: 'prod', azCount: 2 })).toMatchObject({ minTasks: 2, natGateways: 2 });
    expect(loadDeploymentConfig(combinations['RTMPS only'])).toMatchObject({ tls: 'nlb' });
    expect(loadDeploymentConfig(combinations['a callback elsewhere'])).toMatchObject({ callbackAuth: 'none' });
  });

  test('names with single dashes, and the smallest and the largest network of a new VPC', () => {
    for (const options of [{ name: 'live-tv-2' }, { name: 'a-name-of-16-chr' }, { name: 'tv' }]) {
      expect(faultsOf(options)).toEqual([]);
    }
    for (const vpcCidr of ['10.0.0.0/16', '10.0.32.0/19', '172.31.0.0/18']) expect(faultsOf({ vpcCidr })).toEqual([]);
    expect(faultsOf({ env: 'prod', scaleSchedule: 'cron(0 20 ? * * *)=0..50' })).toEqual([]);
  });

  test("CDK's own context is none of its business", () => {
    expect(faultsOf({ '@aws-cdk/core:checkSecretUsage': true, 'aws:cdk:bundling-stacks': [] })).toEqual([]);
  });

  test('numbers, lists and switches may come as text or as JSON', () => {
    const text = loadDeploymentConfig({ slots: '12', accessLogs: 'no', ingestCidrs: '0.0.0.0/0, 2001:db8::/32' });
    const json = loadDeploymentConfig({ slots: 12, accessLogs: false, ingestCidrs: ['0.0.0.0/0', '2001:db8::/32'] });
    expect(text).toEqual(json);
    expect(Object.isFrozen(text)).toBe(true);
  });
});

describe('what cannot be used', () => {
  test('is told all at once', () => {
    const error = (() => {
      try {
        return loadDeploymentConfig({ tsl: 'nlb', slots: 'many', cpu: 300, prod: { slotz: 1 }, env: 'prod' });
      } catch (thrown) {
        return thrown;
      }
    })();
    expect(error).toBeInstanceOf(DeploymentConfigError);
    expect((error as DeploymentConfigError).faults).toEqual([
      'prod.slotz is not an option (infra/README.md lists them)',
      'tsl is not an option (infra/README.md lists them)',
      'slots is "many"; it must be a whole number from 1 to 10000',
      'cpu=300 with memoryMiB=2048 is no Fargate size',
    ]);
    expect(String(error)).toContain('cannot be used:\n  - prod.slotz is not an option');
  });

  const faults: [Options, string][] = [
    [{ env: 'production' }, 'env is "production"; it must be one of dev, staging, prod'],
    [{ prod: 'yes' }, 'prod is "yes"; it must be an object of options'],
    [{ tls: 'on' }, 'tls is "on"; it must be one of nlb, service, none'],
    [{ azCount: 4 }, 'azCount is 4; it must be a whole number from 1 to 3'],
    [
      { ingestCidrs: '10.0.0.0/8,300.0.0.0/8' },
      'ingestCidrs is "10.0.0.0/8,300.0.0.0/8"; it must be a list (separated by ",") of which each is an IPv4 or IPv6 CIDR',
    ],
    [{ vpcCidr: '2001:db8::/32' }, 'vpcCidr is "2001:db8::/32"; it must be an IPv4 CIDR such as 10.42.0.0/16'],
    [
      { vpcCidr: '10.42.5.0/16' },
      'vpcCidr=10.42.5.0/16 is an address inside a network: give the network, 10.42.0.0/16',
    ],
    [{ vpcCidr: '10.0.0.0/24' }, 'vpcCidr=10.0.0.0/24 must be /16 to /19, to have room for all subnets'],
    [{ vpcCidr: '10.0.0.0/8' }, 'vpcCidr=10.0.0.0/8 must be /16 to /19, to have room for all subnets'],
    ...['live-', 'live--tv', '-live', 'l', 'a-name-of-17-char'].map((name): [Options, string] => [
      { name },
      `name is "${name}"; it must be 2 to 16 small letters, digits and single dashes, a letter first and no dash last`,
    ]),
    [
      { env: 'prod', scaleSchedule: 'cron(0 7 ? * * *)=10..50; cron(0 20 ? * * *)=2..50' },
      'scaleSchedule leaves a zone empty with 2 tasks from cron(0 20 ? * * *) on (azCount=3)',
    ],
    [
      { logRetentionDays: 8 },
      expect.stringContaining('logRetentionDays is 8; it must be one of 1, 3, 5, 7,') as unknown as string,
    ],
    [{ playAllowedFrom: '10.0.0.0/8' }, 'playAllowedFrom keeps the canary from playing: give canary=false'],
    [{ spot: 'perhaps' }, 'spot is "perhaps"; it must be true or false'],
    [{ vpcId: 'vpc-1' }, 'vpcId is "vpc-1"; it must be a VPC id (vpc-0abc…)'],
    [
      { callbackUrl: 'ftp://x/' },
      'callbackUrl is "ftp://x/"; it must be an http or https URL without user and password',
    ],
    [
      { callbackUrl: 'https://u:p@x/' },
      'callbackUrl is "https://u:p@x/"; it must be an http or https URL without user and password',
    ],
    [{ vpcId: 'vpc-0123456789abcdef0' }, 'vpcId needs ingressSubnetIds with 1 entries (azCount), one per zone'],
    [{ taskSubnetIds: 'subnet-00000001' }, 'taskSubnetIds is only for an existing VPC: give vpcId too'],
    [{ availabilityZones: 'us-east-1a' }, 'availabilityZones needs at least 2 zones: the cache always spans two'],
    [{ region: 'us-west-1' }, 'region=us-west-1 shows most accounts two zones, not three: give availabilityZones'],
    [
      { region: 'eu-west-1', availabilityZones: 'us-east-1a,eu-west-1b' },
      'availabilityZones has us-east-1a, not in region=eu-west-1',
    ],
    [{ availabilityZones: 'us-east-1a,us-east-1a' }, 'availabilityZones names a zone twice'],
    [{ account: '111122223333' }, 'account needs availabilityZones: otherwise synth would have to ask AWS for them'],
    [
      { egress: 'isolated' },
      'egress=isolated needs callbackUrl inside the VPC: a Lambda function URL has no private address',
    ],
    [{ transcoderCidrs: '10.42.0.0/16' }, 'transcoderCidrs has 10.42.0.0/16, from where the load balancer comes too'],
    [
      { vpcId: 'vpc-0123456789abcdef0', transcoderSecurityGroupIds: 'sg-0123456789abcdef0' },
      'transcoderSecurityGroupIds with vpcId needs transcoderCidrs: ids do not tell addresses',
    ],
    [
      { availabilityZones: ['a', 'b', 'c', 'd'].map((letter) => `us-east-1${letter}`) },
      'availabilityZones takes at most 3 zones',
    ],
    [{ hostedZoneId: 'Z0123456789' }, 'hostedZoneId and hostedZoneName go together'],
    [
      { hostedZoneId: 'Z0123456789', hostedZoneName: 'example.com', domainName: 'live.example.org' },
      'domainName live.example.org is not within hostedZoneName example.com',
    ],
    [
      { tls: 'nlb', domainName: 'live.example.com' },
      'tls=nlb needs certificateArn, or hostedZoneId and hostedZoneName to make a certificate with',
    ],
    [{ tls: 'service', domainName: 'live.example.com' }, 'tls=service needs tlsCertSecretArn and tlsKeySecretArn'],
    [{ tls: 'service' }, 'tls=service needs domainName'],
    [{ plainRtmp: false }, 'plainRtmp=false with tls=none leaves no way in'],
    [{ rtmpsPorts: '1935' }, 'rtmpsPorts must leave 1935 to plain RTMP'],
    [{ rtmpsPorts: [1, 2, 3, 4, 5] }, 'rtmpsPorts takes at most 4 ports: an ECS service has at most 5 target groups'],
    [{ memoryMiB: 3000 }, 'cpu=256 with memoryMiB=3000 is no Fargate size'],
    [{ slots: 400, gopCacheMb: 16 }, 'slots x gopCacheMb may take 6400 MiB, over 60 % of memoryMiB=512'],
    [{ minTasks: 9, maxTasks: 5 }, 'minTasks=9 is above maxTasks=5'],
    [{ env: 'prod', minTasks: 2 }, 'minTasks=2 leaves a zone empty (azCount=3): each zone serves only itself'],
    [{ minTasks: 0 }, 'minTasks=0 needs a scaleSchedule: with no task there is no load to scale on'],
    [{ deployment: 'blueGreen' }, 'deployment=blueGreen does not go with spot=true'],
    [{ protectionMinPublishers: 10 }, 'protectionMinPublishers must be below slots, or no task is ever protected'],
    [{ cache: 'existing' }, 'cache=existing needs cacheHost'],
    [
      { region: 'eu-west-1', certificateArn: 'arn:aws:acm:us-east-1:111122223333:certificate/0b7e' },
      'certificateArn is in us-east-1, but the deployment in region=eu-west-1',
    ],
    [
      { tlsKeySecretArn: 'arn:aws:secretsmanager:eu-west-1:111122223333:secret:key-AbCdEf' },
      'tlsKeySecretArn is in eu-west-1, but the deployment in region=us-east-1',
    ],
    [
      { ingestCidrs: Array.from({ length: 61 }, (_, index) => `198.51.${index}.0/24`), canary: false },
      'ingestCidrs on 1 port(s) make 61 rules: a security group takes 60. Join networks',
    ],
    [{ cacheHost: 'redis' }, 'cacheHost is only for cache=existing'],
    [{ cacheTls: false }, 'cacheTls=false is only for cache=existing: the caches made here always speak TLS'],
    [
      { callbackUrl: 'https://api.example.com/', callbackAuth: 'sigv4' },
      'callbackAuth=sigv4 is for Lambda function URLs (…on.aws); any other callbackUrl takes none',
    ],
    [{ callbackAuth: 'none' }, 'callbackAuth=none needs callbackConcurrency: it caps what strangers can cost'],
    [{ ingestCidrs: '198.51.100.0/24' }, 'ingestCidrs without 0.0.0.0/0 shut the canary out: give canary=false'],
  ];
  test('ends the synthesis with the list, and no stack trace around it', () => {
    const { status, stderr } = spawnSync(process.execPath, ['--import', 'tsx', 'infra/app.ts'], {
      cwd: repositoryRoot,
      env: { ...process.env, CDK_CONTEXT_JSON: JSON.stringify({ slots: 'many', tsl: 'nlb' }) },
      encoding: 'utf8',
    });
    expect(status).toBe(1);
    expect(stderr.trim().split('\n')).toEqual([
      "The deployment's configuration cannot be used:",
      '  - slots is "many"; it must be a whole number from 1 to 10000',
      '  - tsl is not an option (infra/README.md lists them)',
    ]);
  });

  test.each(faults)('%j', (options, fault) => {
    expect(faultsOf(options)).toContainEqual(fault);
  });

  test.each([['cron(0 7 * *)=1..2'], ['cron(0 7 ? * * *)=5..2'], ['at dawn'], ['cron(0 7 ? * * *)']])(
    'scaleSchedule %s',
    (scaleSchedule) => {
      expect(faultsOf({ scaleSchedule })).toEqual([expect.stringContaining('scaleSchedule is')]);
    },
  );
});
