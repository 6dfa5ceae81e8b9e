import { describe, expect, test } from '@jest/globals';
import { availableParallelism } from 'node:os';
import { loadServiceConfig } from '../../../service/config/service-config';

describe('fleet settings', () => {
  test('are read together', () => {
    const { config } = loadServiceConfig({
      FLEET: 'YES',
      REDIS_USE: 'YES',
      FLEET_NODE_ID: 'node-1',
      FLEET_ADVERTISE_HOST: '10.0.0.7',
      FLEET_ADVERTISE_PORT: '1936',
      FLEET_WITHOUT_REDIS: 'reject',
      FLEET_NODE_TTL_SECONDS: '5',
      FLEET_TASK_PROTECTION: 'YES',
      PROTECTION_MIN_PUBLISHERS: '8',
      PUBLISHER_TAKEOVER: 'YES',
      RECONNECT_GRACE_SECONDS: '20',
    });
    expect(config.fleet).toEqual({
      nodeId: 'node-1',
      advertiseHost: '10.0.0.7',
      advertisePort: 1936,
      withoutRedis: 'reject',
      nodeTtlMs: 5_000,
      ecsPollMs: 15_000,
      taskProtection: { minPublishers: 8 },
    });
    expect(config.publishing).toEqual({ takeover: true, graceMs: 20_000 });
  });

  test('need Redis, and a node id that can be part of a key', () => {
    expect(() => loadServiceConfig({ FLEET: 'YES', FLEET_NODE_ID: 'a b' })).toThrow(
      /FLEET_NODE_ID is "a b".*\n.*FLEET is "YES".*REDIS_USE=YES/s,
    );
  });
});

describe('FLEET_ADVERTISE_PORT with several workers', () => {
  const fleet = { FLEET: 'YES', REDIS_USE: 'YES', WORKERS: '3' };

  test('leaves a port for each', () => {
    expect(() => loadServiceConfig({ ...fleet, FLEET_ADVERTISE_PORT: '65533' })).not.toThrow();
    expect(() => loadServiceConfig({ ...fleet, FLEET_ADVERTISE_PORT: '65534' })).toThrow(
      'FLEET_ADVERTISE_PORT is "65534"; allowed: at most 65533: it is the first port of 3 WORKERS',
    );
  });

  test('is not where clients come', () => {
    const settings = { ...fleet, FLEET_ADVERTISE_PORT: '1934' };
    expect(() => loadServiceConfig(settings)).toThrow('1935 is the port of RTMP_PORT too');
    expect(() => loadServiceConfig({ ...settings, RTMP_PORT: '1937' })).not.toThrow();
    expect(() => loadServiceConfig({ ...settings, WORKERS: '1', FLEET_ADVERTISE_PORT: '1935' })).not.toThrow();
  });
});

describe('WORKERS', () => {
  test.each([
    ['auto', availableParallelism()],
    ['2', 2],
    ['', 1],
  ])('%j is understood', (WORKERS, count) => expect(loadServiceConfig({ WORKERS }).config.workers).toBe(count));

  test.each(['lots', '0', '257', '1e1'])('%s is a fault that names auto and numbers', (WORKERS) => {
    expect(() => loadServiceConfig({ WORKERS })).toThrow(
      `WORKERS is "${WORKERS}"; allowed: auto (one per core) or a whole number from 1 to 256`,
    );
  });
});
