import type { Logger } from '../logging/logger';
import { addressGroup } from '../addresses/address-group';
import { Breaker, type QuestionResult } from './breaker';
import { MAX_CONCURRENT_CALLBACKS } from './callback-client';
import { type Clock, systemClock } from '../time/clock';
import type { PublishDecision, StartRefusal, PublishRequest } from './publish-authorizer';
import { type NoPlace, QuestionQueue } from './question-queue';
import { RefusalDelays } from './refusal-delays';
import { STOP_CONCURRENCY } from './stop-queue';

/** Most questions in progress. The client's other connections are for stops, which starts must not delay. */
export const MAX_QUESTIONS_OUT = MAX_CONCURRENT_CALLBACKS - STOP_CONCURRENCY;
/** Most questions in progress for one address, whatever its limit of connections. */
export const MAX_QUESTIONS_PER_ADDRESS = MAX_QUESTIONS_OUT / 4;
const MAX_WAITING = 1_024;
const MAX_WAITING_PER_ADDRESS = MAX_WAITING / 4;

/** Longest query string, in bytes. It is put into the token, and kept for the life of the stream. */
const MAX_QUERY_BYTES = 1_024;

/** Why a start was refused without asking the handler. */
export type UnaskedReason = 'query_too_long' | 'handler_down' | 'queue_full' | 'queue_timeout';

const REFUSALS: Readonly<Record<UnaskedReason, StartRefusal>> = {
  query_too_long: {
    ...forNow(`The query string is longer than ${MAX_QUERY_BYTES} bytes`),
    final: true,
  },
  handler_down: forNow('The callback is out of order, try again soon'),
  queue_full: forNow('Too many publishers wait for the callback, try again soon'),
  queue_timeout: forNow('The callback had no time for this publisher, try again soon'),
};
const GONE = forNow('The publisher has gone');

export interface StartQuestionsObserver {
  /** A start was refused without asking. */
  unasked(reason: UnaskedReason): void;
  /** The handler counts as down from now on, or no longer. */
  handlerDown(down: boolean): void;
}

export interface StartQuestionsOptions {
  /** Most questions in progress for an address; `MAX_QUESTIONS_PER_ADDRESS` is an additional limit. */
  readonly perAddress: (address: string) => number;
  readonly log: Logger;
  readonly observer?: StartQuestionsObserver | undefined;
  readonly clock?: Clock;
  readonly random?: () => number;
}

/** The outcome of a question. */
export interface AskedQuestion {
  readonly decision: PublishDecision;
  readonly result: QuestionResult;
}

/**
 * Decides which questions reach the callback handler, and when: each is charged to its client's address until it is
 * answered, addresses take turns, refused keys cost time, and a handler that is down is not asked.
 */
export class StartQuestions {
  readonly #options: StartQuestionsOptions;
  readonly #clock: Clock;
  readonly #queue: QuestionQueue;
  readonly #breaker: Breaker;
  readonly #delays: RefusalDelays;

  constructor(options: StartQuestionsOptions) {
    const { log, observer, clock = systemClock, random = Math.random } = options;
    this.#options = options;
    this.#clock = clock;
    this.#queue = new QuestionQueue({
      places: MAX_QUESTIONS_OUT,
      maxWaiting: MAX_WAITING,
      maxWaitingPerAddress: MAX_WAITING_PER_ADDRESS,
      clock,
    });
    this.#breaker = new Breaker({ log, clock, random, changed: (open) => observer?.handlerDown(open) });
    this.#delays = new RefusalDelays(clock);
  }

  /** Questions in progress, also those of publishers that have left. */
  get out(): number {
    return this.#queue.out;
  }

  /**
   * See PublishAuthorizer. The wait after refused keys takes place here, before the channel is reserved, so that a
   * client who guesses keys does not keep the channel's owner out.
   */
  screen(request: PublishRequest, signal: AbortSignal): StartRefusal | undefined | Promise<StartRefusal | undefined> {
    const { channel, key, clientIp, query } = request;
    if (Buffer.byteLength(query) > MAX_QUERY_BYTES) return this.#refuse('query_too_long');
    const group = addressGroup(clientIp);
    const waitMs = this.#delays.waitMs({ group, channel, key });
    if (waitMs === 0) return this.#refuseWhenDown(group);
    this.#options.log.request('publish waits: its address was refused before', {
      channel,
      ip: clientIp,
      seconds: Math.ceil(waitMs / 1000),
    });
    return this.#pause(waitMs, signal).then(() => (signal.aborted ? GONE : this.#refuseWhenDown(group)));
  }

  /**
   * Asks when it is the address's turn.
   *
   * @param timeoutMs time limit of the wait and the question together
   * @param question asks the handler within the remaining time
   */
  async ask(
    request: PublishRequest,
    timeoutMs: number,
    signal: AbortSignal,
    question: (leftMs: number) => Promise<AskedQuestion>,
  ): Promise<PublishDecision> {
    const { channel, key, clientIp } = request;
    const asked = { group: addressGroup(clientIp), channel, key };
    const down = this.#refuseWhenDown(asked.group);
    if (down !== undefined) return down;
    const deadlineMs = this.#clock.now() + timeoutMs;
    const limit = Math.min(MAX_QUESTIONS_PER_ADDRESS, this.#options.perAddress(clientIp));
    const place = await this.#queue.take(asked.group, limit, timeoutMs, signal);
    if (typeof place === 'string') return this.#refuseWithoutPlace(place);
    try {
      const attempt = this.#breaker.attempt(asked.group);
      if (attempt === undefined) return this.#refuse('handler_down');
      let result: QuestionResult = 'unknown';
      let failure = '';
      try {
        const askedAtMs = this.#clock.now();
        const leftMs = deadlineMs - askedAtMs;
        const answer = await question(leftMs);
        const { decision } = answer;
        // A question that had to wait for its place and then ran out of time says nothing about the handler.
        const hadLess = leftMs < timeoutMs && this.#clock.now() - askedAtMs >= leftMs;
        result = answer.result === 'failed' && hadLess ? 'unknown' : answer.result;
        if (decision.accepted) this.#delays.accepted(asked);
        else if (decision.final) this.#delays.refused(asked);
        else failure = decision.reason;
        return decision;
      } finally {
        attempt.done(result, failure);
      }
    } finally {
      place();
    }
  }

  #refuseWhenDown(group: string): StartRefusal | undefined {
    return this.#breaker.refuses(group) ? this.#refuse('handler_down') : undefined;
  }

  #refuseWithoutPlace(why: NoPlace): StartRefusal {
    if (why === 'gone') return GONE;
    return this.#refuse(why === 'full' ? 'queue_full' : 'queue_timeout');
  }

  #refuse(reason: UnaskedReason): StartRefusal {
    this.#options.observer?.unasked(reason);
    return REFUSALS[reason];
  }

  #pause(waitMs: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        cancel();
        signal.removeEventListener('abort', done);
        resolve();
      };
      const cancel = this.#clock.setTimeout(done, waitMs);
      signal.addEventListener('abort', done, { once: true });
    });
  }
}

function forNow(reason: string): StartRefusal {
  return { accepted: false, final: false, reason };
}
