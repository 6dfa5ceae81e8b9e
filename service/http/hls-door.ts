import { Agent, type IncomingMessage, request as ask, type ServerResponse, STATUS_CODES } from 'node:http';
import { PlayOrigins } from './flv/play-origins';
import { PathTokens } from './hls-path-tokens';

/** Whether a viewer with this key may watch the channel. */
export type ViewerAdmission = 'yes' | 'wrongKey' | 'noStream';

export interface HlsDoorOptions {
  /** Where `rtmp-outputs` answers, on 127.0.0.1; undefined: nowhere now. */
  readonly program: () => { readonly port: number; readonly token: string } | undefined;
  readonly mayPlay: (address: string) => boolean;
  readonly admits: (channel: string, key: string) => Promise<ViewerAdmission>;
  /** Origins whose pages may play, in addition to the server's own. */
  readonly origins: readonly string[];
  /** Answers that may be in progress at a time. */
  readonly maxAnswers: number;
  readonly tokens?: PathTokens;
}

export interface HlsRequest {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** The client's. */
  readonly address: string;
  /** The client has sent a key that is no good. A token is no guess: it may be of the node before its restart. */
  readonly wrongKey?: () => void;
}

interface Refusal {
  readonly status: 400 | 401 | 403 | 404 | 405 | 502 | 503;
  readonly detail: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** `/hls/CHANNEL/NAME` with a key, or `/hls/~TOKEN/CHANNEL/NAME`. */
const PREFIX = '/hls/';
const MULTIVARIANT = 'index.m3u8';
/** Longer than a blocking reload waits (ms). */
const SILENCE_MS = 60_000;
const NO_STREAM = 'No stream of this name is live, or packaged for browsers';
/** What the program's answers are passed on with. */
const PASSED = ['content-type', 'content-length', 'cache-control', 'retry-after'] as const;

/**
 * Lets viewers in to what `rtmp-outputs` packages: checks address, key and origin, and passes requests on to the program
 * and its answers back, as they come. Packaging costs this process nothing; a viewer costs it the copying of bytes from
 * one socket to another, so this is for a node with some hundred viewers. More of them are served from a bucket and a
 * CDN, without any node. Passing the sockets themselves to the program would spare the copies, but not to a sidecar, and
 * not for clients that ask for a page and segments over one connection.
 */
export class HlsDoor {
  readonly #options: HlsDoorOptions;
  readonly #origins: PlayOrigins;
  readonly #tokens: PathTokens;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: Infinity, maxFreeSockets: 64 });
  #answers = 0;

  constructor(options: HlsDoorOptions) {
    this.#options = options;
    this.#origins = new PlayOrigins(options.origins);
    this.#tokens = options.tokens ?? new PathTokens();
  }

  static owns(path: string): boolean {
    return path.startsWith(PREFIX);
  }

  get maxAnswers(): number {
    return this.#options.maxAnswers;
  }

