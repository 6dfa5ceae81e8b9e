import { afterAll, afterEach, beforeAll } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { CallbackJournal } from './callback-journal';
import { type CallbackServer, startCallbackServer } from './callback-server';
import { RedisServer, type RedisServerOptions } from './redis-server';
import { RtmpClient, type ConnectOptions } from '../rtmp/rtmp-client';
import { ServerProcess, type ServerEnvironment, type ServerOptions } from './server-process';

export interface FleetOptions {
  /** How many nodes to begin with. Default 3. */
  readonly nodes?: number;
  /** Variables of all nodes, in addition to those of the fleet. */
  readonly environment?: ServerEnvironment;
  /** With a callback handler; without it, every publisher is accepted. */
  readonly callbacks?: boolean;
  readonly redis?: RedisServerOptions;
  /** The port where nodes find Redis, if not its own. */
  readonly redisPort?: (redis: RedisServer) => Promise<number>;
}

type ClientOptions = Partial<Omit<ConnectOptions, 'app'>>;

const RETRY_MS = 100;
const RETRY_FOR_MS = 15_000;
const SECRET = 'fleet-test';

/** Several node processes, one real Redis, and a callback handler if wanted: all on free ports of loopback. */
export class Fleet {
  readonly nodes: ServerProcess[] = [];
  readonly #clients: RtmpClient[] = [];
  #channels = 0;

  private constructor(
    private readonly options: FleetOptions,
    readonly redis: RedisServer,
    private readonly redisPort: number,
    private readonly callbacks: { server: CallbackServer; journal: CallbackJournal } | undefined,
  ) {}

  static async start(options: FleetOptions = {}): Promise<Fleet> {
    const redis = await RedisServer.start(options.redis);
    const server = options.callbacks === true ? await startCallbackServer() : undefined;
    const redisPort = (await options.redisPort?.(redis)) ?? redis.port;
    const fleet = new Fleet(options, redis, redisPort, server && { server, journal: new CallbackJournal(server) });
    const count = options.nodes ?? 3;
    fleet.nodes.push(...(await Promise.all(Array.from({ length: count }, (_, at) => fleet.newNode(at)))));
    return fleet;
  }

  get handler(): CallbackServer {
    return required(this.callbacks?.server, 'a callback handler');
  }

  /** The requests of the callback handler, by channel. */
  get journal(): CallbackJournal {
    return required(this.callbacks?.journal, 'a callback handler');
  }

  node(at: number): ServerProcess {
    return required(this.nodes[at], `a node ${at}`);
  }

  nodeId(at: number): string {
    return `n${at}`;
  }

  /** Starts a node; it is not yet one of `nodes`. */
  newNode(at: number, environment: ServerEnvironment = {}, options: ServerOptions = {}): Promise<ServerProcess> {
    const callback = this.callbacks && { CALLBACK_URL: this.handler.url.href, JWT_SECRET: SECRET };
    const { username, password } = this.redis.login('service');
    const member = {
      ...(username !== undefined && { REDIS_USERNAME: username, REDIS_PASSWORD: password }),
      REDIS_USE: 'YES',
      REDIS_PORT: String(this.redisPort),
      FLEET: 'YES',
      FLEET_NODE_ID: this.nodeId(at),
      FLEET_ADVERTISE_HOST: '127.0.0.1',
      FLEET_NODE_TTL_SECONDS: '3',
      CONCURRENT_LIMIT_WHITELIST: '*',
      HTTP_PORT: '0',
    };
    const settings = { ...member, ...callback, ...this.options.environment, ...environment };
    return ServerProcess.start(settings, options);
  }

  /** Replaces a node that has ended by a new process. */
  async restartNode(at: number, environment: ServerEnvironment = {}): Promise<ServerProcess> {
    const node = await this.newNode(at, environment);
    this.nodes[at] = node;
    return node;
  }

  /** A name that no other test of the fleet uses. */
  newChannel(): string {
    this.#channels += 1;
    return `channel-${this.#channels}`;
  }

