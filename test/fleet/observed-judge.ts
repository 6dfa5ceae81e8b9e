import {
  ABSENT,
  ANSWER_MS,
  AWAY,
  GRACE_MS,
  type History,
  LOSSES,
  type PublisherSeen,
  SETTLED_MS,
  SLOW_MS,
  type StopSeen,
  troubled,
} from './observed-history';
import { untouched } from './observed-untouched';

/** Everything that contradicts the promises of README's Fleet section, a line each. */
export function judge(history: History): string[] {
  return [
    ...missingStops(history),
    ...doubleStops(history),
    ...stopsOfLive(history),
    ...twoLive(history),
    ...untrueRefusals(history),
    ...untouched(history),
    ...history.closed.map((why) => `closed: ${why}`),
    ...history.left.map((key) => `left: ${key}`),
  ];
}

/** Starts that were accepted, or whose fate no node can know, without a stop that was taken. */
export function missingStops(history: History): string[] {
  const { starts, stops } = history;
  const taken = stops.filter((stop) => stop.taken);
  const accepted = starts.filter(
    ({ jti, id }) =>
      id !== undefined && !taken.some((stop) => stop.id === id || (stop.id === '' && stop.startJti === jti)),
  );
  const undecided = starts.filter(
    ({ jti }) =>
      starts.every((start) => start.jti !== jti || start.undecided) && !taken.some((stop) => stop.startJti === jti),
  );
  return [
    ...accepted.filter(({ id }) => !lostWith(history, id!)).map((s) => `no stop of ${s.id} of ${s.publisher}`),
    ...undecided
      .filter(({ at }) => !troubled(history, LOSSES, at - SLOW_MS, at + SLOW_MS))
      .map((start) => `no stop of the unknown start ${start.jti} of ${start.publisher}`),
  ];
}

function doubleStops(history: History): string[] {
  const { starts, stops } = history;
  const ids = new Set(starts.flatMap(({ id }) => id ?? []));
  const doubled = [...ids].filter((id) => {
    const given = starts.filter((start) => start.id === id);
    const jtis = new Set(given.map(({ jti }) => jti));
    // A start that the handler accepts too late has its own stop, also where it had continued a stream.
    const late = given.filter(({ at, answered = Infinity }) => answered - at >= ANSWER_MS).map(({ jti }) => jti);
    const own = stops.filter((stop) => stop.id === id || (stop.id === '' && jtis.has(stop.startJti)));
    const counted = jtis.size === 1 ? own : own.filter((stop) => stop.id === id && !late.includes(stop.startJti));
    if (new Set(counted.map(({ jti }) => jti)).size <= 1) return false;
    // A node that comes back to Redis may continue a stream that another one has ended meanwhile.
    const [first, last] = [counted[0]!.at, counted.at(-1)!.at];
    return !lostWith(history, id) && !(jtis.size > 1 && troubled(history, AWAY, first - SLOW_MS, last));
  });
  return doubled.map((id) => `two stops of ${id}`);
}

function stopsOfLive(history: History): string[] {
  const found: string[] = [];
  for (const stop of history.stops) {
    const with_ = servedWith(history, stop);
    const live = with_.find((p) => p.accepted! < stop.at - 1_000 && endOf(p) > stop.at + SLOW_MS);
    if (live === undefined || troubled(history, LOSSES, live.asked, stop.at)) continue;
    if (troubled(history, ABSENT, live.asked, stop.at, live.node)) continue;
    // A node without Redis cannot know that another node has continued the stream.
    if (with_.length > 1 && troubled(history, AWAY, live.asked, stop.at)) continue;
    found.push(`stop of ${stop.id || stop.startJti} at ${stop.at} while ${live.name} is live`);
  }
  return found;
}

function twoLive(history: History): string[] {
  const found: string[] = [];
  const live = history.publishers.filter((p) => p.accepted !== undefined);
  for (const [i, a] of live.entries()) {
    for (const b of live.slice(i + 1)) {
      const [from, to] = [Math.max(a.accepted!, b.accepted!), Math.min(endOf(a), endOf(b))];
      if (a.channel !== b.channel || to - from < SLOW_MS) continue;
      if (to - from < 2 * SETTLED_MS && troubled(history, AWAY, from, from + 1_000)) continue;
      if ([a, b].some(({ node }) => troubled(history, ABSENT, from, to, node))) continue;
      found.push(`two live: ${a.name} and ${b.name} from ${from} to ${to}`);
    }
  }
  return found;
}

function untrueRefusals(history: History): string[] {
  const { publishers, starts, troubles } = history;
  const untrue = publishers.filter((one) => {
    if (one.refused !== 'Stream already publishing') return false;
    const told = endOf(one);
    const lag = troubles.some(({ from, to }) => from < told && to + SETTLED_MS > one.asked) ? 2 * SETTLED_MS : 0;
    const until = one.asked - GRACE_MS - SLOW_MS - lag;
    const rival = publishers.some((p) => p !== one && p.channel === one.channel && p.asked < told && endOf(p) > until);
    const asked = starts.some(
      (s) => s.publisher !== one.name && s.channel === one.channel && s.at < told && (s.answered ?? Infinity) > until,
    );
    return !rival && !asked;
  });
  return untrue.map(({ name, channel }) => `untrue: ${name} heard "Stream already publishing" on the free ${channel}`);
}

const endOf = ({ ended }: PublisherSeen): number => ended ?? Infinity;

/** The accepted publishers whose stream the stop is about. */
function servedWith({ starts, publishers }: History, stop: StopSeen): PublisherSeen[] {
  // The last accepted start of a publisher is the one that let it in.
  const names = starts
    .filter(({ id, jti }) => (stop.id === '' ? jti === stop.startJti : id === stop.id))
    .map(({ publisher }) => publisher);
  return publishers.filter(({ name, accepted }) => accepted !== undefined && names.includes(name));
}

/** Whether the stream began, changed hands or ended around a loss of Redis's memory: its stop may be lost with that. */
function lostWith(history: History, id: string): boolean {
  const starts = history.starts.filter((start) => start.id === id);
  const names = starts.map(({ publisher }) => publisher);
  const ends = history.publishers.filter(({ name }) => names.includes(name)).map(endOf);
  const moments = [...starts.map(({ at }) => at), ...ends, ...ends.map((end) => end + GRACE_MS)];
  return moments.some((at) => troubled(history, LOSSES, at - SLOW_MS, at + SLOW_MS));
}
