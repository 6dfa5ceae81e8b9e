import type { Redis } from 'ioredis';
import type { RedisConfig } from '../../config/redis-settings';
import { messageOf } from '../../errors/error-text';
import { type CommandPort, giveCommand } from '../../operators/exchange/command-exchange';
import { NobodyAnswered, ReadExchange } from '../../operators/exchange/read-exchange';
import { type ReadAnswer, unpackAnswer } from '../../operators/read-request';
import { openRedis } from '../../redis/open-redis';
import { explainRedisFault } from '../../redis/redis-faults';
import { CommandFailure, ExitCode } from '../command-line/exit-codes';
import { commandOrder, type FeedMessage, type FeedQuery, type FleetOrder, type FleetSource } from './fleet-source';
import { commandOf, orderAnswer } from './order-result';
import { pollFeed } from './polled-feed';

const TIMEOUT_MS = 6_000;
/** How often events and figures are asked for. */
const POLL_MS = 2_000;

/** The fleet through the command channel in Redis: commands and their replies, and requests to read. */
export class RedisSource implements FleetSource {
  readonly name: string;
  readonly readOnly = undefined;
  readonly #config: RedisConfig;
  readonly #port: CommandPort;
  readonly #reading: ReadExchange;
  #publisher: Redis | undefined;
  #fault: unknown;

  /** @param config with the password itself */
  constructor(config: RedisConfig) {
    this.#config = config;
    this.name = `the fleet behind Redis at ${config.host}:${config.port}`;
    this.#port = {
      channel: config.channel,
      open: () => this.#open(),
      publish: async (message) => {
        this.#publisher ??= this.#open();
        if (this.#publisher.status === 'wait') await this.#publisher.connect();
        // The number of receivers says nothing: a cluster counts those of one of its nodes.
        await this.#publisher.publish(config.channel, message);
      },
    };
    this.#reading = new ReadExchange(this.#port);
  }

  async read(path: string): Promise<ReadAnswer> {
    return this.#explain(async () => unpackAnswer(await this.#reading.read(path)));
  }

  async order(order: FleetOrder): Promise<ReadAnswer> {
    const given = commandOrder(order);
    const outcome = await this.#explain(() => giveCommand(commandOf(given), this.#port));
    const { answered, replies, silent = [], deaf } = outcome;
    return orderAnswer(given, { answered, silent, replies: deaf === undefined ? replies : undefined });
  }

  follow(query: FeedQuery, signal: AbortSignal): AsyncIterable<FeedMessage> {
    return pollFeed(this, query, POLL_MS, signal);
  }

  close(): void {
    this.#reading.close();
    this.#publisher?.disconnect();
    this.#publisher = undefined;
  }

  #open(): Redis {
    const redis = openRedis(this.#config, {
      lazyConnect: true,
      connectTimeout: TIMEOUT_MS,
      commandTimeout: TIMEOUT_MS,
      maxRetriesPerRequest: 0,
      retryStrategy: () => null,
    });
    redis.on('error', (error: unknown) => (this.#fault = error));
    redis.on('end', () => {
      if (this.#publisher === redis) this.#publisher = undefined;
    });
    return redis;
  }

  /** Runs a request; its failure becomes one sentence. */
  async #explain<T>(request: () => Promise<T>): Promise<T> {
    this.#fault = undefined;
    try {
      return await request();
    } catch (error) {
      const { host, port, channel, tls } = this.#config;
      if (error instanceof NobodyAnswered) {
        const says = `No node answers on the channel ${channel} of Redis at ${host}:${port}: does a server run with REDIS_USE=YES?`;
        throw new CommandFailure(ExitCode.Unreachable, says);
      }
      const why = explainRedisFault(this.#fault ?? error, { secured: tls !== undefined, answered: false });
      const code = /NOPERM|NOAUTH|WRONGPASS/.test(messageOf(this.#fault ?? error))
        ? ExitCode.NotAllowed
        : ExitCode.Unreachable;
      throw new CommandFailure(code, `Redis at ${host}:${port} cannot be used: ${why}`);
    }
  }
}
