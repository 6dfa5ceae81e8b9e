import type { StreamReport } from '../http/api/stream-report';

/**
 * Merges the stream reports of all workers into one list. A worker's relay counts as the players that it serves; a
 * stream of another machine is one relay, however many workers fetch it.
 */
export function mergeReports(reports: readonly StreamReport[]): StreamReport[] {
  const merged = new Map<string, StreamReport>();
  for (const report of reports) {
    const other = merged.get(report.channel);
    // Two reports are no relays only while a stream moves from one worker to another: then the first counts.
    const shown = other === undefined || (other.relay && !report.relay) ? report : other;
    merged.set(report.channel, { ...shown, players: (other?.players ?? 0) + report.players });
  }
  return [...merged.values()];
}
