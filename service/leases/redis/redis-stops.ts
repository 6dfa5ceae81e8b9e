import type { StopRecord } from '../../auth/stop-record';
import type { StopFacts } from '../life-store';
import { type KeptStop, readStop, writeStop } from './life-documents';
import type { RegistryConnection } from './registry-connection';
import { FORGET_STOP, KEEP_STOPS, LIST_STOPS, READ_STOP } from './scripts/stop-scripts';
import { StopBook } from './stop-book';

export interface RedisStopsOptions {
  readonly connection: RegistryConnection;
  readonly schema: number;
  /** Reads what a stop says apart from ids. */
  readonly open: (about: string, channel: string) => StopFacts;
  /** There are stops to pull. */
  readonly due: () => void;
  /** The registry may have a stop that was delivered. */
  readonly uncertain: () => void;
}

const AT_ONCE = 100;

/** The stops that this node has to deliver, which Redis keeps for the case that the node dies. */
export class RedisStops {
  readonly #options: RedisStopsOptions;
  readonly #book = new StopBook();

  constructor(options: RedisStopsOptions) {
    this.#options = options;
  }

  /** How many stops this node has to deliver. */
  get due(): number {
    return this.#book.size;
  }

  add(kept: KeptStop, isStored: boolean): void {
    if (this.#book.add(kept, isStored)) this.#options.due();
  }

  /** This node has taken these over; Redis has them in its name. */
  claimed(records: readonly string[]): void {
    for (const record of records) {
      const kept = readStop(record);
      if (kept === undefined) continue;
      if (this.#book.wasDelivered(kept.stop.jti)) this.#options.uncertain();
      else this.add(kept, true);
    }
  }

  pull(max: number): StopRecord[] {
    return this.#book.pull(max, this.#options.open);
  }

  async delivered(jti: string): Promise<void> {
    this.#book.delivered(jti);
    const reply = await this.#options.connection.run(FORGET_STOP, { jti });
    if (reply === undefined) this.#options.uncertain();
  }

  rewrite(about: (text: string, channel: string) => string): void {
    this.#book.rewrite(about);
  }

  doubt(): void {
    this.#book.doubt();
  }

  /** Makes Redis and this node agree; false when Redis does not answer. */
  async settle(isDoubted: boolean): Promise<boolean> {
    const { connection, schema } = this.#options;
    const missing = this.#book.unstored();
    for (let i = 0; i < missing.length; i += AT_ONCE) {
      const batch = missing.slice(i, i + AT_ONCE).filter(({ stop }) => this.#book.has(stop.jti));
      if (batch.length === 0) continue;
      const stops = batch.map((kept) => ({ jti: kept.stop.jti, stop: writeStop(kept, schema) }));
      if ((await connection.run(KEEP_STOPS, { stops })) === undefined) return false;
      this.#book.stored(batch);
      // Delivered meanwhile.
      for (const { stop } of batch) if (!this.#book.has(stop.jti)) await connection.run(FORGET_STOP, { jti: stop.jti });
    }
    return !isDoubted || (await this.#compare());
  }

  /** Finds stops of this node that it does not know: an answer was lost. */
  async #compare(): Promise<boolean> {
    const { connection } = this.#options;
    const reply = await connection.run(LIST_STOPS, {});
    if (reply === undefined) return false;
    for (const jti of reply.rest) {
      if (this.#book.has(jti)) continue;
      if (this.#book.wasDelivered(jti)) {
        if ((await connection.run(FORGET_STOP, { jti })) === undefined) return false;
        continue;
      }
      const found = await connection.run(READ_STOP, { jti });
      if (found === undefined) return false;
      const kept = readStop(found.rest[0] ?? '');
      if (kept) this.add(kept, true);
    }
    return true;
  }
}
