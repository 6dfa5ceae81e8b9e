const stream = {
  ...{ channel: 'news', run: 'r1', streamId: 's1', startedAt: Date.UTC(2026, 10, 30), held: false },
  policy: { forward: ['rtmp://h/app/key'], record: ['flv', 'mp4'], hls: true },
  place: { host: '127.0.0.1', port: 1935, proxyHeader: false },
  ordered: { forwards: ['rtmp://h/app/key'], records: ['flv'], ended: ['hls'] },
};

/** What a node tells the program that forwards, records and packages. */
export const FROM_NODE = [
  { kind: 'hello', node: 'a', playKey: 'a2V5', ports: [1935], runs: ['r1'] },
  { kind: 'stream', stream: { ...stream, policy: { record: 'default' } } },
  { kind: 'held', channel: 'news', run: 'r1' },
  { kind: 'ended', channel: 'news', run: 'r1', code: 'ended', reason: 'over' },
  { kind: 'order', id: 1, channel: 'news', order: { does: 'stopRecording' } },
  { kind: 'confirmed', number: 1 },
  { kind: 'finish', withinMs: 1_000 },
].map((message) => JSON.stringify(message));

const since = '2026-11-30T00:00:00.000Z';

/** What the program tells its node. */
export const FROM_PROGRAM = [
  { kind: 'program', pid: 7, httpPort: 8081 },
  {
    ...{ kind: 'status', channel: 'news', run: 'r1' },
    outputs: [
      {
        ...{ kind: 'forward', id: 'forward-1', origin: 'policy', since, target: 'rtmp://h/app', state: 'live' },
        ...{ reason: '', attempts: 1, bytes: 10, gaps: 0, framesDropped: 0 },
      },
    ],
  },
  { kind: 'fact', number: 1, fact: { type: 'forward.live', channel: 'news' } },
  { kind: 'answer', id: 1, acted: true, detail: '' },
  { kind: 'finished' },
].map((message) => JSON.stringify(message));
