import { once } from 'node:events';
import { createServer, request, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';

/**
 * What S3 does to requests: `passes`, answers 500 or 503 SlowDown, `refuses` them for good, `resets` the connection, or
 * `stalls`, which is no answer at all.
 */
export type S3Mood = 'passes' | 'fails' | 'slowDown' | 'refuses' | 'resets' | 'stalls';

const SLOW_DOWN = '<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>';
const INVALID =
  '<Error><Code>InvalidArgument</Code><Message>Part number must be an integer between 1 and 10000.</Message></Error>';
const INTERNAL = '<Error><Code>InternalError</Code><Message>We encountered an internal error.</Message></Error>';

const ANSWERS = { fails: [500, INTERNAL], refuses: [400, INVALID], slowDown: [503, SLOW_DOWN] } as const;

/** A proxy in front of an S3, with faults. */
export class FaultyS3 {
  mood: S3Mood = 'passes';
  /** Called with each request that passes; what it returns is done instead. */
  onRequest: (method: string, url: string) => S3Mood | undefined = () => undefined;
  readonly requests: string[] = [];
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #onRequestSeen: (() => void)[] = [];

  private constructor(private readonly target: string) {
    this.#server = createServer((incoming, response) => this.#handle(incoming, response));
    this.#server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
    });
  }

  static async start(target: string): Promise<FaultyS3> {
    const proxy = new FaultyS3(target);
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    return proxy;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Resolves with the first request from now on that matches. */
  async seen(pattern: RegExp): Promise<void> {
    const from = this.requests.length;
    while (!this.requests.slice(from).some((line) => pattern.test(line))) {
      await new Promise<void>((resolve) => this.#onRequestSeen.push(resolve));
    }
  }

  async stop(): Promise<void> {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await once(this.#server, 'close');
  }

  #handle(incoming: IncomingMessage, response: ServerResponse): void {
    const { method = '', url = '' } = incoming;
    this.requests.push(`${method} ${url}`);
    const mood = this.mood === 'passes' ? (this.onRequest(method, url) ?? 'passes') : this.mood;
    for (const seen of this.#onRequestSeen.splice(0)) seen();
    switch (mood) {
      case 'resets':
        incoming.socket.resetAndDestroy();
        return;
      case 'stalls':
        incoming.resume();
        return;
      case 'fails':
      case 'refuses':
      case 'slowDown': {
        const [status, text] = ANSWERS[mood];
        incoming.resume();
        incoming.on('end', () => {
          response.writeHead(status, { 'content-type': 'application/xml' });
          response.end(text);
        });
        return;
      }
      default:
        this.#pass(incoming, response);
    }
  }

  #pass(incoming: IncomingMessage, response: ServerResponse): void {
    const { method, url = '', headers } = incoming;
    const outgoing = request(new URL(url, this.target), { method, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
    });
    outgoing.on('error', () => response.destroy());
    incoming.pipe(outgoing);
  }
}
