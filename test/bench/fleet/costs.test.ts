import { expect, test } from '@jest/globals';
import { type Cost, eventsOf, type FleetCosts, totalOf } from './costs';

const cost = (cpuUs: number, bytes = 0, deliveries = 0): Cost => ({ cpuUs, bytes, deliveries });

test('a fleet costs its renewals, and what streams cost as they come and go', () => {
  const costs: FleetCosts = {
    alone: cost(1_000),
    beat: cost(100, 1_000),
    publish: cost(200, 3_000, 2),
    end: cost(100, 2_000, 1),
    locate: cost(50, 500),
    resume: cost(1e9),
    command: cost(1e9),
    join: cost(1e9),
    leave: cost(1e9),
    bytesPerNode: 10_000,
    bytesPerStream: 2_000,
  };
  const total = totalOf(costs, { nodes: 100, streams: 3_600, streamSeconds: 360, beatsPerSecond: 0.5 });
  expect(total.cpuShare).toBeCloseTo((1_000 + 50 * 100 + 10 * 350) / 1e6);
  expect(total).toMatchObject({ bytesPerSecond: 50 * 1_000 + 10 * 5_500, deliveriesPerSecond: 30 });
  expect(total.memoryBytes).toBe(100 * 10_000 + 3_600 * 2_000);
});

test('what happens to a whole fleet costs what its parts cost', () => {
  const costs: FleetCosts = {
    ...{ alone: cost(0), beat: cost(0), end: cost(0), locate: cost(0), bytesPerNode: 0, bytesPerStream: 0 },
    ...{ publish: cost(100), resume: cost(300), command: cost(10), join: cost(4_000), leave: cost(2_000) },
  };
  const events = eventsOf(costs, { nodes: 100, streams: 5_000 }).map(({ cpuSeconds }) => cpuSeconds);
  expect(events).toEqual([0.001, 0.015, 1.5, 0.9, 2.1]);
});
