import { messageOf } from '../../errors/error-text';
import type { Logger } from '../../logging/logger';
import type { Doubt } from '../life-copy';
import type { NodeLives } from '../node-lives';
import type { RedisStops } from './redis-stops';

export interface SettlementOptions {
  readonly lives: NodeLives;
  readonly stops: RedisStops;
  readonly log: Logger;
  /** Channels in whose stored lives this node has a part; undefined without an answer. */
  readonly storedChannels: () => Promise<readonly string[] | undefined>;
  /** How often everything is compared without a particular reason (ms). */
  readonly auditMs: number;
}

/** Channels at once: a thousand nodes may do so at the same time. */
const AT_ONCE = 8;

/** Makes the registry agree with what this node has of it, whenever the two may differ. */
export class Settlement {
  readonly #options: SettlementOptions;
  #stopsDoubted = false;
  /** Why channels are to be compared of which this node may not know. */
  #doubt: Doubt | undefined;
  #running = false;
  #again = false;
  #stopped = false;
  #auditAt: number;

  constructor(options: SettlementOptions) {
    this.#options = options;
    this.#auditAt = performance.now() + options.auditMs;
  }

  /** The registry may have lost anything, or others may have taken this node for dead. */
  doubtAll(): void {
    this.#doubtAll('loss');
  }

  #doubtAll(doubt: Doubt): void {
    const { lives, stops } = this.#options;
    lives.doubt(doubt);
    stops.doubt();
    this.#stopsDoubted = true;
    this.#remember(doubt);
  }

  #remember(doubt: Doubt): void {
    if (this.#doubt !== 'loss') this.#doubt = doubt;
  }

  /** The registry may have stops of which this node does not know. */
  doubtStops(): void {
    this.#stopsDoubted = true;
  }

  /** The registry has answered: what may differ is settled now. */
  renewed(): void {
    if (performance.now() >= this.#auditAt) {
      this.#auditAt = performance.now() + this.#options.auditMs;
      this.#doubtAll('comparison');
    }
    void this.#run();
  }

  stop(): void {
    this.#stopped = true;
  }

  /** One run at a time; what the registry does not answer waits for the next renewal. */
  async #run(): Promise<void> {
    this.#again = true;
    if (this.#running) return;
    this.#running = true;
    try {
      while (this.#again && !this.#stopped) {
        this.#again = false;
        await this.#settleLives();
        await this.#settleStops();
      }
    } catch (error) {
      this.#options.log.error(`The fleet registry could not be compared: ${messageOf(error)}`);
    } finally {
      this.#running = false;
    }
  }

  async #settleLives(): Promise<void> {
    const { lives, storedChannels } = this.#options;
    const doubt = this.#doubt;
    if (doubt) {
      this.#doubt = undefined;
      const stored = await storedChannels();
      if (!stored) this.#remember(doubt);
      lives.doubt(doubt, stored);
    }
    const channels = [...lives.unsettled];
    let isUp = true;
    const worker = async (): Promise<void> => {
      for (let channel = channels.pop(); channel !== undefined && isUp && !this.#stopped; channel = channels.pop()) {
        const name = channel;
        isUp &&= await new Promise<boolean>((resolve) => lives.settle(name, resolve));
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
  }

  async #settleStops(): Promise<void> {
    const isDoubted = this.#stopsDoubted;
    this.#stopsDoubted = false;
    if (!(await this.#options.stops.settle(isDoubted))) this.#stopsDoubted ||= isDoubted;
  }
}
