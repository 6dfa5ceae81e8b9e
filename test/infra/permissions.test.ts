import { describe, expect, test } from '@jest/globals';
import type { Template } from 'aws-cdk-lib/assertions';
import * as s3Sdk from '../../service/outputs/s3/s3-sdk';
import { combinations, table } from './option-combinations';
import { synthesize, templateOf } from './synthesize';
import type { Options } from './synthesize';
import { referred, resourcesOf, text } from './template-queries';
import type { Json, JsonObject } from './template-queries';

interface Statement {
  readonly Action: string | readonly string[];
  readonly Resource: Json;
}

/** `action on what` for everything that a role of one stack may do, by its own policies. */
function rights(template: Template, role: string): string[] {
  return [...resourcesOf(template, 'AWS::IAM::Policy').values()]
    .map(({ Properties = {} }) => Properties)
    .filter(({ Roles }) => referred((Roles as readonly Json[])[0]) === role)
    .flatMap(({ PolicyDocument }) => (PolicyDocument as unknown as { Statement: readonly Statement[] }).Statement)
    .flatMap(({ Action, Resource }) =>
      [Action].flat().flatMap((action) => targets(Resource).map((target) => `${action} on ${target}`)),
    )
    .sort();
}

/** What the policy of the Outputs stack allows. */
function managedRights(options: Options): string[] {
  return [...resourcesOf(templateOf('Outputs', options), 'AWS::IAM::ManagedPolicy').values()]
    .flatMap(({ Properties }) => (Properties?.PolicyDocument as unknown as { Statement: Statement[] }).Statement)
    .flatMap(({ Action, Resource }) =>
      [Action].flat().flatMap((action) => targets(Resource).map((target) => `${action} on ${target}`)),
    )
    .sort();
}

/** Policies that the tasks' role has in addition to its own. */
function managedPoliciesOf(options: Options): string[] {
  const roles = resourcesOf(templateOf('Ingest', options), 'AWS::IAM::Role');
  const [, role] = [...roles].find(([id]) => id.startsWith('TaskDefinitionTaskRole')) ?? [];
  return ((role?.Properties?.ManagedPolicyArns ?? []) as readonly Json[]).map((arn) => referred(arn));
}

function targets(resource: Json): string[] {
  return (Array.isArray(resource) ? (resource as readonly Json[]) : [resource]).map((one) => referred(one));
}

const roleNames = (options: Options) =>
  [...synthesize(options).templates.values()].flatMap((template) =>
    [...resourcesOf(template, 'AWS::IAM::Role').keys()].map((id) => id.replace(/[0-9A-F]{8}$/, '')),
  );

