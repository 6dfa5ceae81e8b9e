import { describe, expect, test } from '@jest/globals';
import { alarmState, figureOf, minutesToRing } from './alarm-arithmetic';
import type { Report } from './alarm-arithmetic';
import { templateOf } from './synthesize';
import type { Options } from './synthesize';
import { resourcesOf, text } from './template-queries';
import type { JsonObject } from './template-queries';

const prod: Options = {
  env: 'prod',
  availabilityZones: 'us-east-1a,us-east-1b,us-east-1c',
  domainName: 'live.example.com',
  certificateArn: 'arn:aws:acm:us-east-1:111122223333:certificate/0b7e',
  outputs: 'true',
};
const minutes = 30;
const everyMinute = Array.from({ length: minutes }, (_, minute) => minute);
const zones = ['us-east-1a', 'us-east-1b', 'us-east-1c'];

type Reports = readonly Report[];

/** The same figures in every minute, one of each task. */
const tasks = (...values: number[]): Reports =>
  everyMinute.flatMap((minute) => values.map((value) => ({ minute, value })));
/** What each zone of the load balancer counts, in every minute. */
const perZone = (...values: number[]): Reports =>
  everyMinute.flatMap((minute) =>
    values.map((value, index) => ({ minute, value, of: { AvailabilityZone: zones[index] ?? '' } })),
  );
const lastMinutes = (count: number, reports: Reports): Reports =>
  reports.filter(({ minute }) => minute >= minutes - count);

interface Row {
  /** Of which figure, and of what in it, one report is. */
  readonly signal: string;
  /** Reports of a healthy fleet of three tasks in three zones with streams. */
  readonly healthy: Reports;
  /** Every faulty fleet for which the alarm must be raised. */
  readonly ill: Readonly<Record<string, Reports>>;
  /** At most this long after the fault began. */
  readonly within: number;
}

