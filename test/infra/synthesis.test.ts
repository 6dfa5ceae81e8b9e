import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { Validations } from 'aws-cdk-lib';
import { combinations } from './option-combinations';
import type { CombinationName } from './option-combinations';
import { shortName, synthesizeAndCheck, templateOf } from './synthesize';
import type { Options } from './synthesize';
import { resourcesOf } from './template-queries';

/** The only allowed directions: a stack names those to its left. */
const order = ['Network', 'Secrets', 'CommandChannel', 'Callback', 'Outputs', 'Ingest', 'Observability'];

describe.each(Object.entries(combinations))('%s', (_, options) => {
  test('has no error, warning or open policy finding', () => {
    expect(synthesizeAndCheck(options).findings).toEqual([]);
  });

  test('lets dependencies point one way', () => {
    const { stacks } = synthesizeAndCheck(options);
    const hasOutputs = 'outputs' in options;
    expect(stacks.map((stack) => shortName(stack))).toEqual(order.filter((name) => name !== 'Outputs' || hasOutputs));
    for (const stack of stacks) {
      const before = order.slice(0, order.indexOf(shortName(stack)));
      expect(before).toEqual(expect.arrayContaining(stack.dependencies.map((other) => shortName(other))));
    }
  });

  test('asks nobody for anything: no look-up is left open', () => {
    expect(synthesizeAndCheck(options).missingContext).toEqual([]);
  });
});

test('no stack has termination protection, with which a first deploy that failed could not be repeated', () => {
  for (const env of ['dev', 'prod']) {
    const found = synthesizeAndCheck({ env }).stacks.filter((stack) => stack.terminationProtection);
    expect(found.map((stack) => shortName(stack))).toEqual([]);
  }
});

test('two environments and two names can share an account', () => {
  const userIds = (options: Options) =>
    [...resourcesOf(templateOf('CommandChannel', options), 'AWS::ElastiCache::User').values()].map(
      ({ Properties = {} }) => Properties.UserId,
    );
  const dev = userIds({ env: 'dev' });
  const other = userIds({ env: 'dev', name: 'events' });
  expect(dev).toEqual(['rtmp-dev-service', 'rtmp-dev-operator', 'rtmp-dev-publisher']);
  expect(other).toEqual(['events-dev-service', 'events-dev-operator', 'events-dev-publisher']);
});