describe('in staging', () => {
  const callback = () => templateOf('Callback', { env: 'staging' });
  const cases: [string, () => Template, string, readonly string[]][] = [
    [
      'a task reads its two secrets, asks the callback, and steers its own fate in its cluster',
      () => templateOf('Ingest', { env: 'staging' }),
      'TaskDefinitionTaskRole',
      [
        'ecs:DescribeServices on arn:aws:ecs:us-east-1:AWS::AccountId:service/FleetCluster/*',
        'ecs:DescribeTasks on arn:aws:ecs:us-east-1:AWS::AccountId:task/FleetCluster/*',
        'ecs:GetTaskProtection on arn:aws:ecs:us-east-1:AWS::AccountId:task/FleetCluster/*',
        'ecs:UpdateTaskProtection on arn:aws:ecs:us-east-1:AWS::AccountId:task/FleetCluster/*',
        'lambda:InvokeFunction on StreamCallbackFunctionAliaslive',
        'lambda:InvokeFunctionUrl on StreamCallbackFunctionAliaslive',
        'secretsmanager:GetSecretValue on CacheServicePassword',
        'secretsmanager:GetSecretValue on JwtSecret',
      ],
    ],
    [
      'the callback reads two secrets and works on single items of the keys table',
      callback,
      'StreamCallbackFunctionRole',
      [
        'dynamodb:GetItem on KeysTable',
        'dynamodb:PutItem on KeysTable',
        'dynamodb:UpdateItem on KeysTable',
        'logs:CreateLogStream on StreamCallbackFunctionLogs',
        'logs:PutLogEvents on StreamCallbackFunctionLogs',
        'secretsmanager:GetSecretValue on JwtSecret',
        'secretsmanager:GetSecretValue on KeyPepper',
      ],
    ],
    [
      'the keeper of keys never sees the signing secret',
      callback,
      'StreamKeysFunctionRole',
      [
        'dynamodb:DeleteItem on KeysTable',
        'dynamodb:GetItem on KeysTable',
        'dynamodb:PutItem on KeysTable',
        'dynamodb:Scan on KeysTable',
        'dynamodb:UpdateItem on KeysTable',
        'logs:CreateLogStream on StreamKeysFunctionLogs',
        'logs:PutLogEvents on StreamKeysFunctionLogs',
        'secretsmanager:GetSecretValue on KeyPepper',
      ],
    ],
    [
      'the operator reads its own password and adds to the audit table, but cannot read or change it',
      callback,
      'OperatorFunctionRole',
      [
        'dynamodb:PutItem on AuditTable',
        'ec2:AssignPrivateIpAddresses on *',
        'ec2:CreateNetworkInterface on *',
        'ec2:DeleteNetworkInterface on *',
        'ec2:DescribeNetworkInterfaces on *',
        'ec2:DescribeSubnets on *',
        'ec2:UnassignPrivateIpAddresses on *',
        'logs:CreateLogStream on OperatorFunctionLogs',
        'logs:PutLogEvents on OperatorFunctionLogs',
        'secretsmanager:GetSecretValue on CacheOperatorPassword',
      ],
    ],
    [
      'the rotation changes the signing secret alone, and asks the callback whether it knows it',
      callback,
      'JwtRotationFunctionRole',
      [
        'lambda:InvokeFunction on StreamCallbackFunctionAliaslive',
        'lambda:InvokeFunctionUrl on StreamCallbackFunctionAliaslive',
        'logs:CreateLogStream on JwtRotationFunctionLogs',
        'logs:PutLogEvents on JwtRotationFunctionLogs',
        'secretsmanager:DescribeSecret on JwtSecret',
        'secretsmanager:GetRandomPassword on *',
        'secretsmanager:GetSecretValue on JwtSecret',
        'secretsmanager:PutSecretValue on JwtSecret',
        'secretsmanager:UpdateSecretVersionStage on JwtSecret',
      ],
    ],
    [
      "the canary reads its key, and makes it known as its own channel's",
      () => templateOf('Observability', { env: 'staging' }),
      'CanaryFunctionRole',
      [
        'dynamodb:GetItem on KeysTable',
        'dynamodb:PutItem on KeysTable',
        'dynamodb:UpdateItem on KeysTable',
        'logs:CreateLogStream on CanaryFunctionLogs',
        'logs:PutLogEvents on CanaryFunctionLogs',
        'secretsmanager:GetSecretValue on CanaryKey',
        'secretsmanager:GetSecretValue on KeyPepper',
      ],
    ],
  ];
  test.each(cases)('%s', (_, template, role, expected) => {
    expect(rights(template(), role)).toEqual(expected);
  });

  test('a task may put events onto the bus that the options name, and onto no other', () => {
    const ofEvents = (options: Options) =>
      rights(templateOf('Ingest', options), 'TaskDefinitionTaskRole').filter((right) => right.startsWith('events:'));
    expect(ofEvents({ env: 'staging' })).toEqual([]);
    expect(ofEvents({ env: 'staging', eventBus: 'streams' })).toEqual([
      'events:PutEvents on arn:aws:events:us-east-1:AWS::AccountId:event-bus/streams',
    ]);
  });

  test("a task may read the operators' token that the options name", () => {
    const ofToken = (options: Options) =>
      rights(templateOf('Ingest', options), 'TaskDefinitionTaskRole').filter((right) => right.includes('operator'));
    expect(ofToken({ env: 'staging' })).toEqual([]);
    const operatorTokenSecretArn = 'arn:aws:secretsmanager:us-east-1:111122223333:secret:operator-AbCdEf';
    expect(ofToken({ env: 'staging', operatorTokenSecretArn })).toEqual([
      `secretsmanager:GetSecretValue on ${operatorTokenSecretArn}`,
    ]);
  });

  test('a task with outputs reads their token too, and stores in the two buckets and nowhere else', () => {
    const options = combinations['streams recorded, packaged and forwarded'];
    const without = rights(templateOf('Ingest', { env: 'staging', memoryMiB: '2048' }), 'TaskDefinitionTaskRole');
    expect(rights(templateOf('Ingest', options), 'TaskDefinitionTaskRole')).toEqual(
      [...without, 'secretsmanager:GetSecretValue on Token'].sort(),
    );
    expect(managedPoliciesOf(options)).toEqual(['Access']);
    expect(managedRights(options)).toEqual([
      's3:AbortMultipartUpload on Recordings/*',
      's3:DeleteObject on HlsBucket/*',
      's3:DeleteObject on Recordings/*',
      's3:GetObject on HlsBucket/*',
      's3:GetObject on Recordings/*',
      's3:ListBucket on HlsBucket',
      's3:ListBucket on Recordings',
      's3:ListMultipartUploadParts on Recordings/*',
      's3:PutObject on HlsBucket/*',
      's3:PutObject on Recordings/*',
    ]);
  });

  test('these are what the requests of outputs need', () => {
    const needs: Readonly<Record<string, string>> = {
      AbortMultipartUploadCommand: 's3:AbortMultipartUpload',
      CompleteMultipartUploadCommand: 's3:PutObject',
      CreateMultipartUploadCommand: 's3:PutObject',
      DeleteObjectsCommand: 's3:DeleteObject',
      GetObjectCommand: 's3:GetObject',
      HeadObjectCommand: 's3:GetObject',
      ListObjectsV2Command: 's3:ListBucket',
      ListPartsCommand: 's3:ListMultipartUploadParts',
      PutObjectCommand: 's3:PutObject',
      UploadPartCommand: 's3:PutObject',
    };
    const used = Object.keys(s3Sdk).filter((name) => name !== 'S3Client');
    const granted = managedRights(combinations['streams recorded, packaged and forwarded']);
    expect(new Set(used.map((name) => needs[name]))).toEqual(new Set(granted.map((right) => right.split(' ')[0])));
  });

  test('a task that only forwards stores nowhere', () => {
    const options = { env: 'staging', memoryMiB: '2048', outputs: 'true' };
    expect(managedPoliciesOf(options)).toEqual([]);
    expect(managedRights(options)).toEqual([]);
  });

  test('a task records into an existing bucket with no other right', () => {
    const found = managedRights(combinations['streams recorded into an existing bucket']);
    expect(new Set(found.map((right) => right.split(' on ')[1]))).toEqual(
      new Set(['arn:aws:s3:::our-recordings', 'arn:aws:s3:::our-recordings/*']),
    );
  });

  test("the canary's rights in the keys table end with its own channel", () => {
    const policies = [...resourcesOf(templateOf('Observability', { env: 'staging' }), 'AWS::IAM::Policy').values()];
    const statements = policies.flatMap(
      ({ Properties = {} }) => (Properties.PolicyDocument as unknown as { Statement: JsonObject[] }).Statement,
    );
    const ofTable = statements.filter(({ Action }) => text(Action).includes('dynamodb:'));
    expect(ofTable.map(({ Condition }) => Condition)).toEqual([
      { 'ForAllValues:StringEquals': { 'dynamodb:LeadingKeys': ['CH#canary'] } },
    ]);
  });

  test('the password rotation reaches the three users of its cache and their secrets', () => {
    const found = rights(templateOf('CommandChannel', { env: 'staging' }), 'PasswordRotationFunctionRole');
    expect(found.filter((right) => right.startsWith('elasticache:'))).toEqual(
      ['elasticache:DescribeUsers', 'elasticache:ModifyUser'].flatMap((action) =>
        ['Operator', 'Publisher', 'Service'].map(
          (user) => `${action} on arn:aws:elasticache:us-east-1:AWS::AccountId:user:CacheUsers${user}`,
        ),
      ),
    );
    const secrets = new Set(found.filter((right) => right.includes('PutSecretValue')));
    expect([...secrets]).toEqual([
      'secretsmanager:PutSecretValue on CacheOperatorPassword',
      'secretsmanager:PutSecretValue on CachePublisherPassword',
      'secretsmanager:PutSecretValue on CacheServicePassword',
    ]);
  });
});

