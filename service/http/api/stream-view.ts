import type { HealthReport } from '../../health/stream-health';
import type { Publication } from '../../hub/publication';
import type { OutputStatus } from './schemas/output';
import type { Stream } from './schemas/stream';

export interface StreamSurroundings {
  readonly node: string;
  readonly report: HealthReport;
  readonly outputs: readonly OutputStatus[];
  /** Milliseconds of the clock by which streams begin. */
  readonly now: number;
}

/** Describes one of this node's own streams; the players are those of this node. */
export function viewStream(publication: Publication, { node, report, outputs, now }: StreamSurroundings): Stream {
  const { channel, grant, publisher, stream } = publication;
  const uptimeMs = Math.max(0, now - stream.startedAt) + (grant.liveElsewhereMs ?? 0);
  return {
    channel,
    streamId: grant.streamId,
    state: publisher === null ? 'held' : 'live',
    since: new Date(Date.now() - uptimeMs).toISOString(),
    uptimeSeconds: Math.floor(uptimeMs / 1000),
    node,
    client: { address: publisher?.clientIp ?? '', encoder: report.encoder || (publisher?.software ?? '') },
    video: report.video,
    audio: report.audio,
    bitrateKbps: report.bitrateKbps,
    players: stream.viewerCount,
    health: report.health,
    outputs: [...outputs],
  };
}
