/** The measured cost of one operation, or of one second of the quiet state. */
export interface Cost {
  readonly cpuUs: number;
  readonly bytes: number;
  readonly deliveries: number;
}

/** What the benchmark measures. */
export interface FleetCosts {
  /** A second of Redis without a fleet. */
  readonly alone: Cost;
  /** One renewal of one node, with all else that a node does as regularly: pings, the look for a sweeper. */
  readonly beat: Cost;
  readonly publish: Cost;
  readonly end: Cost;
  readonly resume: Cost;
  readonly locate: Cost;
  /** A command that all nodes report, per node. */
  readonly command: Cost;
  readonly join: Cost;
  readonly leave: Cost;
  readonly bytesPerNode: number;
  readonly bytesPerStream: number;
}

/** A fleet whose cost is computed. */
export interface FleetSize {
  readonly nodes: number;
  readonly streams: number;
  /** How long a stream lasts on average (s). */
  readonly streamSeconds: number;
  /** Renewals of a node per second. */
  readonly beatsPerSecond: number;
}

export interface FleetTotal {
  /** Share of one core of Redis. */
  readonly cpuShare: number;
  readonly bytesPerSecond: number;
  readonly deliveriesPerSecond: number;
  readonly memoryBytes: number;
}

/** The formula, in words. */
export const FORMULA =
  'per second: Redis alone + nodes x renewals/s x renewal + streams / stream seconds x (publish + end + look-up); ' +
  'memory: nodes x bytes/node + streams x bytes/stream';

/** The quiet state of a fleet: each stream is watched on one other node, which looks for it once. */
export function totalOf(costs: FleetCosts, size: FleetSize): FleetTotal {
  const beats = size.nodes * size.beatsPerSecond;
  const turnover = size.streams / size.streamSeconds;
  const perSecond = (of: (cost: Cost) => number): number =>
    of(costs.alone) + beats * of(costs.beat) + turnover * (of(costs.publish) + of(costs.end) + of(costs.locate));
  return {
    cpuShare: perSecond(({ cpuUs }) => cpuUs) / 1e6,
    bytesPerSecond: perSecond(({ bytes }) => bytes),
    deliveriesPerSecond: perSecond(({ deliveries }) => deliveries),
    memoryBytes: size.nodes * costs.bytesPerNode + size.streams * costs.bytesPerStream,
  };
}

/** Something that happens to a whole fleet at once, and the CPU time that it takes Redis (s). */
export interface FleetEvent {
  readonly name: string;
  readonly cpuSeconds: number;
}

/** What such events cost, computed from the costs of their parts. Redis has one core: it takes at least as long. */
export function eventsOf(costs: FleetCosts, { nodes, streams }: Pick<FleetSize, 'nodes' | 'streams'>): FleetEvent[] {
  const { command, resume, join, leave, publish } = costs;
  const events: [string, number][] = [
    ['a command to all nodes', nodes * command.cpuUs],
    ['the publishers of one node come back', (streams / nodes) * resume.cpuUs],
    ['all publishers come back', streams * resume.cpuUs],
    ['Redis lost its data: all nodes join, all streams are registered', nodes * join.cpuUs + streams * publish.cpuUs],
    ['all nodes are replaced', nodes * (join.cpuUs + leave.cpuUs) + streams * resume.cpuUs],
  ];
  return events.map(([name, cpuUs]) => ({ name, cpuSeconds: cpuUs / 1e6 }));
}