test('a service of AWS may run a function only for this account, or for one resource of it', () => {
  const permissions = [...synthesize({ env: 'prod' }).templates.values()].flatMap((template) => [
    ...resourcesOf(template, 'AWS::Lambda::Permission').values(),
  ]);
  const ofServices = permissions.filter(({ Properties = {} }) => text(Properties.Principal).endsWith('.amazonaws.com'));
  expect(ofServices.length).toBeGreaterThan(2);
  for (const { Properties = {} } of ofServices) {
    expect(Properties.SourceArn ?? Properties.SourceAccount).toBeDefined();
  }
});

describe('whoever asks the callback', () => {
  const urls = (options: Options) =>
    [...resourcesOf(templateOf('Callback', options), 'AWS::Lambda::Url').values()].map(
      ({ Properties = {} }) => Properties.AuthType,
    );
  const publicPermissions = (options: Options) =>
    [...resourcesOf(templateOf('Callback', options), 'AWS::Lambda::Permission').values()].filter(
      ({ Properties = {} }) => Properties.Principal === '*',
    );

  test('must be known to IAM', () => {
    expect(urls({ env: 'prod' })).toEqual(['AWS_IAM']);
    expect(publicPermissions({ env: 'prod' })).toEqual([]);
  });

  test.each<[string, Options, readonly number[]]>([
    ['prod', { env: 'prod' }, [50]],
    ['dev, for accounts that cannot reserve any', { env: 'dev' }, []],
    ['dev, when asked for', { env: 'dev', callbackConcurrency: '20' }, [20]],
  ])('may use so many calls of the account at once, which are its own: %s', (_, options, reserved) => {
    const functions = [...resourcesOf(templateOf('Callback', options), 'AWS::Lambda::Function').values()];
    const limits = functions.map(({ Properties = {} }) => Properties.ReservedConcurrentExecutions);
    expect(limits.filter((limit) => limit !== undefined)).toEqual(reserved);
  });

  test('may be anyone with a good token when asked for, but not more than so many at once', () => {
    const open = combinations['callback open to anyone who signs'];
    expect(urls(open)).toEqual(['NONE']);
    const functions = [...resourcesOf(templateOf('Callback', open), 'AWS::Lambda::Function').values()];
    const limits = functions.map(({ Properties = {} }) => Properties.ReservedConcurrentExecutions);
    expect(limits.filter((limit) => limit !== undefined)).toEqual([50]);
  });
});

