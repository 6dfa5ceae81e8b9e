import { RtmpClient } from './rtmp-client';
import { MessageType } from './wire-builder';
import type { ReceivedMessage } from './wire-reader';

export interface LiveViewerOptions {
  readonly channel: string;
  readonly key?: string;
  readonly port: () => number;
  /** Whether it announces support of ReconnectRequest, and follows such requests. Default true. */
  readonly reconnects?: boolean;
}

/** A frame of a LivePublisher. */
export interface SeenFrame {
  readonly number: number;
  readonly timestamp: number;
  readonly isKeyframe: boolean;
  /** The number of the viewer's connection that it came on, from 1. */
  readonly connection: number;
}

const RETRY_MS = 100;

/** A player of a LivePublisher's stream that records the frames, and reconnects when it is asked to. */
export class LiveViewer {
  readonly frames: SeenFrame[] = [];
  /** Codes of all onStatus after Play.Start, of all connections. */
  readonly codes: string[] = [];
  #client: RtmpClient | undefined;
  #connections = 0;
  #stopped = false;
  readonly #waits = new Set<() => void>();

  private constructor(private readonly options: LiveViewerOptions) {}

  static async start(options: LiveViewerOptions): Promise<LiveViewer> {
    const viewer = new LiveViewer(options);
    viewer.#client = await viewer.#connect();
    return viewer;
  }

  /** Numbers of the frames, each once. */
  get numbers(): number[] {
    return [...new Set(this.frames.map(({ number }) => number))].sort((a, b) => a - b);
  }

  /** Frames that are missing between the first and the last. */
  get missing(): number[] {
    const { numbers } = this;
    const seen = new Set(numbers);
    const missing: number[] = [];
    for (let at = numbers[0] ?? 0; at < (numbers.at(-1) ?? 0); at += 1) if (!seen.has(at)) missing.push(at);
    return missing;
  }

  /** Faults in the order of frames and timestamps within one connection. */
  get disorder(): string[] {
    const wrong: string[] = [];
    for (let i = 1; i < this.frames.length; i += 1) {
      const [former, frame] = [this.frames[i - 1]!, this.frames[i]!];
      if (former.connection !== frame.connection) continue;
      if (frame.number <= former.number) wrong.push(`frame ${frame.number} after ${former.number}`);
      const stepMs = frame.timestamp - former.timestamp;
      if (stepMs <= 0 || stepMs > 1_000) wrong.push(`frame ${frame.number} ${stepMs} ms after ${former.number}`);
    }
    return wrong;
  }

  /** Resolves when a frame of at least this number was seen. */
  sees(number: number, timeoutMs?: number): Promise<void> {
    return this.#until(() => this.frames.some((frame) => frame.number >= number), `frame ${number}`, timeoutMs);
  }

  /** Resolves when an onStatus with this code has come. */
  hears(code: string, timeoutMs?: number): Promise<void> {
    return this.#until(() => this.codes.includes(code), code, timeoutMs);
  }

  close(): void {
    this.#stopped = true;
    this.#client?.connection.socket.destroy();
  }

  async #until(holds: () => boolean, what: string, timeoutMs = 15_000): Promise<void> {
    if (holds()) return;
    await new Promise<void>((resolve, reject) => {
      const check = (): void => {
        if (!holds()) return;
        clearTimeout(timer);
        this.#waits.delete(check);
        resolve();
      };
      const timer = setTimeout(() => {
        this.#waits.delete(check);
        const last = this.frames.at(-1)?.number ?? 'none';
        reject(new Error(`${what} not seen in ${timeoutMs} ms; the last frame is ${last}; ${this.codes.join()}`));
      }, timeoutMs);
      this.#waits.add(check);
    });
  }

  async #connect(): Promise<RtmpClient> {
    const { channel, key = 'key', port, reconnects = true } = this.options;
    const extra = reconnects ? { capsEx: 1 } : {};
    for (let attempt = 1; ; attempt += 1) {
      try {
        const client = await RtmpClient.player({ port: port(), channel, key, extra });
        this.#connections += 1;
        void this.#read(client, this.#connections);
        return client;
      } catch (error) {
        if (attempt === 60 || this.#stopped) throw error;
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
    }
  }

  async #read(client: RtmpClient, connection: number): Promise<void> {
    const wanted = ({ type, command }: ReceivedMessage): boolean =>
      type === MessageType.video || command?.name === 'onStatus';
    let isLeaving = false;
    for (;;) {
      const message = await client.nextMessage(wanted, 'anything', 600_000).catch(() => undefined);
      if (message === undefined) return;
      if (message.command !== undefined) {
        const { code } = message.command.args[1] as { code: string };
        this.codes.push(code);
        this.#check();
        if (code === 'NetConnection.Connect.ReconnectRequest') {
          isLeaving = true;
          this.#client = await this.#connect();
        }
        continue;
      }
      this.#see(message, connection);
      // The next connection has begun with a keyframe: this one is not needed any more.
      if (isLeaving && this.frames.some((frame) => frame.connection > connection)) {
        client.connection.socket.destroy();
        return;
      }
    }
  }

  #see({ payload, timestamp }: ReceivedMessage, connection: number): void {
    const number = / frame (\d+);/.exec(payload.toString('latin1'))?.[1];
    if (number === undefined) return;
    this.frames.push({ number: Number(number), timestamp, isKeyframe: payload[0] === 0x17, connection });
    this.#check();
  }

  #check(): void {
    for (const check of [...this.#waits]) check();
  }
}
