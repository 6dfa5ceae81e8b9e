import { describe, expect, test } from '@jest/globals';
import { LONGEST_FILE_MS } from '../../service/outputs/record/segments';
import { synthesize, templateOf } from './synthesize';
import type { Options } from './synthesize';
import { resourcesOf } from './template-queries';
import type { JsonObject } from './template-queries';

/** Types whose replacement loses data, keys or an address that others have written down. */
const stateful = [
  'AWS::SecretsManager::Secret',
  'AWS::DynamoDB::GlobalTable',
  'AWS::ElastiCache::ServerlessCache',
  'AWS::ElastiCache::User',
  'AWS::ElastiCache::UserGroup',
  'AWS::ElasticLoadBalancingV2::LoadBalancer',
  'AWS::EC2::VPC',
  'AWS::S3::Bucket',
] as const;

const prod: Options = {
  env: 'prod',
  domainName: 'live.example.com',
  certificateArn: 'arn:aws:acm:us-east-1:111122223333:certificate/0b7e',
};

interface Lifecycle {
  readonly Rules: readonly { readonly AbortIncompleteMultipartUpload?: { readonly DaysAfterInitiation: number } }[];
}

interface Resource {
  readonly Type: string;
  readonly Properties?: JsonObject;
  readonly DeletionPolicy?: string;
}

function found(options: Options): Map<string, Resource> {
  const { templates } = synthesize(options);
  return new Map(
    [...templates].flatMap(([stack, template]) =>
      stateful.flatMap((type) =>
        [...resourcesOf(template, type)].map(([id, resource]) => [`${stack}/${id}`, resource] as const),
      ),
    ),
  );
}

function allResources(options: Options): [string, Resource][] {
  return [...synthesize(options).templates.values()].flatMap((template) =>
    Object.entries((template.toJSON() as { Resources: Record<string, Resource> }).Resources),
  );
}

