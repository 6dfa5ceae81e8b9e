import { createHmac, timingSafeEqual } from 'node:crypto';
import { type CallbackAnswerScript, type CallbackRequest, type CallbackServer } from './callback-server';
import { MessageInbox } from '../rtmp/message-inbox';

/** A wait for an event fails after this (ms): events come within milliseconds, retried ones within seconds. */
const waitMs = 15_000;

/** Sorts the requests of a callback handler by channel, so that tests can share one. */
export class CallbackJournal {
  readonly #inboxes = new Map<string, MessageInbox<CallbackRequest>>();
  readonly #scripts = new Map<string, (request: CallbackRequest) => CallbackAnswerScript>();

  constructor(readonly server: CallbackServer) {
    server.answerWith((request) => {
      const channel = String(request.claims['channel']);
      this.#inbox(channel).add(request);
      return this.#scripts.get(channel)?.(request) ?? {};
    });
  }

  /** Decides the answers for a channel; without it they are 200 with no headers. */
  answer(channel: string, script: (request: CallbackRequest) => CallbackAnswerScript): void {
    this.#scripts.set(channel, script);
  }

  /** Names of the channel's events so far, in order. */
  events(channel: string): string[] {
    return this.#inbox(channel).received.map(({ claims }) => String(claims['event']));
  }

  /** The channel's requests of this kind so far, redeliveries included. */
  requests(channel: string, event: 'start' | 'stop'): CallbackRequest[] {
    return this.#inbox(channel).received.filter(({ claims }) => claims['event'] === event);
  }

  /** The channel's next event of this kind. */
  next(channel: string, event: 'start' | 'stop'): Promise<CallbackRequest> {
    return this.#inbox(channel).next(({ claims }) => claims['event'] === event, `${event} of ${channel}`);
  }

  #inbox(channel: string): MessageInbox<CallbackRequest> {
    let inbox = this.#inboxes.get(channel);
    if (inbox === undefined) {
      inbox = new MessageInbox((request: CallbackRequest) => String(request.claims['event']), waitMs);
      this.#inboxes.set(channel, inbox);
    }
    return inbox;
  }
}

/** Checks the token's form, algorithm and signature (RFC 7515, RFC 7519) without the library that made it. */
export function verifiedClaims(request: CallbackRequest, secret: string): Readonly<Record<string, unknown>> {
  const token = String(request.headers['rtmp-event']);
  const [header = '', payload = '', signature = '', ...more] = token.split('.');
  if (more.length > 0) throw new Error('not a compact JWT');
  const { alg } = JSON.parse(Buffer.from(header, 'base64url').toString()) as Record<string, unknown>;
  if (alg !== 'HS256') throw new Error(`alg is ${String(alg)}`);
  const expected = createHmac('sha256', secret).update(`${header}.${payload}`).digest();
  const given = Buffer.from(signature, 'base64url');
  if (given.length !== expected.length || !timingSafeEqual(given, expected)) throw new Error('the signature is wrong');
  return JSON.parse(Buffer.from(payload, 'base64url').toString()) as Record<string, unknown>;
}
