import type { OutputKind, OutputStatus } from '../../http/api/schemas/output';
import { formatBytes, formatCount, formatDuration } from './format';

/** Kinds of outputs within a sentence. */
export const OUTPUT_NAMES: Readonly<Record<OutputKind, string>> = {
  forward: 'forward',
  record: 'recording',
  hls: 'HLS',
};

/** The same on their own. */
export const OUTPUT_TITLES: Readonly<Record<OutputKind, string>> = {
  forward: 'Forward',
  record: 'Recording',
  hls: 'HLS',
};

/** How states look. */
export const OUTPUT_TONES: Readonly<Record<OutputStatus['state'], 'good' | 'warning' | 'bad'>> = {
  connecting: 'warning',
  waiting: 'warning',
  spooling: 'warning',
  finishing: 'warning',
  failed: 'bad',
  live: 'good',
  recording: 'good',
};

/** The figures of an output: `3.2 MB, 2 gaps, connected 12 times`. */
export function outputDetail(output: OutputStatus): string {
  const gaps = output.gaps === 0 ? '' : formatCount(output.gaps, 'gap');
  return [formatBytes(output.bytes), ...figuresOf(output), gaps].filter(Boolean).join(', ');
}

function figuresOf(output: OutputStatus): readonly string[] {
  switch (output.kind) {
    case 'forward':
      return output.attempts > 1 ? [`connected ${formatCount(output.attempts, 'time')}`] : [];
    case 'record':
      return [
        formatDuration(output.seconds),
        ...(output.parts > 1 ? [formatCount(output.parts, 'part')] : []),
        ...waiting(output.waitingBytes),
      ];
    case 'hls':
      return [formatCount(output.segments, 'segment'), ...waiting(output.waitingBytes)];
  }
}

function waiting(bytes: number): readonly string[] {
  return bytes === 0 ? [] : [`${formatBytes(bytes)} not stored yet`];
}