/** Every alarm of the deployment, by its family; those of one listener or zone share a row. */
const table: Readonly<Record<string, Row>> = {
  SlotsNearlyFull: {
    signal: 'SlotUtilization: a task a minute, per cent',
    healthy: tasks(60, 70, 65),
    ill: { 'every task nearly full': tasks(90, 92, 88) },
    within: 5,
  },
  CpuHigh: {
    signal: 'CPUUtilization: a task a minute, per cent',
    healthy: tasks(60, 70, 65),
    ill: { 'one of three short of CPU': tasks(60, 95, 65) },
    within: 5,
  },
  MemoryHigh: {
    signal: 'MemoryUtilization: a task a minute, per cent',
    healthy: tasks(40, 45, 50),
    ill: { 'one of three about to be killed': tasks(40, 96, 50) },
    within: 5,
  },
  EventLoopLag: {
    signal: 'EventLoopLagP99: a task a minute, ms',
    healthy: tasks(12, 20, 15),
    ill: { 'one of three late': tasks(12, 350, 15) },
    within: 5,
  },
  RedisDisconnected: {
    signal: 'RedisDisconnectedSeconds: a task a minute, how long by now',
    healthy: tasks(0, 0, 0),
    ill: { 'one cut off': tasks(0, 300, 0) },
    within: 2,
  },
  CallbackSlow: {
    signal: 'CallbackLatency: each callback, ms',
    healthy: tasks(30, 80, 20, 400),
    ill: { 'all slow': tasks(4000, 3500, 5000) },
    within: 5,
  },
  CallbackDown: {
    signal: 'CallbackDown: a task a minute, 1 while it asks nobody',
    healthy: tasks(0, 0, 0),
    ill: { 'one gets no answer': tasks(0, 1, 0) },
    within: 2,
  },
  CallbackDenied: {
    signal: 'CallbackDenied: a task a minute, how many',
    healthy: tasks(0, 2, 1),
    ill: { 'keys are tried out': tasks(40, 30, 20) },
    within: 5,
  },
  HandshakeFailures: {
    signal: 'HandshakeFailures: a task a minute, how many',
    healthy: tasks(1, 0, 3),
    ill: { 'a scan': tasks(200, 150, 100) },
    within: 5,
  },
  ProxyHeaderErrors: {
    signal: 'ProxyHeaderErrors: a task a minute, how many',
    healthy: tasks(0, 0, 0),
    ill: { 'no header comes': tasks(20, 15, 30) },
    within: 5,
  },
  ProtectionFailing: {
    signal: 'ProtectionFailures: a task a minute, how many calls',
    healthy: tasks(0, 0, 0),
    ill: { 'one is refused each time': tasks(0, 4, 0) },
    within: 15,
  },
  StopBacklog: {
    signal: 'StopBacklog: a task a minute, how many wait',
    healthy: tasks(0, 1, 0),
    ill: { 'the callback is away': tasks(150, 30, 20) },
    within: 10,
  },
  LeaseConflicts: {
    signal: 'LeaseConflicts: a task a minute, how many',
    healthy: tasks(0, 0, 0),
    ill: { 'two nodes disagree': tasks(0, 2, 0) },
    within: 3,
  },
  OutputsDown: {
    signal: 'OutputsDown: a task a minute, 1 while they do not run',
    // A program that ended and was started again.
    healthy: [...lastMinutes(2, tasks(0, 1, 0)), ...tasks(0, 0, 0).slice(0, 3 * (minutes - 2))],
    ill: { 'of one of three': tasks(0, 1, 0) },
    within: 3,
  },
  OutputsBehind: {
    signal: 'OutputGaps: a task a minute, how many',
    // A program that was started again: one gap for each of its outputs.
    healthy: [...lastMinutes(1, tasks(0, 40, 0)), ...tasks(0, 2, 0).slice(0, 3 * (minutes - 1))],
    ill: { 'one has too little CPU': tasks(0, 25, 0) },
    within: 5,
  },
  RecordingFailed: {
    signal: 'RecordingsFailed: a task a minute, how many',
    healthy: tasks(0, 0, 0),
    ill: { 'one failed': [...tasks(0, 0, 0), { minute: minutes - 1, value: 1 }] },
    within: 1,
  },
  RecordingsWaiting: {
    signal: 'RecordingsSpooling: a task a minute, how many wait now',
    healthy: [...lastMinutes(3, tasks(20, 0, 0)), ...tasks(0, 0, 0).slice(0, 3 * (minutes - 3))],
    ill: { 'S3 refuses those of one': tasks(0, 3, 0) },
    within: 10,
  },
  ForwardsFailing: {
    signal: 'ForwardsFailing: a task a minute, how many fail now',
    healthy: [...lastMinutes(5, tasks(1, 0, 0)), ...tasks(0, 0, 0).slice(0, 3 * (minutes - 5))],
    ill: { 'a wrong key': tasks(0, 1, 0) },
    within: 15,
  },
  TasksMissing: {
    signal: 'SlotUtilization: one report a minute of each task, counted',
    healthy: tasks(0, 0, 0),
    ill: { 'two of three': tasks(50, 50), none: [] },
    within: 5,
  },
  UnhealthyTargets: {
    signal: 'UnHealthyHostCount: each zone counts its own a minute',
    healthy: perZone(0, 0, 0),
    // ECS replaces the task: the count is back to 0 soon.
    ill: { 'one for a minute': [...lastMinutes(1, perZone(0, 1, 0)), ...perZone(0, 0, 0)] },
    within: 1,
  },
  HealthyTargetsMissing: {
    signal: 'HealthyHostCount: each zone counts its own a minute',
    healthy: perZone(1, 1, 1),
    ill: { 'its zone is empty': perZone(0, 0, 0), 'nothing is counted': [] },
    within: 5,
  },
  BalancerResets: {
    signal: 'TCP_ELB_Reset_Count: each zone a minute, how many',
    healthy: perZone(2, 0, 1),
    ill: { 'many flows are reset': perZone(60, 50, 40) },
    within: 5,
  },
  CanaryFailed: {
    signal: 'CanarySuccess: a run a minute, 1 or 0',
    healthy: tasks(1),
    ill: { 'two runs failed': [...lastMinutes(2, tasks(0)), ...tasks(1).slice(0, minutes - 2)] },
    within: 2,
  },
  CacheBusy: {
    signal: 'ElastiCacheProcessingUnits: one a minute, how many in it',
    healthy: tasks(50_000),
    // prod's cap is 7,000 a second.
    ill: { 'a minute as busy as the cap allows, on and on': tasks(400_000) },
    within: 3,
  },
  CacheThrottled: {
    signal: 'ThrottledCmds: one a minute, how many',
    healthy: tasks(0),
    ill: { 'some were refused in one minute': [...tasks(0), { minute: minutes - 1, value: 3 }] },
    within: 1,
  },
  CacheFull: {
    signal: 'BytesUsedForCache: one a minute',
    healthy: tasks(20_000_000),
    ill: { 'nearly as much as the cap allows': tasks(800_000_000) },
    within: 3,
  },
  FunctionErrors: {
    signal: 'Errors: each call, 1 or 0',
    healthy: tasks(0),
    ill: { 'one call failed': [...tasks(0), { minute: minutes - 2, value: 1 }] },
    within: 5,
  },
  FunctionThrottles: {
    signal: 'Throttles: each call, 1 or 0',
    healthy: tasks(0),
    ill: { 'one call was turned away': [...tasks(0), { minute: minutes - 2, value: 1 }] },
    within: 5,
  },
};

