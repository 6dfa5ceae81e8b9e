import type { StreamReport } from '../http/stream-report';

/**
 * What all workers say of their streams as one list. A worker's relay counts as the players that it serves; a stream of
 * another machine is one relay, however many workers fetch it.
 */
export function mergeReports(reports: readonly StreamReport[]): StreamReport[] {
  const channels = [...new Set(reports.map(({ channel }) => channel))];
  return channels.flatMap((channel) => {
    const same = reports.filter((report) => report.channel === channel);
    const own = same.filter(({ relay }) => !relay);
    // Two only while a stream moves from one worker to another.
    const [first] = own.length > 0 ? own : same;
    return first ? [{ ...first, players: same.reduce((sum, { players }) => sum + players, 0) }] : [];
  });
}
