import { type History, type PublisherSeen, SETTLED_MS, type Trouble, type TroubleKind } from './observed-history';
import type { PlayerSeen, Silence } from './observed-viewers';

/** A viewer who had the stream may miss frames for so long, on a slow machine. */
const STALL_MS = 5_000;
/** Within this time a viewer sees a stream that was not on its node, and a publisher gets in again. */
const RECOVERY_MS = 15_000;

/** Troubles that may end connections of a node, or hold frames that come from it or go to it. */
const OF_NODE: readonly TroubleKind[] = ['kill', 'freeze', 'term', 'cut', 'island', 'slow'];

/**
 * What touched streams and viewers that nothing should have touched: Redis, the handler, disks, clocks, targets and other
 * nodes may fail without it. And what came wrong, or too late.
 */
export function untouched(history: History): string[] {
  return [
    ...wrongFrames(history),
    ...lost(history),
    ...stalls(history),
    ...lateViews(history),
    ...lateReturns(history),
  ];
}

function wrongFrames({ players }: History): string[] {
  return players.flatMap(({ name, node, wrong }) => wrong.map((what) => `wrong: ${name} on node ${node} got ${what}`));
}

function lost(history: History): string[] {
  const isExcused = (node: number, at: number): boolean => uncovered(history, [at, at + 1], (t) => isOf(t, node)) === 0;
  const publishers = history.publishers.filter(
    ({ isSteady, lost: why, node, ended }) => isSteady && why !== undefined && !isExcused(node, ended!),
  );
  const players = history.players.filter(({ lost: isLost, node, ended }) => isLost && !isExcused(node, ended!));
  return [
    ...publishers.map((p) => `lost: publisher ${p.name} of ${p.channel} on node ${p.node} at ${p.ended}: ${p.lost}`),
    ...players.map((p) => `lost: player ${p.name} of ${p.channel} on node ${p.node} at ${p.ended}`),
  ];
}

/** Viewers who had the stream, and then missed frames that their publisher sent. */
function stalls(history: History): string[] {
  return eachSilence(history).flatMap(([player, silence, publisher, from, to]) => {
    if (publisher.name !== silence.source) return [];
    const free = uncovered(history, [from, to], (t) => isOf(t, player.node, publisher.node));
    return free <= STALL_MS ? [] : [`stall: ${told(player, publisher, from, to)}`];
  });
}

/** Viewers who did not get a stream that was there. */
function lateViews(history: History): string[] {
  return eachSilence(history).flatMap(([player, silence, publisher, from, to]) => {
    if (publisher.name === silence.source) return [];
    const free = uncovered(history, [from, to], () => true);
    return free <= RECOVERY_MS ? [] : [`late: ${told(player, publisher, from, to)}`];
  });
}

/** Steady publishers that could not come back. */
function lateReturns(history: History): string[] {
  const steady = history.publishers.filter(({ isSteady, accepted }) => isSteady && accepted !== undefined);
  return [...grouped(steady, ({ channel }) => channel)].flatMap(([channel, all]) =>
    all.flatMap(({ name, ended, lost: why }, i) => {
      if (why === undefined) return [];
      const back = all[i + 1]?.accepted ?? history.until ?? ended!;
      return uncovered(history, [ended!, back], () => true) <= RECOVERY_MS
        ? []
        : [`late: ${channel} was without publisher after ${name} from ${ended} to ${back}`];
    }),
  );
}

type SilenceOf = readonly [PlayerSeen, Silence, PublisherSeen, from: number, to: number];

/** Each silence of each viewer, with the publishers that sent meanwhile. */
function eachSilence({ players, publishers }: History): SilenceOf[] {
  const byChannel = grouped(
    publishers.filter(({ accepted }) => accepted !== undefined),
    ({ channel }) => channel,
  );
  return players.flatMap((player) =>
    player.silences.flatMap((silence) =>
      (byChannel.get(player.channel) ?? []).flatMap((publisher): SilenceOf[] => {
        const [from, to] = [
          Math.max(silence.from, publisher.accepted!),
          Math.min(silence.to, publisher.ended ?? Infinity),
        ];
        return from < to ? [[player, silence, publisher, from, to]] : [];
      }),
    ),
  );
}

/** Whether the trouble may touch connections of one of the nodes, or frames on their way between them. */
function isOf({ kind, node, other }: Trouble, ...nodes: readonly number[]): boolean {
  if (kind === 'observer') return true;
  if (kind === 'split') return nodes.length > 1 && nodes.includes(node!) && nodes.includes(other!);
  return OF_NODE.includes(kind) && nodes.includes(node!);
}

/** The longest time within the span that none of the troubles covers. */
function uncovered(
  { troubles }: History,
  [from, to]: readonly [number, number],
  by: (one: Trouble) => boolean,
): number {
  const spans = troubles
    .filter(by)
    .map((one) => ({ from: one.from, to: one.to + (one.kind === 'observer' ? 0 : SETTLED_MS) }))
    .filter((one) => one.from < to && one.to > from)
    .sort((a, b) => a.from - b.from);
  let [longest, at] = [0, from];
  for (const span of spans) {
    longest = Math.max(longest, span.from - at);
    at = Math.max(at, span.to);
  }
  return Math.max(longest, to - at);
}

function told(player: PlayerSeen, publisher: PublisherSeen, from: number, to: number): string {
  const [where, source] = [`node ${player.node}`, `${publisher.name} on node ${publisher.node}`];
  return `${player.name} of ${player.channel} on ${where} had no frame of ${source} from ${from} to ${to}`;
}

/** Each group in the order of the items. */
export function grouped<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const group = groups.get(keyOf(item));
    if (group === undefined) groups.set(keyOf(item), [item]);
    else group.push(item);
  }
  return groups;
}
