import { codeOf, messageOf } from '../errors/error-text';
import type { RequestSigner } from '../aws/request-signer';
import { Agent as HttpAgent, request as httpRequest } from 'node:http';
import type { ClientRequest, IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { createSecureContext } from 'node:tls';
import { readAnswerHeaders } from './answer-headers';
import { type Clock, systemClock } from '../time/clock';

/** Most requests at once; further ones wait for a connection, within their own time-out. */
export const MAX_CONCURRENT_CALLBACKS = 256;

/** Most requests, in addition to these, that have timed out and stay open. */
export const MAX_LATE_CALLBACKS = 64;

const MAX_IDLE_CONNECTIONS = 32;
/**
 * Shorter than the idle time that common proxies allow, so that a connection is rarely reused while a proxy closes it.
 */
const IDLE_CONNECTION_MS = 30_000;
/** An answer's body has no meaning; if it is longer than this, the connection is closed. */
const MAX_BODY_BYTES = 64 * 1024;

export type CallbackAnswer =
  /** `headers`: those that are used, by lower-case name. */
  | { readonly outcome: 'answered'; readonly status: number; readonly headers: ReadonlyMap<string, string> }
  | { readonly outcome: 'timed-out' }
  /**
   * The connection failed, or ended before an answer came. `reason` is the error code, if there is one; `wasSent`: the
   * handler may have received the event.
   */
  | { readonly outcome: 'unreachable'; readonly reason: string; readonly wasSent?: boolean }
  /** The caller's signal aborted first; the handler may have received the event. */
  | { readonly outcome: 'aborted' };

export interface CallbackClientOptions {
  /** Credentials in the URL become an Authorization header. */
  readonly url: URL;
  readonly sign?: RequestSigner | undefined;
  /** PEM of all certificate authorities to trust instead of Node's own; absent: Node's own. */
  readonly trustedCa?: string | undefined;
  readonly clock?: Clock;
}

export interface PostOptions {
  readonly signal?: AbortSignal | undefined;
  /** Uses a new connection: a handler that was restarted has closed all those of the pool. Default false. */
  readonly fresh?: boolean;
  /** If given, a request that has timed out stays open; otherwise it is ended. */
  readonly late?: LateListener;
  /** W3C trace context, sent as a header. */
  readonly traceparent?: string | undefined;
}

/** Is notified how a request that has timed out ends. */
export interface LateListener {
  /** How much longer the request stays open (ms). */
  readonly forMs: number;
  /** The request has timed out. `giveUp` ends it early; it has no effect after the request's end. */
  begun(giveUp: () => void): void;
  /** Called once after `begun`. */
  ended(answer: CallbackAnswer): void;
}

/** Delivers event tokens to the callback handler over kept-alive connections. One per process is enough. */
export class CallbackClient {
  readonly #url: URL;
  readonly #sign: RequestSigner | undefined;
  readonly #clock: Clock;
  readonly #pool: HttpAgent;
  /** Makes a new connection for each request. */
  readonly #freshConnections: HttpAgent;

  constructor(options: CallbackClientOptions) {
    this.#url = options.url;
    this.#sign = options.sign;
    this.#clock = options.clock ?? systemClock;
    const kept = {
      keepAlive: true,
      maxSockets: MAX_CONCURRENT_CALLBACKS + MAX_LATE_CALLBACKS,
      maxFreeSockets: MAX_IDLE_CONNECTIONS,
      timeout: IDLE_CONNECTION_MS,
    };
    // With `maxSockets` instead, Node would reuse the connection of an answered request for the next waiting request.
    const once = { keepAlive: false, maxTotalSockets: MAX_CONCURRENT_CALLBACKS };
    if (this.#url.protocol === 'https:') {
      // Made once: parsing some hundred root certificates for each connection would take tens of milliseconds.
      const trust = options.trustedCa === undefined ? undefined : createSecureContext({ ca: options.trustedCa });
      const secured = trust && { secureContext: trust };
      this.#pool = new HttpsAgent({ ...kept, ...secured });
      this.#freshConnections = new HttpsAgent({ ...once, ...secured });
    } else {
      this.#pool = new HttpAgent(kept);
      this.#freshConnections = new HttpAgent(once);
    }
  }

  /**
   * POSTs the token with an empty body. Resolves as soon as the answer's headers have come; never rejects, never
   * follows a redirect. `timeoutMs` covers the whole exchange, signing and waiting for a connection included.
   */
  post(
    token: string,
    timeoutMs: number,
    { signal, fresh = false, late, traceparent }: PostOptions = {},
  ): Promise<CallbackAnswer> {
    return new Promise((resolvePost) => {
      let resolve: (answer: CallbackAnswer) => void = resolvePost;
      if (signal?.aborted) {
        resolve({ outcome: 'aborted' });
        return;
      }
      let request: ClientRequest | undefined;
      let settled = false;
      let wasSent = false;
      const settle = (answer: CallbackAnswer): void => {
        if (settled) {
          return;
        }
        settled = true;
        signal?.removeEventListener('abort', onAbort);
        resolve(answer);
      };
      const giveUp = (answer: CallbackAnswer): void => {
        settle(answer);
        cancelTimeout();
        request?.destroy();
      };
      const onAbort = (): void => giveUp({ outcome: 'aborted' });
      signal?.addEventListener('abort', onAbort);
      // Continues while the body is drained, so that a slow body cannot keep the connection for ever.
      const timedOut = { outcome: 'timed-out' } as const;
      let cancelTimeout = this.#clock.setTimeout(() => {
        if (late === undefined || settled || request === undefined) {
          giveUp(timedOut);
          return;
        }
        resolve(timedOut);
        resolve = (answer) => late.ended(answer);
        cancelTimeout = this.#clock.setTimeout(() => giveUp(timedOut), late.forMs);
        late.begun(() => {
          if (!settled) giveUp(timedOut);
        });
      }, timeoutMs);
      const send = (headers: Readonly<Record<string, string>>): void => {
        if (settled) {
          return;
        }
        try {
          // Not signed: tracing proxies on the way may put their own in its place.
          const traced = traceparent === undefined ? headers : { ...headers, traceparent };
          request = this.#open(traced, fresh ? this.#freshConnections : this.#pool);
        } catch (error) {
          giveUp({ outcome: 'unreachable', reason: describe(error) });
          return;
        }
        request.on('response', (response) => {
          settle({
            outcome: 'answered',
            status: response.statusCode ?? 0,
            headers: readAnswerHeaders(response.rawHeaders),
          });
          discardBody(response);
        });
        request.on('finish', () => (wasSent = true));
        request.on('error', (error) => settle(unreachable(describe(error), wasSent)));
        request.on('close', () => {
          cancelTimeout();
          settle(unreachable('the connection closed', wasSent));
        });
        request.end();
      };
      const headers = { 'rtmp-event': token };
      if (this.#sign === undefined) {
        send(headers);
      } else {
        // The signer logs the cause: this reason may be shown to a publisher.
        const unsigned = { outcome: 'unreachable', reason: 'the request could not be signed' } as const;
        this.#sign(this.#url, headers).then(send, () => giveUp(unsigned));
      }
    });
  }

  /** Closes the connections. To be called at the end, when no request is in progress. */
  close(): void {
    this.#pool.destroy();
    this.#freshConnections.destroy();
  }

  #open(headers: Readonly<Record<string, string>>, agent: HttpAgent): ClientRequest {
    const options = {
      method: 'POST',
      agent,
      headers: { ...headers, 'content-length': 0, 'user-agent': 'rtmp-server' },
    };
    return this.#url.protocol === 'https:' ? httpsRequest(this.#url, options) : httpRequest(this.#url, options);
  }
}

function unreachable(reason: string, wasSent: boolean): CallbackAnswer {
  return { outcome: 'unreachable', reason, ...(wasSent && { wasSent }) };
}

function discardBody(response: IncomingMessage): void {
  let bytes = 0;
  response.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > MAX_BODY_BYTES) {
      response.destroy();
    }
  });
  // The decision is made: an incomplete body does not matter.
  response.on('error', () => undefined);
}

/** The code rather than the message where possible: a message may contain addresses, which must not be shown. */
function describe(error: unknown): string {
  return codeOf(error) ?? messageOf(error);
}
