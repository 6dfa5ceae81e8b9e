import { MessageType } from '../protocol/message-types';

/**
 * What messages cost, in units of about 10 microseconds: a command that is answered is 1. Beside that each 4 KB of a
 * message cost as much again.
 */
const ACKNOWLEDGEMENT_PRICE = 0.05;
/** Data of a publisher: after an outage of a minute, timecodes of 60 frames a second come at once. */
const PUBLISHED_DATA_PRICE = 0.25;
const MESSAGE_PRICE = 1;
const PRICED_BYTES = 4096;
/** Commands that cost more: they look a channel up, here and perhaps in Redis, or send a cached start again. */
const COMMAND_PRICES: Readonly<Record<string, number>> = { play: 9, publish: 9, pause: 4, pauseRaw: 4, closeStream: 4 };

/** A quiet client that has just come may be this much ahead of its rate, and earns so much a second. */
interface Allowance {
  readonly burst: number;
  readonly perSecond: number;
}

/** An encoder's or a player's opening is some 20 messages; players acknowledge some ten times a second at most. */
const STRANGER: Allowance = { burst: 300, perSecond: 50 };
/** Beside its media: metadata, captions and cue points may come with every frame. */
const PUBLISHER: Allowance = { burst: 3_000, perSecond: 1_000 };

/**
 * What one connection may make the server do, other than take in the media that it was let publish. It is small until
 * then, and refills with time; whoever overspends is disconnected.
 */
export class SessionBudget {
  #allowance = STRANGER;
  #units = STRANGER.burst;
  #at: number;

  /** @param now milliseconds of a clock that never goes back */
  constructor(now: number) {
    this.#at = now;
  }

  /** The client was let publish. */
  widen(): void {
    this.#units += PUBLISHER.burst - this.#allowance.burst;
    this.#allowance = PUBLISHER;
  }

  /** Pays for a message of this type and length that is no media of a publisher; false when the budget is overspent. */
  payForMessage(typeId: number, length: number, now: number): boolean {
    return this.#pay(this.#priceOf(typeId) + length / PRICED_BYTES, now);
  }

  #priceOf(typeId: number): number {
    if (typeId === MessageType.Acknowledgement) return ACKNOWLEDGEMENT_PRICE;
    const isData = typeId === MessageType.DataAmf0 || typeId === MessageType.DataAmf3;
    return isData && this.#allowance === PUBLISHER ? PUBLISHED_DATA_PRICE : MESSAGE_PRICE;
  }

  /** Pays for what a command costs beyond its message. */
  payForCommand(name: string, now: number): boolean {
    const price = Object.hasOwn(COMMAND_PRICES, name) ? COMMAND_PRICES[name]! : 0;
    return price === 0 || this.#pay(price, now);
  }

  #pay(price: number, now: number): boolean {
    const { burst, perSecond } = this.#allowance;
    this.#units = Math.min(burst, this.#units + ((now - this.#at) / 1000) * perSecond) - price;
    this.#at = now;
    return this.#units >= 0;
  }
}
