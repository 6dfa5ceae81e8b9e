import { describe, expect, test } from '@jest/globals';
import { emfLine } from '../../../service/metrics/emf-line';
import { mergeFigures, type NodeFigures } from '../../../service/metrics/node-figures';

const NODE = { service: 'live', slots: 40 };
const NOW_MS = Date.UTC(2026, 10, 23, 12);

const figures: NodeFigures = {
  publishers: 10,
  ingestBytes: 45_000_000,
  counts: { CallbackDenied: 2, HandshakeFailures: 3, LeaseConflicts: 6, ProtectionFailures: 7, ProxyHeaderErrors: 4 },
  callbackMs: [12.34, 250],
  callbackDown: false,
  eventLoopLagMs: 1.26,
  redisDisconnectedSeconds: 7.4,
  stopBacklog: 5,
  draining: false,
};

interface Parsed {
  readonly _aws: {
    readonly Timestamp: number;
    readonly CloudWatchMetrics: readonly {
      readonly Namespace: string;
      readonly Dimensions: readonly (readonly string[])[];
      readonly Metrics: readonly { readonly Name: string; readonly Unit: string }[];
    }[];
  };
  readonly [member: string]: unknown;
}

/** Checks CloudWatch's requirements for a line, and returns it parsed. */
function parse(line: string): Parsed {
  expect(line).not.toContain('\n');
  const parsed = JSON.parse(line) as Parsed;
  const [directive, ...more] = parsed._aws.CloudWatchMetrics;
  expect(more).toEqual([]);
  for (const name of directive!.Dimensions.flat()) expect(typeof parsed[name]).toBe('string');
  for (const { Name } of directive!.Metrics) {
    const values = [parsed[Name]].flat();
    expect(values.length).toBeGreaterThan(0);
    expect(values.length).toBeLessThanOrEqual(100);
    for (const value of values) expect(Number.isFinite(value)).toBe(true);
  }
  return parsed;
}

const metricNames = (parsed: Parsed): string[] => parsed._aws.CloudWatchMetrics[0]!.Metrics.map(({ Name }) => Name);

const outputs = { gaps: 3, recordingsFailed: 1, forwardsFailing: 2, recordingsSpooling: 4, down: 1 };
const OUTPUTS = {
  ...{ OutputGaps: 3, RecordingsFailed: 1, ForwardsFailing: 2, RecordingsSpooling: 4, OutputsDown: 1 },
};

test('figures of outputs are on the line of nodes that have outputs, and on no other', () => {
  expect(parse(emfLine({ ...figures, outputs }, NODE, NOW_MS))).toMatchObject(OUTPUTS);
  const without = metricNames(parse(emfLine(figures, NODE, NOW_MS)));
  expect(Object.keys(OUTPUTS).filter((name) => without.includes(name))).toEqual([]);
});

test('workers of a machine have one program of outputs', () => {
  const merged = mergeFigures([{ ...figures, outputs }, figures, { ...figures, outputs }]);
  expect(merged.outputs).toEqual({
    ...{ gaps: 6, recordingsFailed: 2, forwardsFailing: 4, recordingsSpooling: 8, down: 1 },
  });
});

describe('the line', () => {
  test('says what the dashboards and alarms of the deployment look for', () => {
    const parsed = parse(emfLine(figures, NODE, NOW_MS));
    expect(parsed._aws.Timestamp).toBe(NOW_MS);
    expect(parsed._aws.CloudWatchMetrics[0]).toMatchObject({ Namespace: 'RtmpFleet', Dimensions: [['Service']] });
    expect(parsed).toMatchObject({
      Service: 'live',
      ActivePublishers: 10,
      SlotUtilization: 25,
      IngestBytes: 45_000_000,
      HandshakeFailures: 3,
      ProxyHeaderErrors: 4,
      CallbackLatency: [12.3, 250],
      CallbackDenied: 2,
      CallbackDown: 0,
      EventLoopLagP99: 1.3,
      RedisDisconnectedSeconds: 7,
      StopBacklog: 5,
      LeaseConflicts: 6,
      ProtectionFailures: 7,
      Draining: 0,
    });
    expect(metricNames(parsed)).toHaveLength(14);
  });

  test('of a node that drains says nothing of slots, so that it does not make the fleet look empty', () => {
    const parsed = parse(emfLine({ ...figures, draining: true }, NODE, NOW_MS));
    expect(parsed).toMatchObject({ Draining: 1, ActivePublishers: 10 });
    expect(metricNames(parsed)).not.toContain('SlotUtilization');
  });

  test('leaves out what there is nothing to say of', () => {
    const { redisDisconnectedSeconds: _, ...rest } = figures;
    const names = metricNames(parse(emfLine({ ...rest, callbackMs: [] }, NODE, NOW_MS)));
    expect(names).not.toContain('CallbackLatency');
    expect(names).not.toContain('RedisDisconnectedSeconds');
  });

  test('keeps within what CloudWatch takes, and the slowest callbacks with it', () => {
    const callbackMs = Array.from({ length: 1000 }, (_, i) => 1000 - i);
    const { CallbackLatency: values } = parse(emfLine({ ...figures, callbackMs }, NODE, NOW_MS));
    expect(values).toHaveLength(100);
    expect([Math.min(...(values as number[])), Math.max(...(values as number[]))]).toEqual([1, 1000]);
  });
});

test('the processes of a node are one node', () => {
  const other = {
    ...figures,
    publishers: 1,
    eventLoopLagMs: 90,
    callbackDown: true,
    redisDisconnectedSeconds: 0,
    draining: true,
  };
  expect(mergeFigures([figures, other])).toEqual({
    publishers: 11,
    ingestBytes: 90_000_000,
    counts: {
      CallbackDenied: 4,
      HandshakeFailures: 6,
      LeaseConflicts: 12,
      ProtectionFailures: 14,
      ProxyHeaderErrors: 8,
    },
    callbackMs: [12.34, 250, 12.34, 250],
    callbackDown: true,
    eventLoopLagMs: 90,
    redisDisconnectedSeconds: 7.4,
    stopBacklog: 10,
    draining: true,
  });
});
