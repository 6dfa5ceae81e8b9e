import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { repositoryRoot } from '../../infra/shared/repository';
import { combinations } from './option-combinations';
import { metricNamespace } from '../../infra/shared/service-metrics';
import { emfLine } from '../../service/metrics/emf-line';
import { mergeFigures } from '../../service/metrics/node-figures';
import { synthesize, templateOf } from './synthesize';
import type { Options } from './synthesize';
import { onlyResource, resourcesOf, text } from './template-queries';
import type { JsonObject } from './template-queries';

const twoListeners = combinations['TLS at the load balancer with a given certificate'];

function alarms(options: Options): JsonObject[] {
  const found = resourcesOf(templateOf('Observability', options), 'AWS::CloudWatch::Alarm');
  return [...found.values()].map(({ Properties = {} }) => Properties);
}

/** `What to do: infra/README.md, NAME.` -> NAME. */
function nameOf(alarm: JsonObject): string {
  return /README\.md, ([\w-]+)\.$/.exec(text(alarm.AlarmDescription))?.[1] ?? '';
}

describe('alarms', () => {
  test('ring for every listener of their own', () => {
    const names = alarms(twoListeners).map((alarm) => nameOf(alarm));
    for (const listener of ['rtmp', 'rtmps']) {
      expect(names).toEqual(
        expect.arrayContaining([
          `CanaryFailed-${listener}`,
          `UnhealthyTargets-${listener}`,
          ...[1, 2, 3].map((zone) => `HealthyTargetsMissing-${listener}-${zone}`),
        ]),
      );
    }
  });

  test('all say what they mean, where to read on, and tell the same topic when they begin and end', () => {
    const topic = Object.keys(templateOf('Observability', twoListeners).findResources('AWS::SNS::Topic'));
    for (const alarm of alarms(twoListeners)) {
      expect(text(alarm.AlarmDescription).length).toBeGreaterThan(60);
      expect(nameOf(alarm)).not.toBe('');
      expect([alarm.AlarmActions, alarm.OKActions]).toEqual([[{ Ref: topic[0] }], [{ Ref: topic[0] }]]);
    }
  });

  test('are each explained in the README', () => {
    const readme = readFileSync(join(repositoryRoot, 'infra', 'README.md'), 'utf8');
    const all = alarms({ ...twoListeners, outputs: 'true' });
    const families = new Set(all.map((alarm) => nameOf(alarm).replace(/-.*$/, '')));
    expect([...families].filter((family) => !readme.includes(`| ${family}`))).toEqual([]);
  });

  test('take silence for a failure where only silence would tell', () => {
    const silent = alarms({ env: 'prod' }).filter(({ TreatMissingData }) => TreatMissingData === 'breaching');
    expect(silent.map((alarm) => nameOf(alarm)).sort()).toEqual([
      'HealthyTargetsMissing-rtmp-1',
      'HealthyTargetsMissing-rtmp-2',
      'HealthyTargetsMissing-rtmp-3',
      'TasksMissing',
    ]);
  });

  test('do not miss tasks that are asleep on purpose', () => {
    const names = alarms(combinations['asleep at night']).map((alarm) => nameOf(alarm));
    expect(names).not.toContain('TasksMissing');
    expect(names).not.toContain('HealthyTargetsMissing-rtmp-1');
  });

  test('look for figures that the tasks do write', () => {
    const figures = mergeFigures([]);
    const outputs = { gaps: 0, recordingsFailed: 0, forwardsFailing: 0, recordingsSpooling: 0, down: 0 };
    const all = { ...figures, callbackMs: [1], redisDisconnectedSeconds: 0, outputs };
    const line = emfLine(all, { service: 's', slots: 1 }, 0);
    const written = Object.keys(JSON.parse(line) as object);
    const ofTasks = alarms({ env: 'prod', outputs: 'true' }).filter(
      ({ Namespace, Dimensions }) =>
        Namespace === metricNamespace && /"Name":"Service"/.exec(JSON.stringify(Dimensions)),
    );
    const wanted = ofTasks.map(({ MetricName }) => text(MetricName));
    expect(wanted).toEqual(
      expect.arrayContaining(['ProtectionFailures', 'StopBacklog', 'LeaseConflicts', 'OutputsDown']),
    );
    expect(wanted.filter((name) => !written.includes(name) && !name.startsWith('Canary'))).toEqual([]);
  });

  test('are let into their topic, by name of the account: a topic policy replaces the default one', () => {
    const { PolicyDocument } = onlyResource(templateOf('Observability', { env: 'dev' }), 'AWS::SNS::TopicPolicy');
    const { Statement } = PolicyDocument as unknown as { Statement: JsonObject[] };
    const topic = Object.keys(templateOf('Observability', { env: 'dev' }).findResources('AWS::SNS::Topic'))[0];
    expect(Statement).toContainEqual({
      Sid: 'AlarmsOfThisAccount',
      Effect: 'Allow',
      Principal: { Service: 'cloudwatch.amazonaws.com' },
      Action: 'sns:Publish',
      Resource: { Ref: topic },
      Condition: { StringEquals: { 'aws:SourceAccount': { Ref: 'AWS::AccountId' } } },
    });
  });

  test('reach a mailbox when one is given', () => {
    const options = combinations['a shell in the tasks, mail for alarms, events on a bus'];
    expect(onlyResource(templateOf('Observability', options), 'AWS::SNS::Subscription')).toMatchObject({
      Protocol: 'email',
      Endpoint: 'ops@example.com',
    });
  });
});