  /** Never rejects. */
  async answer(asked: HlsRequest): Promise<void> {
    const { request, response } = asked;
    const { method, headers } = request;
    const { origin, host } = headers;
    const page = { headers: { ...(origin !== undefined && { origin }), ...(host !== undefined && { host }) } };
    for (const [name, value] of Object.entries(this.#origins.fields(page))) response.setHeader(name, value);
    response.setHeader('x-content-type-options', 'nosniff');
    response.setHeader('cross-origin-resource-policy', 'cross-origin');
    if (method === 'OPTIONS') {
      response.writeHead(204, { ...this.#origins.preflightFields(), 'access-control-allow-headers': 'range' }).end();
      return;
    }
    if (method !== 'GET' && method !== 'HEAD') {
      refuse(response, { status: 405, detail: 'A stream is played with GET', headers: { allow: 'GET, HEAD' } });
      return;
    }
    if (!this.#origins.allows(page)) {
      refuse(response, { status: 403, detail: 'Pages of this origin may not play (HTTP_PLAY_ORIGINS)' });
      return;
    }
    if (!this.#options.mayPlay(asked.address)) {
      refuse(response, { status: 403, detail: 'This address may not play (RTMP_PLAY_WHITELIST)' });
      return;
    }
    if (this.#answers >= this.#options.maxAnswers) {
      const headers = { 'retry-after': '2' };
      refuse(response, { status: 503, detail: 'Too many viewers (HTTP_MAX_PLAYERS)', headers });
      return;
    }
    this.#answers += 1;
    response.once('close', () => (this.#answers -= 1));
    try {
      await this.#admit(asked);
    } catch {
      refuse(response, { status: 502, detail: 'The node could not ask its programs' });
    }
  }

  close(): void {
    this.#agent.destroy();
  }

  async #admit({ request, response, wrongKey }: HlsRequest): Promise<void> {
    const { token, channel, name, query } = partsOf(request.url ?? '');
    if (channel === undefined || name === undefined) {
      refuse(response, { status: 404, detail: `${PREFIX}CHANNEL/${MULTIVARIANT}?key=KEY` });
      return;
    }
    if (token !== undefined) {
      if (this.#tokens.verify(channel, token)) {
        this.#pass(request, response, channel, name, query);
        return;
      }
      refuse(response, { status: 401, detail: 'This address is not valid any more: open the stream again' });
      return;
    }
    const key = query.get('key');
    const admission = key === null ? 'wrongKey' : await this.#options.admits(channel, key);
    if (key === null || admission === 'wrongKey') {
      if (key !== null) wrongKey?.();
      const detail = key === null ? `A stream key is needed: ${MULTIVARIANT}?key=KEY` : 'Wrong stream key';
      const challenge = `StreamKey realm="${encodeURIComponent(channel)}"`;
      refuse(response, { status: 401, detail, headers: { 'www-authenticate': challenge } });
      return;
    }
    if (admission === 'noStream' || name !== MULTIVARIANT) {
      refuse(response, { status: 404, detail: NO_STREAM });
      return;
    }
    const location = `${PREFIX}~${this.#tokens.sign(channel)}/${encodeURIComponent(channel)}/${MULTIVARIANT}`;
    response.writeHead(302, { location, 'cache-control': 'no-store', 'content-length': 0 }).end();
  }

  #pass(
    request: IncomingMessage,
    response: ServerResponse,
    channel: string,
    name: string,
    query: URLSearchParams,
  ): void {
    const program = this.#options.program();
    if (program === undefined) {
      const headers = { 'retry-after': '2' };
      refuse(response, { status: 503, detail: 'The program that packages streams is not running', headers });
      return;
    }
    const asked = ask({
      host: '127.0.0.1',
      port: program.port,
      method: request.method,
      path: `${PREFIX}${encodeURIComponent(channel)}/${name}${reload(query)}`,
      headers: { authorization: `Bearer ${program.token}` },
      agent: this.#agent,
      timeout: SILENCE_MS,
    });
    const failed = (): void => {
      asked.destroy();
      if (response.headersSent) response.destroy();
      else refuse(response, { status: 502, detail: 'The program that packages streams did not answer' });
    };
    asked.on('timeout', failed);
    asked.on('error', failed);
    asked.on('response', (answer) => {
      for (const field of PASSED) {
        const value = answer.headers[field];
        if (value !== undefined) response.setHeader(field, value);
      }
      response.writeHead(answer.statusCode ?? 502);
      answer.on('error', failed);
      answer.pipe(response);
    });
    // The viewer has left: the program need not send the rest.
    response.once('close', () => asked.destroy());
    asked.end();
  }
}

/** What the program is asked for low latency; nothing else of the query is passed on. */
function reload(query: URLSearchParams): string {
  const passed = new URLSearchParams([...query].filter(([name]) => name === '_HLS_msn' || name === '_HLS_part'));
  return passed.size === 0 ? '' : `?${passed.toString()}`;
}

interface Parts {
  readonly token?: string;
  readonly channel?: string;
  readonly name?: string;
  readonly query: URLSearchParams;
}

function partsOf(url: string): Parts {
  const [, path = '', search = ''] = /^([^?#]*)(?:\?([^#]*))?/.exec(url) ?? [];
  const query = new URLSearchParams(search);
  const [, token, encoded, name] = /^\/hls\/(?:~([^/]*)\/)?(.+)\/([\w.-]+)$/.exec(path) ?? [];
  if (encoded === undefined || name === undefined) return { query };
  try {
    return { ...(token !== undefined && { token }), channel: decodeURIComponent(encoded), name, query };
  } catch {
    return { query }; // a `%` that encodes nothing
  }
}

/** Problem details (RFC 9457), as the API has them. */
function refuse(response: ServerResponse, { status, detail, headers }: Refusal): void {
  if (response.headersSent) return;
  const body = `${JSON.stringify({ type: 'about:blank', title: STATUS_CODES[status], status, detail })}\n`;
  response.writeHead(status, {
    ...headers,
    'content-type': 'application/problem+json',
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
  });
  response.end(body);
}
