import { parseArgs } from 'node:util';
import { aboveZero, count } from '../../support/programs/arguments.cjs';
import { describeMachine } from '../report/machine';
import { aligned } from '../report/tables';
import { type Cost, eventsOf, type FleetCosts, FORMULA, totalOf } from './costs';
import { registryRun, type RegistryResult } from './registry-run';

const usage = `npm run bench -- fleet [options]   what the fleet's registry costs Redis
  --nodes N        nodes, in a few processes (default 90)
  --streams N      live streams (default 3000)
  --processes N    processes of nodes; the last one's nodes are lost at the end (default 3)
  --seconds N      length of each quiet window (default 12)
  --returns N      publishers of the lost zone that come back per second (default: all within 10 s)
  --full           1000 nodes and 50,000 streams: ten minutes, 3 GB`;

/** What the registry is to carry. */
const LARGE = { nodes: 1_000, streams: 50_000, streamSeconds: 3_600 };
const MOST = { cpuShare: 0.15, memoryBytes: 300e6, deliveriesPerSecond: 5_000, settledSeconds: 30 };
const RETURN_SECONDS = 10;

/** `npm run bench -- fleet`. */
export async function fleetCommand(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      nodes: { type: 'string' },
      streams: { type: 'string' },
      processes: { type: 'string', default: '3' },
      seconds: { type: 'string', default: '12' },
      returns: { type: 'string' },
      full: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  if (values.help) {
    console.log(usage);
    return;
  }
  const seconds = aboveZero('--seconds', values.seconds);
  const processes = Math.max(2, count('--processes', values.processes));
  const nodes = values.nodes === undefined ? (values.full ? LARGE.nodes : 90) : count('--nodes', values.nodes);
  const streams =
    values.streams === undefined ? (values.full ? LARGE.streams : 3_000) : count('--streams', values.streams);
  const returnsPerSecond =
    values.returns === undefined ? streams / processes / RETURN_SECONDS : aboveZero('--returns', values.returns);
  const machine = describeMachine();
  console.log(`${machine.cpu}, ${machine.cores} cores, Linux ${machine.kernel}, Node.js ${machine.node}`);
  const tell = (line: string): void => console.error(line);
  const result = await registryRun({ processes, nodes, streams, seconds, returnsPerSecond, tell });
  console.log(
    `\n${nodes} nodes and ${streams} streams\n\n${costTable(result.costs)}\n\n${totals(result)}\n\n${stormTable(result)}`,
  );
}

function costTable(costs: FleetCosts): string {
  const rows: [string, Cost][] = [
    ['Redis alone, a second', costs.alone],
    ['renewal of a node, its pings included', costs.beat],
    ['publish, until live', costs.publish],
    ['end, with its stop', costs.end],
    ['publisher lost and back at another node', costs.resume],
    ['look-up of a channel', costs.locate],
    ['command to all, per node', costs.command],
    ['node joins, and all others read of it', costs.join],
    ['node leaves, the same', costs.leave],
  ];
  const cells = rows.map(([name, { cpuUs, bytes, deliveries }]) => [
    ...[name, cpuUs.toFixed(0), bytes.toFixed(0), deliveries.toFixed(2)],
  ]);
  return aligned([['operation', 'Redis CPU us', 'bytes', 'deliveries'], ...cells]);
}

function stormTable({ storms, costs }: RegistryResult): string {
  const heading = [
    'event',
    's',
    'Redis CPU s',
    'MB',
    'busiest process',
    'Redis away',
    'ended',
    'stops',
    'of live streams',
  ];
  const rows = storms.map(
    ({ name, seconds, cpuSeconds, bytes, busiestProcess, timesAway, ended, stops, wrongStops }) => [
      ...[name, seconds.toFixed(2), cpuSeconds.toFixed(2), (bytes / 1e6).toFixed(1)],
      ...[
        `${(100 * busiestProcess).toFixed(0)} %`,
        String(timesAway),
        String(ended),
        String(stops),
        String(wrongStops),
      ],
    ],
  );
  const computed = eventsOf(costs, LARGE).map(({ name, cpuSeconds }) => [name, cpuSeconds.toFixed(2)]);
  const computedHeading = [`computed: ${LARGE.nodes} nodes, ${LARGE.streams} streams`, 'Redis CPU s'];
  return `${aligned([heading, ...rows])}\n\n${aligned([computedHeading, ...computed])}`;
}

function totals({ costs, beatsPerSecond, quiet, memoryBytes, zone }: RegistryResult): string {
  const total = totalOf(costs, { ...LARGE, beatsPerSecond });
  const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
  const mb = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;
  const verdict = (isMet: boolean): string => (isMet ? 'met' : 'MISSED');
  const rows = [
    ['CPU of Redis, of one core', percent(quiet.cpuShare), percent(total.cpuShare), percent(MOST.cpuShare)],
    ['traffic of Redis per second', mb(quiet.bytesPerSecond), mb(total.bytesPerSecond), ''],
    ['memory of Redis', mb(memoryBytes), mb(total.memoryBytes), mb(MOST.memoryBytes)],
    [
      'deliveries per second',
      quiet.deliveriesPerSecond.toFixed(1),
      total.deliveriesPerSecond.toFixed(1),
      String(MOST.deliveriesPerSecond),
    ],
  ];
  const met = [
    total.cpuShare <= MOST.cpuShare,
    '',
    total.memoryBytes <= MOST.memoryBytes,
    total.deliveriesPerSecond <= MOST.deliveriesPerSecond,
  ].map((isMet) => (isMet === '' ? '' : verdict(isMet === true)));
  const large = `${LARGE.nodes} nodes, ${LARGE.streams} streams of an hour`;
  const heading = ['quiet state', 'measured, without new streams', `computed: ${large}`, 'limit', ''];
  const isSettled = zone.settledAfter <= MOST.settledSeconds && zone.timesAway === 0;
  return [
    FORMULA,
    `bytes/node ${costs.bytesPerNode.toFixed(0)}, bytes/stream ${costs.bytesPerStream.toFixed(0)}, ` +
      `renewals/s of a node ${beatsPerSecond.toFixed(2)}`,
    '',
    aligned([heading, ...rows.map((row, at) => [...row, met[at]!])]),
    '',
    `a zone lost, ${zone.nodes} nodes and ${zone.streams} streams: settled after ${zone.settledAfter.toFixed(1)} s ` +
      `(limit ${MOST.settledSeconds} s), nodes that took Redis for away: ${zone.timesAway}: ${verdict(isSettled)}`,
    `meanwhile Redis used ${percent(zone.cpuShare)} of a core, the busiest process of nodes ${percent(zone.busiestProcess)}`,
  ].join('\n');
}
