import { setTimeout as sleep } from 'node:timers/promises';
import { ObservedEncoders } from '../../fleet/observed-encoders';
import { below, FaultyHandler, type Random, randomOf } from '../../fleet/observed-handler';
import { emptyHistory, type History, type Trouble } from '../../fleet/observed-history';
import { judge } from '../../fleet/observed-judge';
import { becomeQuiet } from '../../fleet/observed-quiet';
import { untouched } from '../../fleet/observed-untouched';
import { type FaultContext, type FaultKind } from './fault-kinds';
import { FaultyFleet, RTMP_PORT, RTMPS_PORT } from './faulty-fleet';
import { FaultNetwork } from './network';
import { NodeProbes } from './probes';
import { RealClients } from './real-clients';
import { type Recovery, recoveryOf } from './recovery';
import { SteadyLoad } from './steady-load';

export interface FaultsSettings {
  readonly bundle: string;
  readonly seed: number;
  readonly minutes: number;
  readonly publishers: number;
  readonly players: number;
  readonly kinds: readonly FaultKind[];
  readonly tell: (line: string) => void;
}

export interface FaultsResult {
  readonly recoveries: readonly Recovery[];
  readonly violations: readonly string[];
  readonly notes: readonly string[];
}

const NODES = 3;
const RESTLESS = ['ch0', 'ch1', 'ch2', 'ch3', 'ch4', 'ch5'];
/** From the end of a fault to the next one: all have agreed, and come back. */
const REST_MS = 10_000;
const WARM_UP_MS = 5_000;
const NAMED = 3;

/** One run: everybody comes, faults happen one after another, everybody leaves, and the observer judges. */
export async function faultsRun(settings: FaultsSettings): Promise<FaultsResult> {
  const { seed, tell } = settings;
  const begun = Date.now();
  const now = (): number => Date.now() - begun;
  const random = randomOf(seed);
  const handler = new FaultyHandler(randomOf(seed + 1_000_000), now, (channel) => !/^ch\d+$/.test(channel));
  const history = emptyHistory(handler);
  const fleet = await FaultyFleet.start(NODES, settings.bundle, handler);
  try {
    return await observed(settings, { fleet, handler, random, history, now, tell });
  } finally {
    await fleet.stop();
  }
}

interface Scene {
  readonly fleet: FaultyFleet;
  readonly handler: FaultyHandler;
  readonly random: Random;
  readonly history: History;
  readonly now: () => number;
  readonly tell: (line: string) => void;
}

async function observed(settings: FaultsSettings, scene: Scene): Promise<FaultsResult> {
  const { seed, publishers, players } = settings;
  const { fleet, handler, history, now, tell, random } = scene;
  const steady = Array.from({ length: publishers }, (_, at) => `m${at}`);
  const real = new RealClients(fleet);
  const forwarded = new Set([...steady.slice(0, NAMED), ...real.channels]);
  handler.headersOf = (channel) => ({
    forward: forwarded.has(channel) ? `${fleet.target}/${channel}/key` : 'none',
    record: real.channels.includes(channel) ? 'YES' : 'NO',
  });
  const address = (node: number, channel: string) => ({
    host: FaultNetwork.front(node),
    // One in ten uses TLS.
    ...(channel.endsWith('9') ? { port: RTMPS_PORT, tls: true } : { port: RTMP_PORT, tls: false }),
  });
  const load = new SteadyLoad({ nodes: NODES, address, history, now, random: randomOf(seed + 2) }, steady);
  const target = () => ({ host: '127.0.0.1', port: fleet.targetPort, tls: false });
  const atTarget = emptyHistory({ starts: [], stops: [] });
  const watchers = new SteadyLoad(
    { nodes: 1, address: target, history: atTarget, now, random: randomOf(seed + 3) },
    steady.slice(0, NAMED),
  );
  const observedFleet = {
    address: (node: number) => ({ host: FaultNetwork.front(node), port: RTMP_PORT }),
    command: (text: string) => fleet.redis.publish('rtmp_commands', text),
  };
  const encoders = new ObservedEncoders(observedFleet, NODES, history, now);
  const probes = new NodeProbes(fleet, now);
  load.publish();
  load.play(players);
  watchers.play(NAMED);
  real.start();
  const work = RESTLESS.flatMap((channel, i) => [
    encoders.useChannel(channel, randomOf(seed * 1000 + i)),
    encoders.watchChannel(channel, randomOf(seed * 1000 + 100 + i)),
  ]);
  await sleep((publishers + players) * 20 + WARM_UP_MS);
  probes.start();
  const lag = new Lag(history, now);
  tell(`${seconds(now())}  ${load.live} publishers, ${load.watching} players are there`);

  const end = now() + settings.minutes * 60_000;
  const recoveries: Recovery[] = [];
  for (let round = 0; now() < end; round++) {
    for (const kind of shuffled(settings.kinds, random)) {
      if (now() >= end) break;
      recoveries.push(await oneFault(kind, scene, probes));
      const { live, watching } = load;
      tell(`${' '.repeat(8)}  ${toldOf(recoveries.at(-1)!)}; there: ${live} publishers, ${watching} players`);
    }
  }
  history.until = now();
  tell(`${seconds(now())}  all leave`);
  await probes.stop();
  handler.mood = 'healthy';
  await Promise.all([load.stop(), watchers.stop(), real.stop(), encoders.end(Promise.all(work), random)]);
  await becomeQuiet({ history, encoders, channels: RESTLESS, nodes: NODES, redis: fleet.redis, now });
  const recordings = real.recordingFaults();
  // Each connection of a forward begins at time zero.
  const atTargetWrong = untouched(atTarget).filter(
    (line) => line.startsWith('wrong') && !line.includes(' has time 0 '),
  );
  return {
    recoveries,
    violations: [...judge(history), ...atTargetWrong.map((line) => `forwarded: ${line}`), ...recordings.faults],
    notes: [
      `${history.starts.length} starts, ${history.stops.length} stops, ${history.publishers.length} publishers and ` +
        `${history.players.length} players' connections were seen; ${fleet.refusedTokens} tokens were refused`,
      `${recordings.files} recordings on disk, ${fleet.store.objects.size} objects in S3`,
      `begun again: ${[...real.restarts].map(([what, times]) => `${what} ${times}`).join(', ')}`,
      `the observer itself was late by ${lag.stop()} ms at most`,
    ],
  };
}

