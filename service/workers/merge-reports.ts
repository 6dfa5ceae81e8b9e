import type { StreamReport } from '../http/stream-report';

/** What all workers say of their streams as one list: relays count as the players that they serve. */
export function mergeReports(reports: readonly StreamReport[]): StreamReport[] {
  return reports
    .filter(({ relay }) => !relay)
    .map((own) => {
      const elsewhere = reports.filter(({ relay, channel }) => relay && channel === own.channel);
      return { ...own, players: elsewhere.reduce((sum, { players }) => sum + players, own.players) };
    });
}
