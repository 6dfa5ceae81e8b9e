import type { LiveStream } from '../../hub/live-stream';
import type { AmfValue } from '../../protocol/amf/amf-value';
import type { FlvKinds } from '../../protocol/flv/flv-tag';

/** How long after a stream's first message its other kind of media may be missing still (ms). */
const YOUNG_MS = 1_000;

/**
 * The kinds of media to announce at the start of an FLV stream: those that have come, and those that the stream's
 * metadata names. Browsers' players wait for every kind that is announced, and a kind that comes later without having
 * been announced ends mpegts.js with a MediaMSEError. So both are announced only while nothing is known of either, or of
 * a stream without metadata that has just begun.
 */
export function kindsOf(stream: LiveStream | undefined, now: number): FlvKinds {
  if (stream === undefined) return { audio: true, video: true };
  const { stats, config, startedAt } = stream;
  const named = (flag: string, codec: string): boolean => {
    const told: AmfValue = config.description?.get(flag);
    if (typeof told === 'boolean') return told;
    const id: AmfValue = config.description?.get(codec);
    return typeof id === 'number' || (typeof id === 'string' && id !== '');
  };
  const audio = stats.audioBytes > 0 || named('hasAudio', 'audiocodecid');
  const video = stats.videoBytes > 0 || named('hasVideo', 'videocodecid');
  const isYoung = config.description === undefined && now - startedAt < YOUNG_MS;
  return isYoung || !(audio || video) ? { audio: true, video: true } : { audio, video };
}
