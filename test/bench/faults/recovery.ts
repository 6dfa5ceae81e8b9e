import type { History, PublisherSeen, Trouble } from '../../fleet/observed-history';
import { grouped } from '../../fleet/observed-untouched';
import type { PlayerSeen } from '../../fleet/observed-viewers';

/** A node that was asked, from outside, whether it is ready, or let a newcomer in. */
export interface Probe {
  readonly node: number;
  readonly at: number;
  readonly until: number;
  readonly isGood: boolean;
}

/** What one fault did to those who were there, and how long until all was well again. Seconds. */
export interface Recovery {
  readonly trouble: Trouble;
  /** Steady publishers that were lost: the time of each until it, or its successor, was accepted. */
  readonly publishers: readonly number[];
  /** Steady players: each time of more than a second without a frame. */
  readonly players: readonly number[];
  /** Newcomers that were not let in while it lasted, and after; how long after its end each node let one in again. */
  readonly newcomersRefused: number;
  readonly newcomersAfter: number;
  /** Whether a node was not ready; how long after the fault's end all nodes were. */
  readonly wasUnready: boolean;
  readonly readyAfter: number;
}

export interface Probes {
  readonly ready: readonly Probe[];
  readonly newcomers: readonly Probe[];
}

/** @param until when the next fault began */
export function recoveryOf(history: History, probes: Probes, trouble: Trouble, until: number): Recovery {
  const steady = new Set(history.publishers.flatMap(({ isSteady, channel }) => (isSteady ? channel : [])));
  const players = history.players.filter(({ channel }) => steady.has(channel));
  const within = (at: number): boolean => at >= trouble.from && at < until;
  const unready = probes.ready.filter(({ isGood, at }) => !isGood && within(at));
  return {
    trouble,
    publishers: returns(history.publishers).flatMap(([lost, back]) => (within(lost) ? seconds(back - lost) : [])),
    players: pauses(players).flatMap(([from, to]) => (to > trouble.from && from < until ? seconds(to - from) : [])),
    newcomersRefused: probes.newcomers.filter(({ isGood, at }) => !isGood && within(at)).length,
    newcomersAfter: againAfter(probes.newcomers, trouble.to),
    wasUnready: unready.length > 0,
    readyAfter: unready.length === 0 ? 0 : againAfter(probes.ready, trouble.to),
  };
}

const seconds = (ms: number): number => ms / 1000;

/** When each steady publisher was lost, and when its channel had one again. */
function returns(publishers: readonly PublisherSeen[]): [number, number][] {
  const accepted = publishers.filter((one) => one.isSteady && one.accepted !== undefined);
  const byChannel = grouped(accepted, ({ channel }) => channel);
  return [...byChannel.values()].flatMap((all) =>
    all
      .slice(0, -1)
      .flatMap((one, i): [number, number][] => (one.lost === undefined ? [] : [[one.ended!, all[i + 1]!.accepted!]])),
  );
}

/** Each viewer's times without a frame, over all its connections. */
function pauses(players: readonly PlayerSeen[]): [number, number][] {
  const byName = grouped(
    players.filter(({ firstFrame }) => firstFrame !== undefined),
    ({ name }) => name,
  );
  return [...byName.values()].flatMap((connections) => {
    const between = connections
      .slice(0, -1)
      .flatMap((one, i): [number, number][] => (one.lost ? [[one.lastFrame!, connections[i + 1]!.firstFrame!]] : []));
    const inside = connections.flatMap(({ silences, lastFrame }) =>
      silences
        .filter(({ source, to }) => source !== undefined && to <= lastFrame!)
        .map(({ from, to }): [number, number] => [from, to]),
    );
    return [...between, ...inside].filter(([from, to]) => to - from > 1_000);
  });
}

/** Seconds from `end` until each node has answered well once. */
function againAfter(probes: readonly Probe[], end: number): number {
  const firsts = new Map<number, number>();
  for (const { node, at, until, isGood } of probes)
    if (isGood && at >= end && !firsts.has(node)) firsts.set(node, until);
  return seconds(Math.max(0, ...[...firsts.values()].map((at) => at - end)));
}
