import { MessageType } from '../protocol/message-types';

/**
 * Prices of messages, in units of about 10 microseconds: an answered command costs 1. Each 4 KB of a message cost 1 in
 * addition.
 */
const ACKNOWLEDGEMENT_PRICE = 0.05;
/** A publisher's data message: after an outage of a minute, timecodes of 60 frames a second come at once. */
const PUBLISHED_DATA_PRICE = 0.25;
const MESSAGE_PRICE = 1;
const PRICED_BYTES = 4096;
/** Additional prices of commands that look a channel up, here and perhaps in Redis, or send a cached start again. */
const COMMAND_PRICES: Readonly<Record<string, number>> = { play: 9, publish: 9, pause: 4, pauseRaw: 4, closeStream: 4 };

/** The most units that a client can save up, which a new client has, and how many it gets a second. */
interface Allowance {
  readonly burst: number;
  readonly perSecond: number;
}

/** An encoder or player begins with some 20 messages; players send at most some ten acknowledgements a second. */
const STRANGER: Allowance = { burst: 300, perSecond: 50 };
/** In addition to its media: metadata, captions and cue points may come with every frame. */
const PUBLISHER: Allowance = { burst: 3_000, perSecond: 1_000 };

/**
 * Limits the work that one connection may cause, apart from the media of an accepted publish. The budget is small
 * before a publish is accepted, and refills with time; a client that exceeds it is disconnected.
 */
export class SessionBudget {
  #allowance = STRANGER;
  #units = STRANGER.burst;
  #at: number;

  /** @param now milliseconds of a clock that never goes back */
  constructor(now: number) {
    this.#at = now;
  }

  /** The client was accepted to publish. */
  widen(): void {
    this.#units += PUBLISHER.burst - this.#allowance.burst;
    this.#allowance = PUBLISHER;
  }

  /** Pays for a message of this type and length, other than a publisher's media; false when the budget is exceeded. */
  payForMessage(typeId: number, length: number, now: number): boolean {
    return this.#pay(this.#priceOf(typeId) + length / PRICED_BYTES, now);
  }

  #priceOf(typeId: number): number {
    if (typeId === MessageType.Acknowledgement) return ACKNOWLEDGEMENT_PRICE;
    const isData = typeId === MessageType.DataAmf0 || typeId === MessageType.DataAmf3;
    return isData && this.#allowance === PUBLISHER ? PUBLISHED_DATA_PRICE : MESSAGE_PRICE;
  }

  /** Pays the additional price of a command; false when the budget is exceeded. */
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