describe('nobody has more than needed', () => {
  test('there is no role that this file does not know', () => {
    expect(roleNames({ env: 'staging' }).sort()).toEqual([
      'CanaryFunctionRole',
      'CustomVpcRestrictDefaultSGCustomResourceProviderRole',
      'JwtRotationFunctionRole',
      'NetworkVpcRejectedTrafficIAMRole',
      'OperatorFunctionRole',
      'PasswordRotationFunctionRole',
      'StreamCallbackFunctionRole',
      'StreamKeysFunctionRole',
      'TaskDefinitionExecutionRole',
      'TaskDefinitionTaskRole',
    ]);
  });

  const allKinds = table(
    'staging as it is',
    'blue/green with TLS',
    'a shell in the tasks, mail for alarms, events on a bus',
    'streams recorded, packaged and forwarded',
  );
  test.each(allKinds)('%s: no action is a wildcard', (_, options) => {
    const actions = [...synthesize(options).templates.values()]
      .flatMap((template) => ['AWS::IAM::Policy', 'AWS::IAM::ManagedPolicy'].map((type) => resourcesOf(template, type)))
      .flatMap((policies) => [...policies.values()])
      .flatMap(({ Properties = {} }) => (Properties.PolicyDocument as JsonObject).Statement as unknown as Statement[])
      .flatMap(({ Action }) => [Action].flat());
    expect(actions.filter((action) => action.includes('*'))).toEqual([]);
  });
});
