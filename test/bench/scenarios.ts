import type { PlayerProtocol, Transport } from './servers/running-server';

/** One load, which every server in the comparison gets. */
export interface BenchCase {
  /** Unique; results and targets refer to it. */
  readonly id: string;
  readonly title: string;
  readonly kind: 'steady' | 'idle' | 'capacity' | 'churn' | 'relays';
  readonly publishers: number;
  /** In total, spread evenly over the publishers. */
  readonly players: number;
  /** Whether received or delivered gigabytes are counted. */
  readonly costPer: 'received' | 'delivered';
  readonly uploadChunkSize: number;
  readonly transport: Transport;
  readonly playerProtocol: PlayerProtocol;
  /** Environment of this project's server. */
  readonly env: Readonly<Record<string, string>>;
  /** Worker processes of this project's server; undefined: its default, on one core. */
  readonly workers: number | undefined;
  /** For `relays`: whether the players are on the node of their publishers, or on another one. */
  readonly fleet?: 'local' | 'relayed';
  /** Whether other servers are worth comparing here. */
  readonly peers: boolean;
  /** A longer warm-up than asked for: little load takes long to be compiled. */
  readonly minWarmupSeconds?: number;
  /** No more runs than this, however many are asked for. */
  readonly maxRuns?: number;
}

export interface Scenario {
  readonly name: string;
  readonly description: string;
  readonly cases: readonly BenchCase[];
}

const defaults = {
  kind: 'steady',
  publishers: 1,
  players: 0,
  costPer: 'delivered',
  uploadChunkSize: 4096,
  transport: 'rtmp',
  playerProtocol: 'rtmp',
  env: {},
  workers: undefined,
  peers: true,
} as const;

function benchCase(id: string, title: string, settings: Partial<BenchCase>): BenchCase {
  return { ...defaults, ...settings, id, title };
}

function ingest(publishers: number, settings: Partial<BenchCase> = {}): BenchCase {
  return benchCase(`ingest${publishers}`, `ingest: ${publishers} publishers`, {
    publishers,
    costPer: 'received',
    ...settings,
  });
}

function fanOut(players: number, settings: Partial<BenchCase> = {}): BenchCase {
  return benchCase(`fanout${players}`, `fan-out: 1 publisher, ${players} players`, { players, ...settings });
}

function mixed(id: string, publishers: number): BenchCase {
  const title = `mixed: ${publishers} publishers with 2 players each`;
  return benchCase(id, title, { publishers, players: 2 * publishers });
}

function renamed(base: BenchCase, suffix: string, title: string, settings: Partial<BenchCase>): BenchCase {
  return { ...base, ...settings, id: `${base.id}-${suffix}`, title: `${base.title}, ${title}` };
}

function withLatency(ms: number): BenchCase {
  return renamed(fanOut(200), `${ms}ms`, `LATENCY_MS=${ms}`, { env: { LATENCY_MS: String(ms) } });
}

function overTls(base: BenchCase): BenchCase[] {
  return [
    { ...base, peers: false },
    renamed(base, 'rtmps', 'RTMPS', { transport: 'rtmps', peers: false }),
    renamed(base, 'haproxy', 'RTMPS ended by HAProxy', { transport: 'rtmps-haproxy', peers: false }),
  ];
}

/** Streams with a player each, of two nodes. */
function relays(streams: number): BenchCase[] {
  return (['local', 'relayed'] as const).map((fleet) => {
    const title = `two nodes, ${streams} streams with a player each, ${fleet === 'local' ? 'on the same node' : 'relayed'}`;
    return benchCase(`relays${streams}-${fleet}`, title, {
      ...{ kind: 'relays', fleet, publishers: streams, players: streams, peers: false },
    });
  });
}

/** The same fan-out to players of each protocol. */
function overHttp(base: BenchCase): BenchCase[] {
  return [
    { ...base, peers: false },
    renamed(base, 'http-flv', 'HTTP-FLV', { playerProtocol: 'http-flv', peers: false }),
    renamed(base, 'ws-flv', 'WebSocket-FLV', { playerProtocol: 'ws-flv', peers: false }),
  ];
}

