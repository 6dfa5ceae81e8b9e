import type { Redis } from 'ioredis';

/** What Redis has spent so far. */
export interface RedisSpending {
  /** CPU time of the process (µs). */
  readonly cpuUs: number;
  /** Bytes that it received and sent. */
  readonly bytes: number;
  /** Time of the measurement (ms). */
  readonly at: number;
}

/** Reads from Redis itself what it has spent. */
export class RedisMeter {
  readonly #redis: Redis;

  constructor(redis: Redis) {
    this.#redis = redis;
  }

  async spending(): Promise<RedisSpending> {
    const cpu = await this.#redis.info('cpu');
    const stats = await this.#redis.info('stats');
    return {
      cpuUs: (valueIn(cpu, 'used_cpu_sys') + valueIn(cpu, 'used_cpu_user')) * 1e6,
      bytes: valueIn(stats, 'total_net_input_bytes') + valueIn(stats, 'total_net_output_bytes'),
      at: performance.now(),
    };
  }

  /** Bytes that its data takes. */
  async memory(): Promise<number> {
    return valueIn(await this.#redis.info('memory'), 'used_memory');
  }
}

function valueIn(info: string, name: string): number {
  return Number(new RegExp(`^${name}:([\\d.]+)`, 'm').exec(info)?.[1]);
}