/** Every finding that is accepted somewhere, and on which construct. Anything more fails the synthesis. */
const accepted: Readonly<Record<string, readonly string[]>> = {
  'Network/Network': ['@aws-cdk/aws-ec2:noSubnetRouteTableId'],
  'Secrets/JwtSecret': ['AwsSolutions-SMG4'],
  'Secrets/KeyPepper': ['AwsSolutions-SMG4'],
  'Secrets/CacheServicePassword': ['AwsSolutions-SMG4'],
  'Secrets/CacheOperatorPassword': ['AwsSolutions-SMG4'],
  'Secrets/CachePublisherPassword': ['AwsSolutions-SMG4'],
  'Secrets/CanaryKey': ['AwsSolutions-SMG4'],
  'CommandChannel/Cache/Nodes/Cache': ['AwsSolutions-AEC5', 'AwsSolutions-AEC6'],
  'CommandChannel/PasswordRotation': ['AwsSolutions-IAM5[Resource::*]'],
  'Callback/Operator/FunctionRole': ['AwsSolutions-IAM5[Resource::*]'],
  'Callback/JwtRotation': ['AwsSolutions-IAM5[Resource::*]'],
  'Outputs/Token': ['AwsSolutions-SMG4'],
  'Outputs/Recordings': ['AwsSolutions-S1'],
  'Outputs/Access': [
    'AwsSolutions-IAM5[Resource::<HlsBucket61B7B074.Arn>/*]',
    'AwsSolutions-IAM5[Resource::<RecordingsA3BDCC51.Arn>/*]',
    'AwsSolutions-IAM5[Resource::arn:aws:s3:::our-recordings/*]',
  ],
  'Outputs/Hls/Bucket': ['AwsSolutions-S1'],
  'Outputs/Hls/Distribution': ['AwsSolutions-CFR1', 'AwsSolutions-CFR2', 'AwsSolutions-CFR3', 'AwsSolutions-CFR4'],
  'Ingest/Ingest/SecurityGroup': ['AwsSolutions-EC23'],
  'Ingest/Ingest/LoadBalancer': ['AwsSolutions-ELB2'],
  'Ingest/Ingest/AccessLogs': ['AwsSolutions-S1'],
  'Ingest/Fleet/Cluster': ['AwsSolutions-ECS4'],
  'Ingest/Task/Definition': ['AwsSolutions-ECS2'],
  'Ingest/Task/Definition/ExecutionRole': ['AwsSolutions-IAM5[Resource::*]'],
  'Ingest/Task/Definition/TaskRole': [
    'AwsSolutions-IAM5[Resource::*]',
    'AwsSolutions-IAM5[Resource::arn:aws:ecs:REGION:ACCOUNT:service/<FleetClusterE89F8D7D>/*]',
    'AwsSolutions-IAM5[Resource::arn:aws:ecs:REGION:ACCOUNT:task/<FleetClusterE89F8D7D>/*]',
  ],
  'Ingest/BlueGreenRole': [
    'AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/AmazonECSInfrastructureRolePolicyForLoadBalancers]',
  ],
  'Ingest/Rtmp/Service': ['@aws-cdk/aws-ecs:shouldUseCircuitBreaker'],
};

/** `RtmpDev-Ingest/Task` -> `Ingest/Task`. */
function withoutPrefix(path: string): string {
  return path.replace(/^[^/]*?-(?=[A-Z])/, '');
}

/** Region and account are options; the list is the same for all. */
function independentOfPlace(text: string): string {
  return text.replace(/arn:aws:ecs:[a-z0-9-]+:(<AWS::AccountId>|\d{12}):/, 'arn:aws:ecs:REGION:ACCOUNT:');
}

/** CDK accepts a few findings of CloudFormation's rules on what it renders itself. */
function isOurs(id: string): boolean {
  return !id.startsWith('CloudFormation-Validate::');
}

/** Combinations that raise every finding of the list between them. */
const bare: readonly CombinationName[] = [
  'dev as it is',
  'cache on nodes',
  'blue/green with TLS',
  'an existing VPC',
  'a shell in the tasks, mail for alarms, events on a bus',
  'streams recorded, packaged and forwarded',
  'streams recorded into an existing bucket',
];

afterEach(() => {
  jest.restoreAllMocks();
});

describe('accepted findings', () => {
  test('are exactly these, each with its reason', () => {
    const found = Object.values(combinations).flatMap((options) => synthesizeAndCheck(options).acknowledged);
    const ours = found.filter(({ id }) => isOurs(id));
    const list = new Map<string, Set<string>>();
    for (const { path, id, reason } of ours) {
      expect(reason.length).toBeGreaterThan(30);
      const place = withoutPrefix(path);
      list.set(place, (list.get(place) ?? new Set()).add(independentOfPlace(id)));
    }
    const sorted = Object.fromEntries([...list].map(([place, ids]) => [place, [...ids].sort()]));
    expect(sorted).toEqual(accepted);
  });

  test('all answer a finding that is really there', () => {
    jest.spyOn(Validations.prototype, 'acknowledge').mockImplementation(() => undefined);
    const raised = bare.flatMap((name) => synthesizeAndCheck({ ...combinations[name], name: 'bare' }).findings);
    const places = raised.map((finding) => independentOfPlace(withoutPrefix(finding)));
    for (const [path, ids] of Object.entries(accepted)) {
      for (const id of ids) {
        expect(places.filter((place) => place.startsWith(path) && place.includes(id))).not.toEqual([]);
      }
    }
  });
});
