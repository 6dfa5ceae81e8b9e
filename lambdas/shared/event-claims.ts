import { isStreamName } from './stream-names';

/** A publisher asks to begin. */
export interface StartEvent {
  readonly event: 'start';
  readonly channel: string;
  readonly key: string;
  readonly clientIp?: string | undefined;
  /** The address of the node that serves the stream. */
  readonly rtmpHost?: string | undefined;
  /** The same on every delivery of one event; absent from servers that do not send it. */
  readonly eventId?: string | undefined;
  /** The stream that this publish continues, after a short disconnect. */
  readonly resume?: string | undefined;
  /** When the start was first requested (seconds since the epoch), by the clock of its node. */
  readonly issuedAt?: number | undefined;
}

/** A stream has ended. */
export interface StopEvent {
  readonly event: 'stop';
  readonly channel: string;
  /** Empty when the server never learnt it; then `startJti` identifies the start that is over. */
  readonly streamId: string;
  /** The `eventId` of the start that began the stream; absent from servers that do not send it. */
  readonly startJti?: string | undefined;
}

/** Only asks whether the signature is accepted; part of the rotation of the signing secret. */
export interface ProbeEvent {
  readonly event: 'probe';
}

export type StreamEvent = StartEvent | StopEvent | ProbeEvent;

/** The claim `event` of a rotation probe. */
export const PROBE_EVENT = 'probe';

const MAX_TEXT_LENGTH = 512;

function textClaim(claims: Readonly<Record<string, unknown>>, name: string): string | undefined {
  const value = claims[name];
  return typeof value === 'string' && value !== '' && value.length <= MAX_TEXT_LENGTH ? value : undefined;
}

/** The event in a verified token's claims; undefined when they describe no event that can be handled. */
export function streamEventOf(claims: Readonly<Record<string, unknown>>): StreamEvent | undefined {
  if (claims['event'] === PROBE_EVENT) return { event: 'probe' };
  const { channel, key } = claims;
  if (!isStreamName(channel)) return undefined;
  if (claims['event'] === 'stop') {
    const streamId = textClaim(claims, 'stream_id') ?? '';
    return { event: 'stop', channel, streamId, startJti: textClaim(claims, 'start_jti') };
  }
  if (claims['event'] !== 'start' || !isStreamName(key)) return undefined;
  return {
    event: 'start',
    channel,
    key,
    clientIp: textClaim(claims, 'client_ip'),
    rtmpHost: textClaim(claims, 'rtmp_host'),
    eventId: textClaim(claims, 'jti'),
    resume: textClaim(claims, 'resume'),
    issuedAt: typeof claims['iat'] === 'number' ? claims['iat'] : undefined,
  };
}
