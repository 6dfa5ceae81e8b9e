import type { Event } from '../../service/http/api/schemas/event';

const stamp = { at: '2026-01-01T00:00:00.000Z', node: 'node-1' };
const stream = { channel: 'news', streamId: 's-1' };
const recording = {
  ...stream,
  output: 'record-1',
  recording: 'r-1',
  format: 'flv',
  files: [
    {
      place: 's3://bucket/news/2026/01/01/00-00-00_s-1.flv',
      startedAt: '2026-01-01T00:00:00.000Z',
      seconds: 3_723,
      bytes: 1_310_000_000,
    },
  ],
  parts: 1,
  startedAt: '2026-01-01T00:00:00.000Z',
  seconds: 3_723,
  bytes: 1_310_000_000,
  gaps: 0,
  codecs: ['H.264', 'AAC'],
} as const;
const forward = { ...stream, output: 'forward-1', target: 'rtmp://live.example.com/app' };

/** One event of each kind that outputs have. */
export const OUTPUT_EVENTS: readonly Event[] = [
  { ...stamp, id: 'o1', type: 'recording.done', ...recording, reason: 'The publisher stopped' },
  { ...stamp, id: 'o2', type: 'recording.failed', ...recording, files: [], reason: 'The disk is full' },
  { ...stamp, id: 'o3', type: 'forward.live', ...forward },
  { ...stamp, id: 'o4', type: 'forward.waiting', ...forward, reason: 'The target closed the connection' },
  { ...stamp, id: 'o5', type: 'forward.failed', ...forward, reason: 'The target does not take HEVC' },
  { ...stamp, id: 'o6', type: 'output.gap', ...stream, output: 'hls', kind: 'hls', missingMs: 4_000 },
  { ...stamp, id: 'o7', type: 'outputs.down', reason: 'The program of outputs ended with signal SIGKILL' },
  { ...stamp, id: 'o8', type: 'outputs.up' },
].map((event) => event as Event);
