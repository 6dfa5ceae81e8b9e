import { randomUUID } from 'node:crypto';
import { messageOf } from '../errors/error-text';
import type { Logger } from '../logging/logger';
import { FaultRateLimit } from '../logging/rate-limit';
import type { NameGrammar } from '../protocol/name-grammar';
import { NO_SPAN } from '../tracing/span';
import {
  type CallbackAnswer,
  type CallbackClient,
  type LateListener,
  MAX_LATE_CALLBACKS,
  type PostOptions,
} from './callback-client';
import { type CallbackFault, describeCallbackFault } from './callback-faults';
import { type Clock, systemClock } from '../time/clock';
import { type CallbackEvent, type SigningSecret, type StartEvent, signEventToken } from './event-token';
import type { OutputPolicy } from '../outputs/policy/output-policy';
import type { PublishAuthorizer, PublishDecision, StartRefusal, PublishRequest } from './publish-authorizer';
import { type AskedQuestion, StartQuestions, type StartQuestionsObserver } from './start-questions';
import { type StopDelivery, StopQueue } from './stop-queue';
import type { DueStops, StopRecord } from './stop-record';
import { readGrant } from './stream-grant';

/** `accepted` is status 200, `refused` 400 to 499 except 429, `error` any other status. */
export type CallbackResult = 'accepted' | 'refused' | 'timeout' | 'unreachable' | 'error';

export interface CallbackObserver extends StartQuestionsObserver {
  /** Called after each request to the handler, retries included. */
  callback(event: 'start' | 'stop', result: CallbackResult, seconds: number): void;
}

export interface CallbackAuthorizerOptions {
  /** What the answer asks of outputs in vain, for the log. Default: nothing. */
  readonly unmetOutputs?: (policy: OutputPolicy) => readonly string[];
  readonly client: Pick<CallbackClient, 'post'>;
  /** `sub` of the token. */
  readonly subject: string;
  readonly secret: SigningSecret;
  /** Longest time that a publisher waits for its answer, including the retry and the wait for its turn. */
  readonly timeoutMs: number;
  /** Most start requests in progress for this client address; default: no limit. */
  readonly questionsPerAddress?: (address: string) => number;
  readonly rtmpHost: string;
  readonly rtmpPort: number;
  /** The rules for play keys. */
  readonly names: NameGrammar;
  /**
   * The handler is a Lambda function: an answer of AWS in its place (no permission, throttled) is not a final refusal.
   */
  readonly behindLambda?: boolean;
  /** Names of the settings that authenticate this server to the handler, for the log; default JWT_SECRET. */
  readonly proofs?: string;
  readonly log: Logger;
  readonly observer?: CallbackObserver;
  /** How long a stop is retried; default 24 hours. */
  readonly stopRetryMs?: number;
  /** Where the stops are kept that are due. */
  readonly due: DueStops;
  /** Other nodes deliver the stops that are pending when this process ends. */
  readonly stopsOutliveProcess?: boolean;
  readonly clock?: Clock;
  readonly random?: () => number;
}

const PUBLISHER_GONE: StartRefusal = { accepted: false, final: false, reason: 'The publisher has gone' };

const TOO_MANY_REQUESTS = 429;
/** Bad Gateway and Gateway Timeout. */
const GATEWAY_ERRORS: ReadonlySet<number> = new Set([502, 504]);

/** How long the answer to a timed-out start is still awaited (ms). */
const LATE_MS = 60_000;

/** The first retry pause of a start is between this and twice this. */
const START_RETRY_MS = 100;

/** A start that the handler is asked about. */
type AskedStart = PublishRequest & { readonly startJti: string };

type Later = (decision: PublishDecision) => void;

/** Asks an HTTP handler who may publish, and notifies it of each accepted stream's end. */
export class CallbackAuthorizer implements PublishAuthorizer {
  readonly #options: CallbackAuthorizerOptions;
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #stops: StopQueue;
  readonly #questions: StartQuestions;
  /** Functions that end the waiting for late answers, one per request. */
  readonly #late = new Set<() => void>();
  #draining = false;
  readonly #faults: FaultRateLimit;
  /** The handler has accepted a stream. */
  #proven = false;

