import { afterAll, afterEach, beforeAll, expect } from '@jest/globals';
import { createHash } from 'node:crypto';
import { type MediaItem } from '../rtmp/media';
import { RtmpClient, type ConnectOptions } from '../rtmp/rtmp-client';
import { type ConnectionOptionsForTest } from '../rtmp/rtmp-connection';
import { ServerProcess, type ServerEnvironment, type ServerOptions } from './server-process';
import { MessageType } from '../rtmp/wire-builder';
import { type ReceivedMessage } from '../rtmp/wire-reader';

type ClientOptions = Partial<Omit<ConnectOptions, 'app'>>;

/**
 * One server process for all tests of a file, without a limit of connections per address unless the settings name one.
 * Clients that a test opens through it are closed after the test.
 */
export class ServerOfFile {
  #process: ServerProcess | undefined;
  readonly #clients: RtmpClient[] = [];
  #channels = 0;

  private constructor(readonly prefix: string) {}

  /** Call it at the top of a file or of a `describe`. `settings` may be a function that waits for its prerequisites. */
  static start(
    settings: ServerEnvironment | (() => ServerEnvironment | Promise<ServerEnvironment>) = {},
    options: ServerOptions = {},
  ): ServerOfFile {
    const server = new ServerOfFile('channel');
    beforeAll(async () => {
      const environment = typeof settings === 'function' ? await settings() : settings;
      server.#process = await ServerProcess.start({ CONCURRENT_LIMIT_WHITELIST: '*', ...environment }, options);
    });
    afterEach(async () => {
      server.closeClients();
      const { program } = server.process;
      if (program.isRunning || (await program.exited).code === 0) return;
      throw new Error(`the server has ended by itself:\n${program.output.slice(-3000)}`);
    });
    afterAll(async () => {
      await server.#process?.stop('SIGKILL');
    });
    return server;
  }

  get process(): ServerProcess {
    if (this.#process === undefined) throw new Error('the server is started before the first test');
    return this.#process;
  }

  get port(): number {
    return this.process.rtmpPort;
  }

  /** A name that no other test of the file uses. */
  newChannel(): string {
    this.#channels += 1;
    return `${this.prefix}-${this.#channels}`;
  }

  /** TCP and handshake only. */
  async open(options: Partial<ConnectionOptionsForTest> = {}): Promise<RtmpClient> {
    return this.#keep(await RtmpClient.open({ port: this.port, ...options }));
  }

  async connect(app: string, options: ClientOptions = {}): Promise<RtmpClient> {
    return this.#keep(await RtmpClient.connect({ port: this.port, app, ...options }));
  }

  async publisher(channel: string, key = 'key', options: ClientOptions = {}): Promise<RtmpClient> {
    const client = await this.connect(channel, options);
    await client.publish(key);
    return client;
  }

  async player(channel: string, key = 'key', options: ClientOptions = {}): Promise<RtmpClient> {
    const client = await this.connect(channel, options);
    await client.play(key);
    return client;
  }

  closeClients(): void {
    for (const { connection } of this.#clients.splice(0)) connection.socket.destroy();
  }

  #keep(client: RtmpClient): RtmpClient {
    this.#clients.push(client);
    return client;
  }
}

/** Sends the items as an encoder does: type 0 chunks, each kind on a separate chunk stream. */
export function sendMedia(publisher: RtmpClient, items: readonly MediaItem[]): void {
  for (const { kind, timestamp, payload } of items) {
    if (kind === 'audio') publisher.sendAudio(timestamp, payload);
    else publisher.sendVideo(timestamp, payload);
  }
}

/** Media as text, to be compared with readable differences: everything but its form in chunks. */
export function fingerprints(media: readonly (MediaItem | ReceivedMessage)[]): string[] {
  return media.map((item) => {
    const kind = 'kind' in item ? item.kind : item.type === MessageType.audio ? 'audio' : 'video';
    const digest = createHash('sha1').update(item.payload).digest('hex');
    return `${kind} @${item.timestamp} ${item.payload.length} B ${digest}`;
  });
}

/** The next audio and video messages of the player are these, bit for bit, with their timestamps and in this order. */
export async function expectMedia(player: RtmpClient, items: readonly MediaItem[]): Promise<void> {
  expect(fingerprints(await player.takeMedia(items.length))).toEqual(fingerprints(items));
}

/** Checks that the publisher's connection works: a frame that it sends now reaches the player. */
export async function expectFlows(publisher: RtmpClient, player: RtmpClient, label: string): Promise<void> {
  const payload = Buffer.concat([Buffer.of(0x17, 1, 0, 0, 0), Buffer.from(label)]);
  publisher.sendVideo(1_000, payload);
  await player.waitForPayload(payload);
}