/** Every alarm that notifies the topic: `HealthyTargetsMissing-rtmp-1` -> its properties. */
const alarms = new Map<string, JsonObject>(
  [...resourcesOf(templateOf('Observability', prod), 'AWS::CloudWatch::Alarm').values()].map(({ Properties = {} }) => [
    /README\.md, ([\w-]+)\.$/.exec(text(Properties.AlarmDescription))?.[1] ?? '',
    Properties,
  ]),
);

test('the table has every alarm', () => {
  expect([...new Set([...alarms.keys()].map((name) => name.replace(/-.*$/, '')))].sort()).toEqual(
    Object.keys(table).sort(),
  );
});

test('without outputs there are none about them', () => {
  const { outputs: _, ...others } = prod;
  const found = JSON.stringify(templateOf('Observability', others).toJSON());
  for (const name of ['OutputsDown', 'OutputGaps', 'RecordingsFailed', 'RecordingsSpooling', 'ForwardsFailing']) {
    expect(found).not.toContain(name);
  }
});

describe.each(Object.entries(table))('%s', (family, { signal, healthy, ill, within }) => {
  const members = [...alarms].filter(([name]) => name.replace(/-.*$/, '') === family);

  test(`looks at ${signal.split(':')[0]}`, () => {
    for (const [, alarm] of members) expect(signal.startsWith(figureOf(alarm))).toBe(true);
  });

  test('is quiet for a fleet that is well', () => {
    expect(members.map(([name, alarm]) => [name, alarmState(alarm, healthy, minutes)])).toEqual(
      members.map(([name]) => [name, 'OK']),
    );
  });

  test.each(Object.entries(ill))('rings: %s', (_, reports) => {
    expect(members.map(([name, alarm]) => [name, alarmState(alarm, reports, minutes)])).toEqual(
      members.map(([name]) => [name, 'ALARM']),
    );
  });

  test('rings soon', () => {
    for (const [, alarm] of members) expect(minutesToRing(alarm)).toBeLessThanOrEqual(within);
  });
});

test('a zone that lost its task rings for itself, and for no other', () => {
  const lost = perZone(1, 0, 1);
  const states = [...alarms]
    .filter(([name]) => name.startsWith('HealthyTargetsMissing-rtmp-'))
    .map(([name, alarm]) => `${name} ${alarmState(alarm, lost, minutes)}`);
  expect(states).toEqual([
    'HealthyTargetsMissing-rtmp-1 OK',
    'HealthyTargetsMissing-rtmp-2 ALARM',
    'HealthyTargetsMissing-rtmp-3 OK',
  ]);
});

test('a canary that has not run yet is no alarm: the first deploy is quiet', () => {
  for (const [name, alarm] of alarms) {
    if (name.startsWith('CanaryFailed')) expect(alarmState(alarm, [], minutes)).toBe('NONE');
  }
});
