import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, connect as connectTcp, type Socket } from 'node:net';
import { ServerProcess } from '../../support/servers/server-process';
import type { Drive, Given, Line, Stop } from './drive';
import type { Asked, Rules } from './model';

const TOKEN = 'token-of-the-session-fuzzer';
/** The server may be this late with something (ms). */
const PATIENCE_MS = 8_000;

/** A publisher waits 15 s for its turn at most: what a slower schedule sees may be right. */
const MAX_RUN_MS = 14_000;

interface Claims {
  readonly event: 'start' | 'stop';
  readonly jti: string;
  readonly channel: string;
  readonly key: string;
  readonly query?: string;
  readonly start_jti?: string;
  readonly stream_id?: string;
}

const later = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** The built program with a callback handler; serves one schedule after another, each with channels of its own. */
export class RealProgram {
  readonly #rules: Rules;
  readonly #handler: Server;
  readonly #open = new Map<string, ServerResponse>();
  #server: ServerProcess | undefined;
  #runs = 0;
  #failures = 0;
  fresh: Asked[] = [];
  stops: Stop[] = [];

  private constructor(rules: Rules) {
    this.#rules = rules;
    this.#handler = createServer((request, response) => this.#handle(request, response));
  }

  static async start(rules: Rules): Promise<RealProgram> {
    const program = new RealProgram(rules);
    await new Promise<void>((resolve) => program.#handler.listen(0, '127.0.0.1', resolve));
    const { port } = program.#handler.address() as AddressInfo;
    const starting = ServerProcess.start({
      CALLBACK_TIMEOUT_SECONDS: '300',
      LATENCY_MS: '0',
      HTTP_PORT: '0',
      OPERATOR_TOKEN: TOKEN,
      CONCURRENT_LIMIT_WHITELIST: '*',
      LOG_REQUESTS: 'NO',
      RTMP_CHUNK_SIZE: String(rules.chunkSize),
      GOP_CACHE_SIZE_MB: rules.caches ? '64' : '0',
      PUBLISHER_TAKEOVER: rules.takeover ? 'YES' : 'NO',
      ...(rules.callback && { CALLBACK_URL: `http://127.0.0.1:${port}/`, JWT_SECRET: 's'.repeat(40) }),
    });
    try {
      program.#server = await starting;
    } catch (error) {
      await program.stop();
      throw error;
    }
    return program;
  }

  #handle(request: IncomingMessage, response: ServerResponse): void {
    const payload = String(request.headers['rtmp-event']).split('.')[1] ?? '';
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as Claims;
    request.resume();
    if (claims.event === 'stop') {
      this.stops.push({ startJti: claims.start_jti ?? '', streamId: claims.stream_id ?? '' });
      response.writeHead(200).end();
      return;
    }
    const { jti, channel, key, query = '' } = claims;
    this.#open.set(jti, response);
    this.fresh.push({ jti, channel, key, serial: Number(/n=(\d+)/.exec(query)?.[1]) });
  }

  answer(jti: string, { final, streamId, playKey }: Given): void {
    this.#failures = streamId === undefined && !final ? this.#failures + 1 : 0;
    const response = this.#open.get(jti)!;
    this.#open.delete(jti);
    const headers = { ...(streamId && { 'stream-id': streamId }), ...(playKey && { 'play-key': playKey }) };
    response.writeHead(streamId !== undefined ? 200 : final ? 403 : 500, headers).end();
  }

  async order(text: string): Promise<void> {
    const [verb = '', rest = ''] = text.split('>');
    const [channel, value] = rest.split('|');
    const path = { 'kill-session': 'end', 'close-stream': 'close', block: 'block', unblock: 'unblock' }[verb];
    const body = verb === 'block' ? { seconds: Number(value) } : verb === 'close-stream' ? { streamId: value } : {};
    const response = await fetch(this.#server!.httpUrl(`/api/v1/streams/${channel}/${path}`), {
      method: 'POST',
      headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    if (!response.ok) throw new Error(`order ${text}: ${response.status} ${await response.text()}`);
  }

  /** For the next schedule. */
  drive(): Drive {
    this.#runs += 1;
    const server = this.#server!;
    const channels = [`news${this.#runs}`, `sport${this.#runs}`];
    let until = 0;
    const beganAt = Date.now();
    return {
      rules: this.#rules,
      channels,
      needsBarriers: true,
      isLate: () => Date.now() - beganAt > MAX_RUN_MS,
      now: () => Date.now(),
      connect: (received) => new TcpLine(server.rtmpPort, received),
      takeQuestions: () => this.fresh.splice(0),
      takeStops: () => this.stops.splice(0),
      // After five failures in a row, the server would ask no more for a while.
      canFail: () => this.#failures < 3,
      answer: (jti, given) => this.answer(jti, given),
      order: (text) => this.order(text),
      blockSeconds: 600,
      // Time passes by itself.
      pass: () => Promise.resolve(),
      work: async () => {
        if (until === 0) until = Date.now() + PATIENCE_MS;
        await later(2);
        return Date.now() < until;
      },
      settled: () => void (until = 0),
      leftovers: () => this.#leftovers(),
      close: () => undefined,
    };
  }

  async #leftovers(): Promise<string | undefined> {
    const until = Date.now() + PATIENCE_MS;
    for (;;) {
      const metrics = await (await fetch(this.#server!.httpUrl('/metrics'))).text();
      const left = [...metrics.matchAll(/^(rtmp_(?:sessions|publishers|players)(?:\{[^}]*\})?) ([1-9].*)$/gm)];
      if (left.length === 0) return undefined;
      if (Date.now() > until) return `left behind: ${left.map(([line]) => line).join(', ')}`;
      await later(20);
    }
  }

  async stop(): Promise<void> {
    await this.#server?.stop();
    this.#handler.closeAllConnections();
    await new Promise((resolve) => this.#handler.close(resolve));
  }
}

class TcpLine implements Line {
  isClosed = false;
  readonly #socket: Socket;

  constructor(port: number, received: (bytes: Buffer) => void) {
    const socket = connectTcp({ port, host: '127.0.0.1' });
    socket.setNoDelay(true);
    socket.on('data', received);
    socket.on('error', () => undefined);
    socket.on('close', () => (this.isClosed = true));
    socket.on('end', () => (this.isClosed = true));
    this.#socket = socket;
  }

  send(bytes: Buffer): void {
    if (this.#socket.writable) this.#socket.write(bytes);
  }

  close(reset: boolean): void {
    if (reset) this.#socket.resetAndDestroy();
    else this.#socket.end();
  }
}
