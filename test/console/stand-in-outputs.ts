import type { OutputStatus } from '../../service/http/api/schemas/output';

const shared = { since: new Date().toISOString(), origin: 'policy', reason: '', bytes: 0, gaps: 0 } as const;

/** Outputs of every kind and in every state, of some streams of the stand-in fleet; most have none. */
export function outputsOf(index: number, channel: string): OutputStatus[] {
  if (index % 4 !== 0) return [];
  const place = `s3://recordings/${channel}/2026/11/29/18-30-05_st.flv`;
  const forward = { ...shared, kind: 'forward', target: 'rtmps://a.rtmps.youtube.com/live2', attempts: 1 } as const;
  const record = { ...shared, kind: 'record', format: 'flv', place, seconds: 3_723, parts: 1 } as const;
  return [
    { ...forward, id: 'forward-1', state: 'live', bytes: 1_310_000_000, framesDropped: 0 },
    {
      ...{ ...forward, id: 'forward-2', target: 'rtmp://live.twitch.tv/app', origin: 'order', state: 'waiting' },
      ...{ reason: 'The target closed the connection', attempts: 12, bytes: 48_200, gaps: 11, framesDropped: 3_410 },
    },
    { ...record, id: 'record-1', state: index % 8 === 0 ? 'recording' : 'spooling', bytes: 3_240_000, waitingBytes: 0 },
    {
      ...{ ...shared, id: 'hls', kind: 'hls', state: 'failed', reason: 'The codec VP8 cannot be packaged' },
      ...{ url: `/hls/${channel}/index.m3u8`, segments: 0, waitingBytes: 0 },
    },
  ];
}
