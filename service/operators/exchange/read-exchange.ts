import { randomUUID } from 'node:crypto';
import type { Redis } from 'ioredis';
import { within } from '../../time/within';
import { type PackedAnswer, parseReadReply, READ_RANKS, readRequestText } from '../read-request';
import type { CommandPort } from './command-exchange';

/** No node answered. */
export class NobodyAnswered extends Error {
  override readonly name = 'NobodyAnswered';
}

const SUBSCRIBE_MS = 3_000;
/** The node that answers asks all others, and gives up on a silent one after three seconds. */
const ANSWER_MS = 5_000;

/** Reads from the fleet through the command channel, with one subscription for any number of requests. */
export class ReadExchange {
  readonly #port: CommandPort;
  readonly #answerMs: number;
  readonly #waiting = new Map<string, (answer: PackedAnswer) => void>();
  #ears: Promise<Redis> | undefined;

  /** @param answerMs how long a node may take */
  constructor(port: CommandPort, answerMs = ANSWER_MS) {
    this.#port = port;
    this.#answerMs = answerMs;
  }

  /**
   * Asks one node, and the next one if it does not answer.
   *
   * @param path below `/api/v1`, such as `/streams?limit=100`
   * @throws NobodyAnswered, or as the port's connection does
   */
  async read(path: string): Promise<PackedAnswer> {
    this.#ears ??= this.#subscribe();
    await this.#ears;
    const id = randomUUID();
    try {
      const answered = new Promise<PackedAnswer>((resolve) => this.#waiting.set(id, resolve));
      for (let rank = 0; rank < READ_RANKS; rank += 1) {
        await this.#port.publish(readRequestText({ rank, id, path }));
        // A late answer of the node before is as good.
        const answer = await within(this.#answerMs, answered, () => undefined);
        if (answer !== undefined) return answer;
      }
    } finally {
      this.#waiting.delete(id);
    }
    throw new NobodyAnswered(`no node answered on ${this.#port.channel}`);
  }

  close(): void {
    this.#ears?.then(
      (redis) => redis.disconnect(),
      () => undefined,
    );
    this.#ears = undefined;
  }

  /** Rejects when the replies cannot be heard; the next request tries again. */
  async #subscribe(): Promise<Redis> {
    const redis = this.#port.open(SUBSCRIBE_MS);
    let fault: unknown;
    const lost = (): void => {
      this.#ears = undefined;
    };
    redis.on('error', (error: unknown) => (fault ??= error));
    redis.on('message', (_channel: string, text: string) => {
      const { read, answer } = parseReadReply(text) ?? {};
      if (read !== undefined && answer !== undefined) this.#waiting.get(read)?.(answer);
    });
    try {
      const subscribed = redis.connect().then(() => redis.subscribe(`${this.#port.channel}:replies`));
      await within(SUBSCRIBE_MS, subscribed, () => {
        throw new Error(`no answer of Redis within ${SUBSCRIBE_MS} ms`);
      });
    } catch (error) {
      lost();
      redis.disconnect();
      throw fault ?? error;
    }
    redis.on('end', lost);
    return redis;
  }
}
