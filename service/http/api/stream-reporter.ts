import type { Publication } from '../../hub/publication';
import type { AmfObject, AmfValue } from '../../protocol/amf/amf-value';
import { codecName } from '../../protocol/media/media-tag';
import type { AudioReport, StreamReport, VideoReport } from './stream-report';

/** Describes a live stream from its publisher's metadata (onMetaData) and from measurements. */
export function reportStream(publication: Publication, now: number): StreamReport {
  const { channel, grant, publisher, stream } = publication;
  const uptimeMs = Math.max(0, now - stream.startedAt);
  return {
    channel,
    streamId: grant.streamId,
    startedAt: new Date(Date.now() - uptimeMs).toISOString(),
    uptimeSeconds: Math.floor(uptimeMs / 1000),
    client: { ip: publisher?.clientIp ?? '', software: publisher?.software ?? '' },
    video: reportVideo(publication),
    audio: reportAudio(publication),
    bitrateKbps: stream.stats.bitrateKbps,
    players: stream.viewerCount,
    relay: publisher?.isRelay === true,
  };
}

function reportVideo({ stream: { stats, config } }: Publication): VideoReport | null {
  if (stats.videoFrames === 0) return null;
  return {
    codec: codecName(stats.videoCodec, true),
    width: positive(config.description, 'width'),
    height: positive(config.description, 'height'),
    frameRate: stats.frameRate > 0 ? stats.frameRate : positive(config.description, 'framerate'),
    keyframeIntervalSeconds: stats.keyframeIntervalSeconds > 0 ? stats.keyframeIntervalSeconds : null,
    bitrateKbps: stats.videoKbps,
  };
}

function reportAudio({ stream: { stats, config } }: Publication): AudioReport | null {
  if (stats.audioBytes === 0) return null;
  const stereo: AmfValue = config.description?.get('stereo');
  return {
    codec: codecName(stats.audioCodec, false),
    sampleRate: positive(config.description, 'audiosamplerate'),
    channels: positive(config.description, 'audiochannels') ?? (typeof stereo === 'boolean' ? (stereo ? 2 : 1) : null),
    bitrateKbps: stats.audioKbps,
  };
}

/** A number of onMetaData; null when it is missing or makes no sense. */
function positive(description: AmfObject | undefined, name: string): number | null {
  const value = description?.get(name);
  return typeof value === 'number' && Number.isFinite(value) && value > 0 ? value : null;
}