async function oneFault(kind: FaultKind, scene: Scene, probes: NodeProbes): Promise<Recovery> {
  const { fleet, handler, random, history, now, tell } = scene;
  const node = below(random, NODES);
  const other = (node + 1 + below(random, NODES - 1)) % NODES;
  const places = { ...(kind.of !== 'all' && { node }), ...(kind.of === 'pair' && { other }) };
  const trouble: Trouble = { kind: kind.kind, ...places, from: now(), to: Infinity };
  history.troubles.push(trouble);
  const where = kind.of === 'all' ? '' : kind.of === 'node' ? `, node ${node}` : `, nodes ${node} and ${other}`;
  tell(`${seconds(trouble.from)}  ${kind.title}${where}`);
  const context: FaultContext = { fleet, handler, random, node, other };
  await kind.run(context);
  trouble.to = now();
  tell(`${seconds(trouble.to)}  over`);
  await sleep(REST_MS);
  return recoveryOf(history, probes, trouble, now());
}

const seconds = (ms: number): string => (ms / 1000).toFixed(1).padStart(8);

function toldOf({ publishers, players, newcomersRefused, readyAfter }: Recovery): string {
  const longest = (all: readonly number[]): string =>
    all.length === 0 ? '' : ` up to ${Math.max(...all).toFixed(1)} s`;
  return (
    `lost ${publishers.length} publishers${longest(publishers)}, ${players.length} players without frames${longest(players)}, ` +
    `${newcomersRefused} newcomers refused, ready again after ${readyAfter.toFixed(1)} s`
  );
}

function shuffled<T>(items: readonly T[], random: Random): T[] {
  const left = [...items];
  return items.map(() => left.splice(below(random, left.length), 1)[0]!);
}

const LAG_EVERY_MS = 100;
const LONG_LAG_MS = 500;

/** How late the observer's own timers are: what it cannot have seen is nobody's fault. */
class Lag {
  #longest = 0;
  #at: number;
  readonly #timer: NodeJS.Timeout;

  constructor(history: History, now: () => number) {
    this.#at = now();
    this.#timer = setInterval(() => {
      const [from, to] = [this.#at, now()];
      this.#at = to;
      this.#longest = Math.max(this.#longest, to - from - LAG_EVERY_MS);
      if (to - from > LONG_LAG_MS) history.troubles.push({ kind: 'observer', from, to });
    }, LAG_EVERY_MS);
  }

  stop(): number {
    clearInterval(this.#timer);
    return this.#longest;
  }
}
