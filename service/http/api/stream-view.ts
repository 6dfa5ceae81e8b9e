import type { Publication } from '../../hub/publication';
import type { Health } from './schemas/health';
import type { Audio, Stream, Video } from './schemas/stream';
import { reportAudio, reportVideo } from './stream-reporter';

export interface StreamSurroundings {
  readonly node: string;
  readonly health: Health;
  /** Milliseconds of the clock by which streams begin. */
  readonly now: number;
}

/** Describes one of this node's own streams; the players are those of this node. */
export function viewStream(publication: Publication, { node, health, now }: StreamSurroundings): Stream {
  const { channel, grant, publisher, stream } = publication;
  const uptimeMs = Math.max(0, now - stream.startedAt) + (grant.liveElsewhereMs ?? 0);
  return {
    channel,
    streamId: grant.streamId,
    state: publisher === null ? 'held' : 'live',
    since: new Date(Date.now() - uptimeMs).toISOString(),
    uptimeSeconds: Math.floor(uptimeMs / 1000),
    node,
    client: { address: publisher?.clientIp ?? '', encoder: publisher?.software ?? '' },
    video: viewVideo(publication),
    audio: viewAudio(publication),
    bitrateKbps: stream.stats.bitrateKbps,
    players: stream.viewerCount,
    health,
  };
}

function viewVideo(publication: Publication): Video | null {
  const video = reportVideo(publication);
  if (video === null) return null;
  const { codec, width, height, frameRate, keyframeIntervalSeconds, bitrateKbps } = video;
  return {
    codec,
    width: whole(width),
    height: whole(height),
    fps: frameRate,
    keyframeIntervalSeconds,
    bitrateKbps,
  };
}

function viewAudio(publication: Publication): Audio | null {
  const audio = reportAudio(publication);
  if (audio === null) return null;
  return { ...audio, sampleRate: whole(audio.sampleRate), channels: whole(audio.channels) };
}

/** Encoders announce any number. */
function whole(value: number | null): number | null {
  return value === null || value > Number.MAX_SAFE_INTEGER ? null : Math.round(value);
}
