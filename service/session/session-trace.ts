import { NO_SPAN, type Span, type Tracer } from '../tracing/span';
import type { ConnectedClient } from './rtmp-commands/command-session';
import type { CloseCode } from './session-state';

/** What a trace says about the connection from its beginning. */
export interface TracedConnection {
  readonly id: number;
  readonly clientIp: string;
  readonly secure: boolean;
}

/**
 * The trace of one client's connection: `accept`, and below it `handshake`, `connect`, `publish` (with the callback) and
 * `end`. Each span ends when its step does, so that a stream of many hours can be looked at while it is live.
 */
export class SessionTrace {
  readonly #root: Span;
  #step: Span;

  constructor(tracer: Tracer | undefined, { id, clientIp, secure }: TracedConnection) {
    const attributes = {
      'client.address': clientIp,
      'network.protocol.name': secure ? 'rtmps' : 'rtmp',
      'session.id': String(id),
    };
    this.#root = tracer?.begin('accept', attributes) ?? NO_SPAN;
    this.#step = this.#root.child('handshake');
  }

  shookHands(): void {
    this.#step.end();
    this.#step = this.#root.child('connect');
  }

  connected({ target, software }: ConnectedClient): void {
    this.#root.set({ 'rtmp.channel': target.channel, 'user_agent.original': software });
    this.#step.end();
    this.#step = NO_SPAN;
    this.#root.end();
  }

  /** The client asks to publish; the span that is returned ends with the decision. */
  publish(channel: string): Span {
    return this.#root.child('publish', { 'rtmp.channel': channel });
  }

  /** @param heard false for a connection that sent nothing, such as a health check: its spans do not end, so none is sent */
  closed(code: CloseCode, reason: string, heard: boolean): void {
    if (!heard) return;
    if (this.#step !== NO_SPAN) {
      this.#step.end(reason);
      this.#root.end();
    }
    this.#root.child('end', { 'rtmp.close_code': code, 'rtmp.close_reason': reason }).end();
  }
}
