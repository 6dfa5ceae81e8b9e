import { type IncomingMessage, request, type RequestOptions } from 'node:http';
import { WebSocket } from 'ws';
import { secrets } from './leaks/watched-logs';
import { FlvReader } from './rtmp/flv-file';
import type { MediaItem } from './rtmp/media';

const WAIT_MS = 20_000;

/** How a stream ended for its player: completely, or cut off; of a WebSocket, with which code and reason. */
export interface StreamEnd {
  readonly isComplete: boolean;
  readonly code?: number;
  readonly reason?: string;
}

/** What an HTTP or WebSocket player has received of a stream. */
export abstract class FlvPlayer {
  readonly #reader = new FlvReader();
  readonly #waiting = new Set<() => void>();
  #end: StreamEnd | undefined;

  /** The flags of the stream's FLV header: 4 audio, 1 video; undefined until it has come. */
  get flags(): number | undefined {
    return this.#reader.flags;
  }

  /** All complete audio and video messages so far. */
  get media(): readonly MediaItem[] {
    return this.#reader.media;
  }

  /** Resolves when the stream has ended. */
  async ended(): Promise<StreamEnd> {
    await this.#until(() => this.#end !== undefined, 'its end');
    return this.#end!;
  }

  /** Resolves when this payload has come; gives all media so far. */
  async waitForPayload(payload: Buffer): Promise<readonly MediaItem[]> {
    await this.#until(
      () => this.media.findLast((item) => item.payload.equals(payload)) !== undefined,
      payload.toString('latin1', 0, 60),
    );
    return this.media;
  }

  /** Resolves when the stream has begun. */
  async waitForHeader(): Promise<void> {
    await this.#until(() => this.flags !== undefined, 'an FLV header');
  }

  abstract pause(): void;
  abstract resume(): void;
  abstract close(): void;

  protected take(bytes: Buffer): void {
    this.#reader.push(bytes);
    for (const look of this.#waiting) look();
  }

  protected finish(end: StreamEnd): void {
    this.#end ??= end;
    for (const look of this.#waiting) look();
  }

  #until(isSo: () => boolean, what: string): Promise<void> {
    return new Promise((resolve, reject) => {
      const done = (failure?: Error): void => {
        clearTimeout(timer);
        this.#waiting.delete(look);
        if (failure === undefined) resolve();
        else reject(failure);
      };
      const look = (): void => {
        if (isSo()) done();
        else if (this.#end !== undefined) done(new Error(`the stream ended before ${what} came`));
      };
      const timer = setTimeout(() => done(new Error(`${what} did not come`)), WAIT_MS);
      this.#waiting.add(look);
      look();
    });
  }
}

/** A player that gets a stream as the body of an HTTP answer. */
export class HttpPlayer extends FlvPlayer {
  private constructor(readonly answer: IncomingMessage) {
    super();
    answer.on('data', (bytes: Buffer) => this.take(bytes));
    answer.on('close', () => this.finish({ isComplete: answer.complete }));
    answer.on('error', () => undefined);
  }

  /** Rejects with status and text when the server refuses. */
  static async open(url: string, options: RequestOptions = {}): Promise<HttpPlayer> {
    secrets.addKeysOfUrls(url);
    const answer = await new Promise<IncomingMessage>((resolve, reject) => {
      request(url, { agent: false, ...options }, resolve)
        .on('error', reject)
        .end();
    });
    if (answer.statusCode === 200) return new HttpPlayer(answer);
    throw new Error(`${answer.statusCode} ${await textOf(answer)}`);
  }

  pause(): void {
    this.answer.pause();
  }

  resume(): void {
    this.answer.resume();
  }

  close(): void {
    this.answer.destroy();
  }
}

/** A player that gets a stream in WebSocket messages. */
export class WebSocketPlayer extends FlvPlayer {
  private constructor(readonly webSocket: WebSocket) {
    super();
    webSocket.on('message', (bytes: Buffer, isBinary) => {
      if (!isBinary) throw new Error('a text message');
      this.take(bytes);
    });
    webSocket.on('close', (code, reason) =>
      this.finish({ isComplete: code === 1000, code, reason: reason.toString() }),
    );
  }

  /** Rejects with status and text when the server refuses. */
  static open(url: string, options: { readonly headers?: Record<string, string> } = {}): Promise<WebSocketPlayer> {
    secrets.addKeysOfUrls(url);
    const webSocket = new WebSocket(url.replace(/^http/, 'ws'), options);
    const player = new WebSocketPlayer(webSocket);
    return new Promise((resolve, reject) => {
      webSocket.on('open', () => resolve(player));
      webSocket.on('error', reject);
      webSocket.on('unexpected-response', (_request, answer) => {
        void textOf(answer).then((text) => reject(new Error(`${answer.statusCode} ${text}`)));
      });
    });
  }

  pause(): void {
    this.webSocket.pause();
  }

  resume(): void {
    this.webSocket.resume();
  }

  close(): void {
    this.webSocket.terminate();
  }
}

async function textOf(answer: IncomingMessage): Promise<string> {
  let text = '';
  for await (const bytes of answer.setEncoding('utf8')) text += String(bytes);
  return text;
}