/**
 * With enough load that each worker, too, is in the mode that batches most: the comparison is of work, not of modes.
 */
function onWorkers(base: BenchCase): BenchCase[] {
  return [1, 2].map((workers) =>
    renamed(base, `workers${workers}`, `WORKERS=${workers} on all cores`, { workers, peers: false }),
  );
}

/** Everything that `--scenario` can name. */
export const scenarios: readonly Scenario[] = [
  { name: 'ingest', description: '100 publishers, no players', cases: [ingest(100)] },
  { name: 'fanout200', description: '1 publisher, 200 players', cases: [fanOut(200)] },
  { name: 'fanout500', description: '1 publisher, 500 players', cases: [fanOut(500)] },
  {
    name: 'fanout200-40ms',
    description: '1 publisher, 200 players, LATENCY_MS=40',
    cases: [withLatency(40)],
  },
  {
    name: 'latency',
    description: '1 publisher, 200 players: what LATENCY_MS from 0 to 500 trades',
    cases: [0, 20, 40, 50, 100, 200, 500].map((ms) => ({ ...withLatency(ms), peers: false })),
  },
  {
    name: 'http-flv',
    description: '1 publisher, 200 players over HTTP-FLV and WebSocket-FLV, against RTMP',
    cases: overHttp(fanOut(200)),
  },
  { name: 'mixed', description: '50 publishers with 2 players each', cases: [mixed('mixed', 50)] },
  {
    name: 'idle',
    description: 'memory of 1,000 players of a stream that nobody publishes',
    cases: [benchCase('idle', 'idle: 1,000 waiting players', { kind: 'idle', publishers: 0, players: 1000 })],
  },
  {
    name: 'single',
    description: '1 publisher, 1 player: the latency where there is nothing to batch',
    cases: [benchCase('single', 'single: 1 publisher, 1 player', { players: 1 })],
  },
  {
    name: 'capacity',
    description: 'the most players on one core without loss and with p99 below 500 ms',
    cases: [benchCase('capacity', 'capacity: most players of 1 publisher', { kind: 'capacity' })],
  },
  {
    name: 'tiny-chunks',
    description: 'publishers that send 128-byte chunks, against 4096-byte ones',
    cases: [
      ingest(100, { peers: false }),
      renamed(ingest(100), '128', '128-byte chunks', { uploadChunkSize: 128, peers: false }),
    ],
  },
  {
    name: 'churn',
    description: '50 connects a second for --seconds (600 for the full test): does memory grow?',
    cases: [benchCase('churn', 'churn: 50 connects a second', { kind: 'churn', peers: false, maxRuns: 1 })],
  },
  {
    name: 'rtmps',
    description: 'TLS in the server against plain RTMP and against HAProxy in front',
    cases: [...overTls(ingest(50)), ...overTls(fanOut(50))],
  },
  {
    name: 'relays',
    description: '50 streams with a player each, on another node than their publishers, against on the same',
    cases: relays(50),
  },
  { name: 'relays20', description: 'the same with 20 streams', cases: relays(20) },
  {
    name: 'ingest10',
    description: '10 publishers against 100, each warmed up until V8 has compiled everything',
    cases: [10, 100].map((publishers) =>
      renamed(ingest(publishers), 'warm', 'after 150 s', { peers: false, minWarmupSeconds: 150 }),
    ),
  },
  {
    name: 'scaling',
    description: 'cost per GB as the load grows, and what a second worker brings',
    cases: [
      ...[10, 100, 500].map((publishers) => ingest(publishers, { peers: false })),
      ...[200, 500, 1000].map((players) => fanOut(players, { peers: false })),
      ...onWorkers(fanOut(1000)),
      ...onWorkers(mixed('mixed200', 200)),
    ],
  },
];