describe('what holds state', () => {
  // A changed id means that CloudFormation creates a new resource and deletes the old: read the diff before the list.
  test('keeps its logical id', () => {
    expect([...found(prod).keys()].sort()).toEqual([
      'Callback/AuditTable18A3095C',
      'Callback/KeysTableF42AC009',
      'CommandChannel/CacheServerlessCache1E7E8CF8',
      'CommandChannel/CacheUsersGroup9DFFF292',
      'CommandChannel/CacheUsersOperatorDA04693F',
      'CommandChannel/CacheUsersPublisher19F01850',
      'CommandChannel/CacheUsersServiceA3E82C5F',
      'Ingest/IngestAccessLogs70FDC781',
      'Ingest/IngestLoadBalancerDA2A5AE4',
      'Network/NetworkVpc7FB7348F',
      'Secrets/CacheOperatorPasswordB73F16BB',
      'Secrets/CachePublisherPassword4986F03F',
      'Secrets/CacheServicePassword36B64C19',
      'Secrets/CanaryKey53D2D0D1',
      'Secrets/JwtSecretB8834B39',
      'Secrets/KeyPepperB58BE0AC',
    ]);
  });

  // The rule counts from the beginning of an upload, and does not see that parts still come.
  test('unfinished uploads stay longer than any file of a recording', () => {
    const options = { env: 'dev', memoryMiB: '1024', outputs: 'true', recordBucket: 'create' };
    const rules = [...found(options).values()].flatMap(({ Properties }) => {
      const { LifecycleConfiguration } = (Properties ?? {}) as unknown as { LifecycleConfiguration?: Lifecycle };
      return LifecycleConfiguration?.Rules ?? [];
    });
    const days = rules.flatMap((rule) => rule.AbortIncompleteMultipartUpload?.DaysAfterInitiation ?? []);
    // FLV without keyframes ends when its times have used up 31 bits.
    const longestMs = Math.max(LONGEST_FILE_MS, 2 ** 31);
    expect(days).toEqual([expect.any(Number)]);
    expect(days[0]! * 86_400_000).toBeGreaterThan(longestMs + 7 * 86_400_000);
  });

  test('keeps its logical id with outputs too, and buckets stay in every environment', () => {
    const options = { env: 'dev', memoryMiB: '1024', outputs: 'true', recordBucket: 'create', hls: 'true' };
    const added = [...found(options)].filter(([id]) => id.startsWith('Outputs/'));
    expect(added.map(([id, { DeletionPolicy }]) => `${id} ${DeletionPolicy}`).sort()).toEqual([
      'Outputs/HlsBucket61B7B074 Retain',
      'Outputs/RecordingsA3BDCC51 Retain',
      'Outputs/TokenCB33349F Delete',
    ]);
  });

  test.each(['cpu', 'slots', 'deployment', 'canary'])('is the same when %s changes', (name) => {
    const other = { cpu: 2048, memoryMiB: 4096, slots: 30, deployment: 'blueGreen', canary: true }[name];
    const extra = name === 'cpu' ? { memoryMiB: 4096 } : {};
    expect([...found({ ...prod, [name]: other, ...extra }).keys()]).toEqual([...found(prod).keys()]);
  });

  test('stays when its stack goes in prod, and goes with it in dev', () => {
    const policies = (options: Options, type: string) =>
      new Set(
        [...found(options).values()].filter(({ Type }) => Type === type).map(({ DeletionPolicy }) => DeletionPolicy),
      );
    for (const [type, kept] of [
      // Protected from deletion, with a different name at each try: a deployment that failed may leave it.
      ['AWS::DynamoDB::GlobalTable', 'Retain'],
      ['AWS::SecretsManager::Secret', 'RetainExceptOnCreate'],
      ['AWS::ElastiCache::ServerlessCache', 'RetainExceptOnCreate'],
      ['AWS::ElastiCache::User', 'RetainExceptOnCreate'],
      ['AWS::ElastiCache::UserGroup', 'RetainExceptOnCreate'],
    ] as const) {
      expect([type, [...policies(prod, type)]]).toEqual([type, [kept]]);
      expect([type, [...policies({ env: 'dev' }, type)]]).toEqual([type, ['Delete']]);
    }
  });

  test('with a fixed name is not left by a first deployment that failed, where the next try would meet it', () => {
    const fixed = ['ServerlessCacheName', 'UserId', 'UserGroupId', 'ReplicationGroupId', 'BucketName', 'TableName'];
    for (const options of [prod, { env: 'prod', cache: 'nodes' }]) {
      for (const [id, { Properties = {}, DeletionPolicy }] of allResources(options)) {
        if (fixed.some((name) => name in Properties)) expect([id, DeletionPolicy]).not.toEqual([id, 'Retain']);
      }
    }
  });

  test('the service goes before what it runs on, and comes after it', () => {
    const services = templateOf('Ingest', prod).findResources('AWS::ECS::Service');
    const [{ DependsOn }] = Object.values(services) as [{ DependsOn: string[] }];
    const [providers] = resourcesOf(templateOf('Ingest', prod), 'AWS::ECS::ClusterCapacityProviderAssociations').keys();
    expect(DependsOn).toContain(providers);
  });

  test("the cache's users are changed one after the other", () => {
    const users = templateOf('CommandChannel', prod).findResources('AWS::ElastiCache::User') as Record<
      string,
      { DependsOn?: string[] }
    >;
    const dependencies = Object.values(users).flatMap(({ DependsOn = [] }) => DependsOn);
    expect(dependencies).toHaveLength(Object.keys(users).length - 1);
    expect(new Set(dependencies).size).toBe(dependencies.length);
  });

  test('tables in prod are kept from deletion and can be set back to any second', () => {
    const tables = (options: Options) =>
      [...found(options).values()]
        .filter(({ Type }) => Type === 'AWS::DynamoDB::GlobalTable')
        .map(({ Properties = {} }) => (Properties.Replicas as unknown as JsonObject[])[0]);
    for (const table of tables(prod)) {
      expect(table).toMatchObject({
        DeletionProtectionEnabled: true,
        PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
      });
    }
    for (const table of tables({ env: 'dev' })) expect(table).toMatchObject({ DeletionProtectionEnabled: false });
  });
});
