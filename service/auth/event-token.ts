import { SignJWT } from 'jose';
import type { StopRecord } from './stop-record';

/** How long a token is valid. */
export const TOKEN_LIFETIME_SECONDS = 120;

export interface StartEvent {
  readonly event: 'start';
  /** Id of this event; redeliveries have the same id, so that handlers can be idempotent. */
  readonly jti: string;
  readonly channel: string;
  readonly key: string;
  readonly clientIp: string;
  /** The query string that followed the key, without `?`; empty when there was none. */
  readonly query: string;
  readonly rtmpHost: string;
  readonly rtmpPort: number;
  /** Id of the stream that this publish resumes. */
  readonly resume?: string;
  /** When the handler was first asked about this event (ms since the epoch); default: now. */
  readonly askedAtMs?: number;
}

/** Sent to the handler as the claims that are named in README; the others stay here. */
export interface StopEvent extends StopRecord {
  readonly event: 'stop';
}

export type CallbackEvent = StartEvent | StopEvent;

/** The signing secret, read at each use, so that a rotated secret is used without a restart. */
export interface SigningSecret {
  /** Rejects when the secret cannot be read within a time limit. */
  current(): string | Promise<string>;
  /** The handler did not accept a token signed with `refused`: resolves to another secret, if there is one by now. */
  renew(refused: string): Promise<string | undefined>;
}

/** A secret that stays the same for as long as the process runs. */
export function fixedSecret(text: string): SigningSecret {
  return { current: () => text, renew: () => Promise.resolve(undefined) };
}

/**
 * The compact JWT (RFC 7519, HS256) of the `rtmp-event` header. `exp` depends on this delivery, and so does `iat` of a
 * stop; a start's `iat` is the time of its first request, so that handlers can tell which of two starts is newer. All
 * other claims depend only on the event. Rejects when the secret is empty.
 */
export async function signEventToken(
  event: CallbackEvent,
  subject: string,
  secret: string,
  nowMs: number,
): Promise<string> {
  const nowSeconds = Math.floor(nowMs / 1000);
  const askedAtMs = event.event === 'start' ? event.askedAtMs : undefined;
  return new SignJWT(claimsOf(event))
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
    .setSubject(subject)
    .setJti(event.jti)
    .setIssuedAt(askedAtMs === undefined ? nowSeconds : Math.floor(askedAtMs / 1000))
    .setExpirationTime(nowSeconds + TOKEN_LIFETIME_SECONDS)
    .sign(Buffer.from(secret));
}

function claimsOf(event: CallbackEvent): Record<string, string | number> {
  const claims: Record<string, string | number> = {
    event: event.event,
    channel: event.channel,
    key: event.key,
    client_ip: event.clientIp,
  };
  if (event.query !== '') {
    claims.query = event.query;
  }
  if (event.event === 'stop') {
    claims.stream_id = event.streamId;
    if (event.startJti !== undefined) {
      claims.start_jti = event.startJti;
    }
    return claims;
  }
  claims.rtmp_host = event.rtmpHost;
  claims.rtmp_port = event.rtmpPort;
  if (event.resume !== undefined) {
    claims.resume = event.resume;
  }
  return claims;
}
