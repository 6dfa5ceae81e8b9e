import { type Findings, inWords, type Look } from './look';
import { frameRate } from './sample';

/** Kilobits per second for each million of pixels per second: 1280x720 at 30 has 27.6 million. */
const LOW = 12;
const HIGH = 200;
/** Newer codecs need about this share of what H.264 needs. */
const NEWER_CODECS = 0.5;
const NEWER = new Set(['hvc1', 'av01', 'vp09']);
/** A lower rate is never too high (kbps). */
const NEVER_HIGH_KBPS = 10_000;
/** Where the resolution is not known (kbps). */
const ALWAYS_HIGH_KBPS = 50_000;
/** For each channel of AAC, as announced; and for all (kbps). */
const LOW_AUDIO_KBPS = 24;
const HIGH_AUDIO_KBPS = 640;

/**
 * Whether the video's bitrate fits its resolution and frame rate. It is called low only if the encoder announces a low
 * rate, too: one that works at a constant quality announces none, and sends almost nothing of a still picture.
 */
export function judgeVideoBitrate({ window, isFull, facts }: Look, findings: Findings): void {
  const { video, claims, videoCodec } = facts;
  const rate = frameRate(window.video);
  if (!isFull || rate === undefined) return;
  const kbps = (window.videoBytes * 8) / window.ms;
  const width = video?.width ?? claims.width;
  const height = video?.height ?? claims.height;
  if (width === undefined || height === undefined) {
    if (kbps > ALWAYS_HIGH_KBPS) tooHigh(kbps, '', findings);
    return;
  }
  const megapixels = (width * height * rate) / 1e6;
  const share = NEWER.has(videoCodec) ? NEWER_CODECS : 1;
  const what = ` for ${width}x${height} at ${Math.round(rate)} frames a second`;
  if (kbps > Math.max(NEVER_HIGH_KBPS, HIGH * megapixels)) tooHigh(kbps, what, findings);
  const low = LOW * megapixels * share;
  if (kbps >= low || (claims.videoKbps ?? Infinity) >= low) return;
  findings.add(
    'bitrateLow',
    'warning',
    `${inWords(kbps)} kbit/s of video are little${what}: the picture is blurred. Raise the bitrate, or lower resolution ` +
      'or frame rate.',
  );
}

export function judgeAudioBitrate({ window, isFull, facts }: Look, findings: Findings): void {
  if (!isFull || window.audio.frames === 0) return;
  const { claims, audio, audioCodec } = facts;
  const kbps = (window.audioBytes * 8) / window.ms;
  if (kbps > HIGH_AUDIO_KBPS) {
    findings.add(
      'audioBitrateHigh',
      'info',
      `${inWords(kbps)} kbit/s of sound are more than viewers can hear. Set 128 to 320.`,
    );
  }
  const low = LOW_AUDIO_KBPS * Math.min(2, audio?.channels ?? 2);
  if (audioCodec !== 'mp4a' || audio?.profile !== 'AAC-LC' || claims.audioKbps === undefined) return;
  if (claims.audioKbps >= low || kbps >= low) return;
  findings.add('audioBitrateLow', 'info', `The sound is set to ${inWords(claims.audioKbps)} kbit/s. Set 128 or more.`);
}

function tooHigh(kbps: number, what: string, findings: Findings): void {
  findings.add(
    'bitrateHigh',
    'warning',
    `${inWords(kbps / 1000)} Mbit/s of video are more than many viewers can receive${what}. Lower the bitrate.`,
  );
}