test('a run of the canary that failed is not tried again, neither by the schedule nor by Lambda', () => {
  const template = templateOf('Observability', { env: 'prod' });
  expect(onlyResource(template, 'AWS::Lambda::EventInvokeConfig')).toMatchObject({ MaximumRetryAttempts: 0 });
  const [target] = onlyResource(template, 'AWS::Events::Rule').Targets as unknown as JsonObject[];
  expect(target?.RetryPolicy).toMatchObject({ MaximumRetryAttempts: 0 });
});

describe('scaling', () => {
  test('follows the slots in use and the CPU, out fast and in slowly', () => {
    const found = resourcesOf(templateOf('Ingest', { env: 'prod' }), 'AWS::ApplicationAutoScaling::ScalingPolicy');
    expect(
      [...found.values()].map(({ Properties = {} }) => Properties.TargetTrackingScalingPolicyConfiguration),
    ).toEqual([
      {
        CustomizedMetricSpecification: {
          Namespace: 'RtmpFleet',
          MetricName: 'SlotUtilization',
          Dimensions: [{ Name: 'Service', Value: 'rtmp-prod' }],
          Statistic: 'Average',
        },
        TargetValue: 60,
        ScaleOutCooldown: 60,
        ScaleInCooldown: 600,
      },
      expect.objectContaining({
        PredefinedMetricSpecification: { PredefinedMetricType: 'ECSServiceAverageCPUUtilization' },
      }),
    ]);
  });

  test('follows the clock where a schedule is given', () => {
    const target = onlyResource(
      templateOf('Ingest', combinations['asleep at night']),
      'AWS::ApplicationAutoScaling::ScalableTarget',
    );
    expect(target.ScheduledActions).toEqual([
      expect.objectContaining({
        Schedule: 'cron(0 7 ? * MON-FRI *)',
        Timezone: 'Europe/Berlin',
        ScalableTargetAction: { MinCapacity: 1, MaxCapacity: 2 },
      }),
      expect.objectContaining({
        Schedule: 'cron(0 20 ? * * *)',
        ScalableTargetAction: { MinCapacity: 0, MaxCapacity: 0 },
      }),
    ]);
  });
});

test('every log group ends some day', () => {
  for (const [stack, template] of synthesize({ env: 'prod' }).templates) {
    for (const [id, { Properties = {} }] of resourcesOf(template, 'AWS::Logs::LogGroup')) {
      expect([stack, id, Properties.RetentionInDays]).toEqual([stack, id, 90]);
    }
  }
});

test("every function writes to a log group of its stack, the CDK's own functions too", () => {
  for (const [stack, template] of synthesize({ env: 'prod' }).templates) {
    const groups = [...resourcesOf(template, 'AWS::Logs::LogGroup').keys()];
    for (const [id, { Properties = {} }] of resourcesOf(template, 'AWS::Lambda::Function')) {
      const { LogGroup } = (Properties.LoggingConfig ?? {}) as { LogGroup?: { Ref?: string } };
      expect([stack, id, groups.includes(LogGroup?.Ref ?? '')]).toEqual([stack, id, true]);
    }
  }
});
