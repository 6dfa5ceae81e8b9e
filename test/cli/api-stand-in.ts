import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import { EventPage } from '../../service/http/api/schemas/event-page';
import { Explanation } from '../../service/http/api/schemas/explain';
import { NodeList } from '../../service/http/api/schemas/node';
import { type OrderName, OrderResult } from '../../service/http/api/schemas/order';
import { StreamDetail, StreamPage } from '../../service/http/api/schemas/stream';

/** A server with the operators' API and fixed answers, each checked against the schemas of the API. */
export interface ApiStandIn {
  readonly url: string;
  /** `METHOD path?query authorization body`, in order. */
  readonly requests: readonly string[];
  /** Replaces the answer to a path; later requests get the same. */
  answer(path: string, status: number, body: object): void;
  /** Sends a message to every event stream that is open. */
  send(message: string): void;
  /** Resolves when an event stream is open. */
  follower(): Promise<void>;
  stop(): Promise<void>;
}

export const TOKEN = 'a-token-of-the-operator';
const AT = '2030-01-31T18:00:00.000Z';

export const history = {
  stepSeconds: 5,
  until: AT,
  bitrateKbps: [null, 1000, 2000, 4000],
  fps: [null, 30, 30, 30],
  keyframeIntervalSeconds: [null, 2, 2, 2],
};

export const news = {
  channel: 'news',
  streamId: 'id-7',
  state: 'live' as const,
  since: AT,
  uptimeSeconds: 3_725,
  node: 'node-a',
  // An encoder can call itself anything.
  client: { address: '203.0.113.7', encoder: 'OBS \u001b[2J\u202e' },
  video: { codec: 'H.264', width: 1280, height: 720, fps: 29.97, keyframeIntervalSeconds: 8, bitrateKbps: 3900 },
  audio: { codec: 'AAC', sampleRate: 48_000, channels: 2, bitrateKbps: 128 },
  bitrateKbps: 4100,
  players: 12,
  health: {
    state: 'bad' as const,
    issues: [
      { code: 'gopSizeLong', severity: 'error' as const, sentence: 'Set the keyframe interval to 2 s.', since: AT },
    ],
  },
};

const refusal = {
  channel: 'sport',
  address: '198.51.100.9',
  node: 'node-b',
  code: 'handler' as const,
  reason: 'Not allowed',
  count: 14,
  firstAt: AT,
  lastAt: AT,
  sentence: 'wrong key, from 198.51.100.9, 14 times in 5 minutes',
};

const { lastAt: _lastAt, ...refusedOf } = refusal;
export const refused = { ...refusedOf, id: 'e1', at: AT, type: 'publish.refused' as const, encoder: '' };

const load = {
  cpu: 0.42,
  eventLoopDelayMs: 12,
  memoryBytes: 300 * 1024 ** 2,
  memoryBudgetBytes: 2 * 1024 ** 3,
  inKbps: 160_000,
  outKbps: 320_000,
};

export const nodes = [
  {
    ...{
      id: 'node-a',
      machine: 'node-a',
      host: '10.0.0.1',
      reachable: true,
      reason: null,
      ready: true,
      draining: false,
    },
    ...{ protected: true, version: '1.0.0', since: AT, streams: 40, slots: 40, players: 90, connections: 131, load },
  },
  {
    ...{
      id: 'node-b',
      machine: 'node-b',
      host: '10.0.0.2',
      reachable: false,
      reason: 'no answer within 3 s',
      ready: null,
    },
    ...{ draining: false, protected: null, version: null, since: null, streams: null, players: null },
    ...{ connections: null, load: null },
  },
];

const output = { since: AT, origin: 'policy' as const, reason: '', gaps: 0 };
const outputs = [
  {
    ...{ ...output, id: 'forward-1', kind: 'forward', target: 'rtmp://live.example.com/app', state: 'waiting' },
    ...{ origin: 'order', reason: 'The target closed \u001b[2J', bytes: 5_000_000, gaps: 3, attempts: 12 },
    framesDropped: 40,
  },
  {
    ...{ ...output, id: 'record-1', kind: 'record', format: 'flv', place: '/recordings/news.flv', state: 'recording' },
    ...{ bytes: 2_000_000_000, seconds: 3_725, parts: 2, waitingBytes: 0 },
  },
];

