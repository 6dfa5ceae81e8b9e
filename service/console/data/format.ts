/** Numbers and times as the console shows them: short, in fixed forms, so that columns line up. */

/** Shown where a value is not known. */
export const UNKNOWN = '–';

/** A bitrate, given in kbit/s: `850 kbit/s`, `4.20 Mbit/s`, `1.31 Gbit/s`. */
export function formatBitrate(kbps: number): string {
  if (kbps >= 999_500) return `${(kbps / 1_000_000).toFixed(2)} Gbit/s`;
  if (kbps >= 9_995) return `${(kbps / 1000).toFixed(1)} Mbit/s`;
  if (kbps >= 999.5) return `${(kbps / 1000).toFixed(2)} Mbit/s`;
  return `${Math.round(kbps)} kbit/s`;
}

/** A duration in seconds, as exact as matters: `42 s`, `3 min 07 s`, `44 min`, `5 h 12 min`, `3 d 04 h`. */
export function formatDuration(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 600) return pair(whole, 60, 'min', 's', 1);
  if (whole < 3600) return `${Math.floor(whole / 60)} min`;
  if (whole < 86_400) return pair(whole, 3600, 'h', 'min', 60);
  return pair(whole, 86_400, 'd', 'h', 3600);
}

function pair(seconds: number, large: number, largeUnit: string, smallUnit: string, small: number): string {
  const rest = String(Math.floor((seconds % large) / small)).padStart(2, '0');
  return `${Math.floor(seconds / large)} ${largeUnit} ${rest} ${smallUnit}`;
}

/** How long ago, in words short enough for a list: `just now`, `12 s ago`, `3 min ago`, `2 h ago`, `5 d ago`. */
export function formatAgo(seconds: number): string {
  if (seconds < 5) return 'just now';
  if (seconds < 60) return `${Math.floor(seconds)} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ago`;
  return `${Math.floor(seconds / 86_400)} d ago`;
}

/** How full a node is: `12 of 40 slots`, `40 of 40 slots, full`; without known slots, the number of streams. */
export function formatFill(streams: number, slots: number | null): string {
  if (slots === null) return formatNumber(streams);
  return `${formatNumber(streams)} of ${formatNumber(slots)} slots${streams < slots ? '' : ', full'}`;
}

/** A size: `512 B`, `48 kB`, `3.2 MB`, `1.31 GB`. */
export function formatBytes(bytes: number): string {
  if (bytes >= 999_500_000) return `${(bytes / 1_000_000_000).toFixed(2)} GB`;
  if (bytes >= 999_500) return `${(bytes / 1_000_000).toFixed(1)} MB`;
  return bytes >= 1_000 ? `${Math.round(bytes / 1_000)} kB` : `${Math.round(bytes)} B`;
}

/** Frames per second with at most two decimals: `25`, `29.97`. */
export function formatRate(framesPerSecond: number): string {
  return String(Math.round(framesPerSecond * 100) / 100);
}

/** `1 player`, `12 players`, `5,000 streams`. */
export function formatCount(count: number, one: string, several = `${one}s`): string {
  return `${formatNumber(count)} ${count === 1 ? one : several}`;
}

/** With thousands separated: `12,345`. */
export function formatNumber(value: number): string {
  return String(Math.round(value)).replace(/\B(?=(?:\d{3})+$)/g, ',');
}

const CODEC_NAMES: Readonly<Record<string, string>> = {
  avc1: 'H.264',
  hvc1: 'H.265',
  vvc1: 'H.266',
  av01: 'AV1',
  vp08: 'VP8',
  vp09: 'VP9',
  flv1: 'H.263',
  mp4a: 'AAC',
  opus: 'Opus',
  flac: 'FLAC',
  '.mp3': 'MP3',
  'ac-3': 'AC-3',
  'ec-3': 'E-AC-3',
};

/** The name that people know a codec by, in place of its four characters. */
export function formatCodec(codec: string): string {
  return CODEC_NAMES[codec.toLowerCase()] ?? codec;
}