  constructor(options: CallbackAuthorizerOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#random = options.random ?? Math.random;
    this.#faults = new FaultRateLimit(options.log);
    this.#questions = new StartQuestions({
      perAddress: options.questionsPerAddress ?? (() => Infinity),
      log: options.log,
      observer: options.observer,
      clock: this.#clock,
      random: this.#random,
    });
    this.#stops = new StopQueue({
      deliver: (stop, signal, isRetry) => this.#deliverStop(stop, { signal, fresh: isRetry }),
      log: options.log,
      clock: this.#clock,
      random: this.#random,
      ...(options.stopRetryMs !== undefined && { retryForMs: options.stopRetryMs }),
      ...(options.stopsOutliveProcess && { outlivesProcess: true }),
      due: options.due,
    });
  }

  screen(request: PublishRequest, signal: AbortSignal): StartRefusal | undefined | Promise<StartRefusal | undefined> {
    return this.#questions.screen(request, signal);
  }

  /** If the time is up, the answer is still awaited in the background, for a minute at most. */
  authorizeStart(request: PublishRequest, signal: AbortSignal, later: Later): Promise<PublishDecision> {
    if (signal.aborted) {
      return Promise.resolve(PUBLISHER_GONE);
    }
    const { startJti = randomUUID() } = request;
    return this.#askInTurn({ ...request, startJti }, signal, later);
  }

  stopsDue(): void {
    this.#stops.wake();
  }

  expectStop(): () => void {
    return this.#stops.expect();
  }

  drain(deadlineMs: number): Promise<number> {
    this.#draining = true;
    // There is no time left for late answers.
    for (const giveUp of [...this.#late]) {
      giveUp();
    }
    return this.#stops.drain(deadlineMs);
  }

  /** Writes the remaining log lines. To be called at the end, after the drain. */
  close(): void {
    this.#faults.close();
  }

  async #askInTurn(request: AskedStart, signal: AbortSignal, later: Later): Promise<PublishDecision> {
    const { timeoutMs, log } = this.#options;
    const { channel, clientIp } = request;
    try {
      return await this.#questions.ask(request, timeoutMs, signal, (leftMs) =>
        this.#askStart(request, leftMs, signal, later),
      );
    } catch (error) {
      log.error(`Start callback could not be made: ${messageOf(error)}`, { channel, ip: clientIp });
      return { accepted: false, final: false, reason: 'The callback could not be made' };
    }
  }

  async #askStart(request: AskedStart, timeoutMs: number, signal: AbortSignal, later: Later): Promise<AskedQuestion> {
    const { rtmpHost, rtmpPort } = this.#options;
    const { channel, key, clientIp, query, resume, startJti } = request;
    const event: StartEvent = {
      event: 'start',
      jti: startJti,
      channel,
      key,
      clientIp,
      query,
      rtmpHost,
      rtmpPort,
      askedAtMs: this.#clock.now(),
      ...(resume !== undefined && { resume }),
    };
    const deadlineMs = this.#clock.now() + timeoutMs;
    const late = this.#listenLate(later);
    const span = (request.span ?? NO_SPAN).child('callback', {
      'rtmp.channel': channel,
      'rtmp.callback_jti': startJti,
    });
    const { traceparent } = span;
    let answer = await this.#send(event, timeoutMs, { late, traceparent });
    let wasSent = isUnknown(answer);
    if (answer.outcome === 'unreachable') {
      await this.#pause(START_RETRY_MS * (1 + this.#random()));
      const leftMs = deadlineMs - this.#clock.now();
      if (leftMs > 0 && !signal.aborted) {
        answer = await this.#send(event, leftMs, { fresh: true, late, traceparent });
        wasSent ||= isUnknown(answer);
      }
    }
    if (answer.outcome === 'answered') span.set({ 'http.response.status_code': answer.status });
    span.end(answer.outcome === 'answered' ? undefined : answer.outcome);
    const result = this.#isFailure(answer) ? 'failed' : 'answered';
    const decision = this.#decide(answer, request);
    if (decision.accepted) {
      return { decision, result };
    }
    const isUndecided = answer.outcome === 'answered' ? this.#mayHaveAccepted(answer) : wasSent;
    const unsettled = late.isOut ? 'late' : isUndecided ? 'unknown' : undefined;
    return { decision: { ...decision, ...(unsettled && { unsettled }) }, result };
  }

  /** Receives the answer to a start that has timed out. */
  #listenLate(later: Later): LateListener & { readonly isOut: boolean } {
    let forget = (): void => undefined;
    let isOut = false;
    return {
      get isOut() {
        return isOut;
      },
      forMs: this.#draining || this.#late.size >= MAX_LATE_CALLBACKS ? 0 : LATE_MS,
      begun: (giveUp) => {
        isOut = true;
        this.#late.add(giveUp);
        forget = () => void this.#late.delete(giveUp);
      },
      ended: (answer) => {
        forget();
        later(this.#readLate(answer));
      },
    };
  }

  #readLate(answer: CallbackAnswer): PublishDecision {
    const reason = describeFailure(answer);
    if (answer.outcome !== 'answered' || this.#mayHaveAccepted(answer)) {
      return { accepted: false, final: false, reason, unsettled: 'unknown' };
    }
    if (answer.status !== 200) return { accepted: false, final: false, reason };
    return { accepted: true, grant: readGrant(answer.headers, this.#options.names, () => undefined) };
  }

  /** AWS answers in place of a function that timed out; the function may have accepted before. */
  #mayHaveAccepted(answer: CallbackAnswer): boolean {
    return this.#options.behindLambda === true && answer.outcome === 'answered' && GATEWAY_ERRORS.has(answer.status);
  }

  #decide(answer: CallbackAnswer, request: PublishRequest): PublishDecision {
    const { channel, clientIp } = request;
    const fault = this.#faultOf(answer);
    if (fault) this.#faults.report('warning', fault.kind, fault.message, { channel, ip: clientIp });
    if (answer.outcome !== 'answered') {
      return { accepted: false, final: false, reason: describeFailure(answer) };
    }
    if (answer.status === 200) {
      this.#proven = true;
      const warn = (message: string): void => this.#options.log.warning(message, { channel, ip: clientIp });
      const grant = readGrant(answer.headers, this.#options.names, warn);
      const unmet = grant.outputs === undefined ? [] : (this.#options.unmetOutputs?.(grant.outputs) ?? []);
      for (const wish of unmet) warn(`The callback's header ${wish}: it has no effect`);
      return { accepted: true, grant };
    }
    const awsError = this.#awsError(answer);
    if (awsError !== undefined) {
      return { accepted: false, final: false, reason: `AWS did not let the callback decide (${awsError})` };
    }
    const final = isRefusal(answer.status);
    const reason = final ? `The callback refused the stream (status ${answer.status})` : describeFailure(answer);
    return { accepted: false, final, reason };
  }

  #faultOf(answer: CallbackAnswer): CallbackFault | undefined {
    const awsError = answer.outcome === 'answered' ? this.#awsError(answer) : undefined;
    return describeCallbackFault(answer, {
      proofs: this.#options.proofs ?? 'JWT_SECRET',
      awsError,
      proven: this.#proven,
    });
  }

  /** The error of AWS in the handler's place; undefined when the handler answered. */
  #awsError({ headers }: CallbackAnswer & { outcome: 'answered' }): string | undefined {
    return this.#options.behindLambda === true ? headers.get('x-amzn-errortype') : undefined;
  }

  /** Whether the handler could not decide, as if it were down. */
  #isFailure(answer: CallbackAnswer): boolean {
    if (answer.outcome !== 'answered') return true;
    return answer.status >= 500 || answer.status === TOO_MANY_REQUESTS || this.#awsError(answer) !== undefined;
  }

  async #deliverStop(stop: StopRecord, options: PostOptions): Promise<StopDelivery> {
    const answer = await this.#send({ ...stop, event: 'stop' }, this.#options.timeoutMs, options);
    return answer.outcome === 'answered' && answer.status === 200
      ? { delivered: true }
      : { delivered: false, reason: this.#faultOf(answer)?.message ?? describeFailure(answer) };
  }

  /** On 401, the token may be signed with a secret that was rotated: retries with a new secret if there is one. */
  async #send(event: CallbackEvent, timeoutMs: number, options?: PostOptions): Promise<CallbackAnswer> {
    const deadlineMs = this.#clock.now() + timeoutMs;
    const secret = await this.#inTime(this.#options.secret.current(), timeoutMs);
    if (secret === undefined) {
      return { outcome: 'timed-out' };
    }
    const answer = await this.#sendSigned(event, secret, Math.max(0, deadlineMs - this.#clock.now()), options);
    if (answer.outcome !== 'answered' || answer.status !== 401) {
      return answer;
    }
    const fresh = await this.#options.secret.renew(secret);
    const leftMs = deadlineMs - this.#clock.now();
    return fresh === undefined || leftMs <= 0 ? answer : this.#sendSigned(event, fresh, leftMs, options);
  }

  async #sendSigned(
    event: CallbackEvent,
    secret: string,
    timeoutMs: number,
    options?: PostOptions,
  ): Promise<CallbackAnswer> {
    const { client, log, observer, subject } = this.#options;
    const beganMs = this.#clock.now();
    const token = await signEventToken(event, subject, secret, beganMs);
    const answer = await client.post(token, timeoutMs, options);
    const result = resultOf(answer);
    const seconds = Math.max(0, this.#clock.now() - beganMs) / 1000;
    log.debug(`Callback ${event.event}: ${result ?? answer.outcome}`, { channel: event.channel, seconds });
    if (result) {
      observer?.callback(event.event, result, seconds);
    }
    return answer;
  }

  /** The promise's result; undefined when it takes longer than `timeoutMs`. */
  #inTime<T>(promise: T | Promise<T>, timeoutMs: number): T | Promise<T | undefined> {
    if (!(promise instanceof Promise)) {
      return promise;
    }
    return new Promise((resolve, reject) => {
      const cancelTimeout = this.#clock.setTimeout(() => resolve(undefined), timeoutMs);
      promise.finally(cancelTimeout).then(resolve, reject);
    });
  }

  #pause(delayMs: number): Promise<void> {
    return new Promise((resolve) => this.#clock.setTimeout(resolve, delayMs));
  }
}

/** 429 is no refusal: a handler that gets too many requests has not decided. */
function isRefusal(status: number): boolean {
  return status >= 400 && status <= 499 && status !== TOO_MANY_REQUESTS;
}

/** Whether the handler may have received the event although there is no answer. */
function isUnknown(answer: CallbackAnswer): boolean {
  return answer.outcome === 'unreachable' && answer.wasSent === true;
}

/** undefined for an aborted request, which says nothing about the handler. */
function resultOf(answer: CallbackAnswer): CallbackResult | undefined {
  switch (answer.outcome) {
    case 'answered':
      return answer.status === 200 ? 'accepted' : isRefusal(answer.status) ? 'refused' : 'error';
    case 'timed-out':
      return 'timeout';
    case 'unreachable':
      return 'unreachable';
    case 'aborted':
      return undefined;
  }
}

/** In words that may be shown to a publisher: without the URL and the token. */
function describeFailure(answer: CallbackAnswer): string {
  switch (answer.outcome) {
    case 'answered':
      return `The callback answered with status ${answer.status}`;
    case 'timed-out':
      return 'The callback did not answer in time';
    case 'unreachable':
      return `The callback could not be reached (${answer.reason})`;
    case 'aborted':
      return 'The callback was given up';
  }
}
