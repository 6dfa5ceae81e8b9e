import { avc } from './media';
import { RtmpClient } from './rtmp-client';

export interface LivePublisherOptions {
  readonly channel: string;
  readonly key?: string;
  /** The port to connect to; called for each connection. */
  readonly port: () => number;
  readonly framesPerSecond?: number;
  /** Frames from one keyframe to the next. */
  readonly gop?: number;
  /** Whether it announces support of ReconnectRequest, and follows such requests. Default true. */
  readonly reconnects?: boolean;
}

/** How often a refused connection is retried, and the pause in between (ms). */
const ATTEMPTS = 60;
const RETRY_MS = 100;

const RECONNECT = 'NetConnection.Connect.ReconnectRequest';

/**
 * An encoder that sends numbered frames in real time, and reconnects as Enhanced RTMP v2 describes it: it keeps using
 * the old connection until the new one is accepted and the next keyframe is due.
 */
export class LivePublisher {
  /** How many frames were sent so far. */
  sent = 0;
  /** Numbers of frames that were not sent while it was disconnected. */
  readonly skipped: number[] = [];
  /** How often it has moved to another connection. */
  moves = 0;
  /** Reasons of lost connections and of other failures. */
  readonly failures: string[] = [];
  #client: RtmpClient | undefined;
  /** An accepted connection, to be used from the next keyframe on. */
  #next: RtmpClient | undefined;
  #moving = false;
  #timer: NodeJS.Timeout | undefined;
  readonly #gop: number;

  private constructor(private readonly options: LivePublisherOptions) {
    this.#gop = options.gop ?? 10;
  }

  static async start(options: LivePublisherOptions): Promise<LivePublisher> {
    const publisher = new LivePublisher(options);
    publisher.#client = await publisher.#connect();
    publisher.#watch(publisher.#client);
    publisher.#sendHeaders(publisher.#client);
    const { framesPerSecond = 10 } = options;
    publisher.#timer = setInterval(() => publisher.#sendFrame(), 1000 / framesPerSecond);
    return publisher;
  }

  /** The frame of this number, as players get it. */
  static frame(channel: string, number: number, gop = 10): Buffer {
    const label = `${channel} frame ${number};`;
    return number % gop === 0 ? avc.keyframe(label, 300) : avc.interFrame(label, 100);
  }

  get client(): RtmpClient {
    if (this.#client === undefined) throw new Error('it is not connected');
    return this.#client;
  }

  /** Reconnects as after a ReconnectRequest. */
  async move(): Promise<void> {
    if (this.#moving) return;
    this.#moving = true;
    try {
      this.#next = await this.#connect();
    } catch (error) {
      this.failures.push(String(error));
      this.#moving = false;
    }
  }

  /** Resets the connection without ending the stream, and sends nothing until `comeBack`. */
  async lose(): Promise<void> {
    clearInterval(this.#timer);
    this.#timer = undefined;
    // A reset may overtake bytes that were sent before.
    await this.client.roundTrip();
    await this.client.reset();
    this.#client = undefined;
  }

  /** Reconnects after `lose`, at the next keyframe; its timestamps start again. */
  async comeBack(): Promise<void> {
    this.#client = await this.#connect();
    this.#watch(this.#client);
    for (; this.sent % this.#gop !== 0; this.sent += 1) this.skipped.push(this.sent);
    this.#clockOffset = this.sent;
    this.#sendHeaders(this.#client);
    const { framesPerSecond = 10 } = this.options;
    this.#timer = setInterval(() => this.#sendFrame(), 1000 / framesPerSecond);
  }

  /** Ends the stream properly. */
  stop(): void {
    this.#client?.deleteStream();
    this.close();
  }

  close(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
    const clients = [this.#client, this.#next];
    this.#client = undefined;
    this.#next = undefined;
    for (const client of clients) client?.connection.socket.destroySoon();
  }

  #clockOffset = 0;

  async #connect(): Promise<RtmpClient> {
    const { channel, key = 'key', port, reconnects = true } = this.options;
    for (let attempt = 1; ; attempt += 1) {
      try {
        const extra = reconnects ? { capsEx: 1 } : {};
        return await RtmpClient.publisher({ port: port(), channel, key, extra });
      } catch (error) {
        if (attempt === ATTEMPTS) throw error;
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
    }
  }

  #watch(client: RtmpClient): void {
    client.waitForStatus(RECONNECT, 600_000).then(
      () => void this.move(),
      () => undefined,
    );
    void client.connection.closed.then(() => {
      if (this.#client === client && this.#timer !== undefined) this.failures.push('the connection was closed');
    });
  }

  #sendFrame(): void {
    const isKeyframe = this.sent % this.#gop === 0;
    if (isKeyframe && this.#next !== undefined) this.#switch(this.#next);
    const { framesPerSecond = 10, channel } = this.options;
    const timestamp = Math.round(((this.sent - this.#clockOffset) * 1000) / framesPerSecond);
    this.#client?.sendVideo(timestamp, LivePublisher.frame(channel, this.sent, this.#gop));
    this.sent += 1;
  }

  #switch(next: RtmpClient): void {
    const former = this.#client;
    this.#client = next;
    this.#next = undefined;
    this.#moving = false;
    this.moves += 1;
    this.#watch(next);
    this.#sendHeaders(next);
    void former?.close().catch(() => undefined);
  }

  #sendHeaders(client: RtmpClient): void {
    client.sendMetadata({ encoder: 'live publisher' });
    client.sendVideo(0, avc.sequenceHeader());
  }
}