const unanswered = [{ node: 'node-b', reason: 'no answer within 3 s' }];

function order(name: OrderName, target: string, done = true): object {
  const sentence = done ? 'publisher disconnected' : `No stream is live on the channel ${target}.`;
  return OrderResult.parse({ order: name, target, done, sentence, nodes: [], unanswered: [] });
}

const ANSWERS: Readonly<Record<string, object>> = {
  '/streams': StreamPage.parse({ streams: [news], total: 1, offset: 0, limit: 1000, at: AT, unanswered }),
  '/streams/news': StreamDetail.parse({
    ...{ ...news, history, playersByNode: [{ node: 'node-a', players: 12 }], unanswered: [] },
    events: [{ ...refused, channel: 'news' }],
    outputs,
  }),
  '/streams/sport/explain': Explanation.parse({
    ...{ channel: 'sport', verdict: 'refused', sentence: `Not live: ${refusal.sentence}.`, holder: null },
    ...{ blockedSeconds: null, refusals: [refusal], advice: ['Compare the stream key.'], unanswered: [] },
  }),
  '/nodes': NodeList.parse({ nodes, answering: 'node-a', at: AT, unanswered }),
  '/events': EventPage.parse({ events: [refused], at: AT, unanswered: [] }),
  '/streams/news/end': order('end', 'news'),
  '/streams/silent/end': order('end', 'silent', false),
  '/streams/news/close': order('close', 'news'),
  '/streams/news/block': order('block', 'news'),
  '/streams/news/unblock': order('unblock', 'news'),
  '/streams/news/forward': order('forward', 'news'),
  '/streams/news/record': order('record', 'news'),
  '/streams/news/stop-recording': order('stopRecording', 'news'),
  '/streams/news/remove-output': order('removeOutput', 'news'),
  '/nodes/node-a/drain': order('drain', 'node-a'),
};

export async function startApiStandIn(): Promise<ApiStandIn> {
  const requests: string[] = [];
  const answers = new Map<string, { status: number; body: object }>();
  const followers = new Set<ServerResponse>();
  const waiting = new Set<() => void>();
  for (const [path, body] of Object.entries(ANSWERS)) answers.set(path, { status: 200, body });

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { pathname, search } = new URL(request.url ?? '/', 'http://host');
    const body = request.method === 'POST' ? JSON.stringify(await json(request)) : '';
    const path = pathname.replace('/api/v1', '');
    requests.push([request.method, path + search, request.headers.authorization ?? '-', body].join(' ').trim());
    if (request.headers.accept === 'text/event-stream') {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write('retry: 2000\n\n');
      followers.add(response);
      for (const resolve of waiting) resolve();
      return;
    }
    if (path.endsWith('/live.flv')) {
      response.writeHead(200, { 'content-type': 'video/x-flv' }).write('FLV and more');
      followers.add(response);
      return;
    }
    const { status, body: answer } = answers.get(path) ?? notFound(path);
    const type = status === 200 ? 'application/json' : 'application/problem+json';
    response.writeHead(status, { 'content-type': type }).end(JSON.stringify(answer));
  };
  const server = createServer((request, response) => void handle(request, response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    answer: (path, status, body) => void answers.set(path, { status, body }),
    send: (message) => followers.forEach((follower) => follower.write(message)),
    follower: () =>
      new Promise((resolve) => {
        if (followers.size > 0) resolve();
        else waiting.add(resolve);
      }),
    async stop() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

export function problem(status: number, code: string, detail: string): object {
  return { type: 'about:blank', title: 'Refused', status, detail, code };
}

function notFound(path: string): { status: number; body: object } {
  const channel = path.split('/')[2] ?? '';
  return { status: 404, body: problem(404, 'noStream', `No stream is live on the channel ${channel}.`) };
}