  async connect(at: number, channel: string, options: ClientOptions = {}): Promise<RtmpClient> {
    const client = await RtmpClient.connect({ port: this.node(at).rtmpPort, app: channel, ...options });
    this.#clients.push(client);
    return client;
  }

  async publisher(at: number, channel: string, key = 'key', options: ClientOptions = {}): Promise<RtmpClient> {
    const client = await this.connect(at, channel, options);
    await client.publish(key);
    return client;
  }

  /** As an encoder that retries after a refusal that is not final. */
  async publisherWhenPossible(at: number, channel: string): Promise<RtmpClient> {
    const deadline = Date.now() + RETRY_FOR_MS;
    for (;;) {
      try {
        return await this.publisher(at, channel);
      } catch (error) {
        if (Date.now() > deadline || !String(error).includes('NetStream.Publish.BadName')) throw error;
        await sleep(RETRY_MS);
      }
    }
  }

  async player(at: number, channel: string, key = 'key', options: ClientOptions = {}): Promise<RtmpClient> {
    const client = await this.connect(at, channel, options);
    await client.play(key);
    return client;
  }

  /** The channel's streams in a node's `/api/streams`. */
  async streams(at: number, channel: string): Promise<{ readonly channel: string }[]> {
    const all = (await (await fetch(this.node(at).httpUrl('/api/streams'))).json()) as { channel: string }[];
    return all.filter((stream) => stream.channel === channel);
  }

  /** How often other nodes have fetched the channel from this one. */
  relaysServed(at: number, channel: string): number {
    return [...this.node(at).log.matchAll(new RegExp(relayLine(channel), 'g'))].length;
  }

  /** Resolves when other nodes have fetched the channel from this one this many times. */
  async serving(at: number, channel: string, times = 1): Promise<void> {
    await this.node(at).waitForLog(new RegExp(`(?:${relayLine(channel)}[^]*){${times}}`));
  }

  /**
   * The index of the node that looks for dead nodes, once Redis has worked for two TTLs: until then no node is declared
   * dead, since all look dead after an outage of Redis.
   */
  async watchdog(): Promise<number> {
    return this.redis.withClient(async (client) => {
      for (;;) {
        const holder = await client.get('{rtmp}:sweeper');
        const at = this.nodes.findIndex((_, place) => holder?.startsWith(`${this.nodeId(place)}/`) === true);
        if (at >= 0) return at;
        await sleep(100);
      }
    });
  }

  closeClients(): void {
    for (const { connection } of this.#clients.splice(0)) connection.socket.destroy();
  }

  async stop(): Promise<void> {
    this.closeClients();
    await Promise.all(this.nodes.map((node) => node.stop('SIGKILL')));
    await this.callbacks?.server.stop();
    await this.redis.remove();
  }
}

/**
 * One fleet for all tests of a file or `describe`. Clients that a test opens through it are closed after the test; a
 * node that has ended unexpectedly fails the test.
 */
export class FleetOfFile {
  #fleet: Fleet | undefined;

  static start(options: FleetOptions = {}): FleetOfFile {
    const file = new FleetOfFile();
    beforeAll(async () => {
      file.#fleet = await Fleet.start(options);
    });
    afterEach(() => {
      const { fleet } = file;
      fleet.closeClients();
      for (const { program } of fleet.nodes) {
        const crash = /^(?:Error|TypeError|RangeError)\b.*|\bunexpected error\b.*/m.exec(program.output);
        if (crash !== null) throw new Error(`a node has failed: ${crash[0]}\n${program.output.slice(-3000)}`);
      }
    });
    afterAll(async () => {
      await file.#fleet?.stop();
    });
    return file;
  }

  get fleet(): Fleet {
    return required(this.#fleet, 'a fleet before the first test');
  }
}

const relayLine = (channel: string): string => `\\) play channel=${channel} .*relay=true`;

function required<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new Error(`there is not ${what}`);
  return value;
}
