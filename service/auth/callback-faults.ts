import type { CallbackAnswer } from './callback-client';

/** A line for the operator about a handler, or a setting, that has to be corrected. */
export interface CallbackFault {
  /** Faults of the same kind share one log line. */
  readonly kind: string;
  readonly message: string;
}

export interface FaultSurroundings {
  /** Names of the settings that authenticate this server to the handler, such as `JWT_SECRET`. */
  readonly proofs: string;
  /** The error of AWS in the handler's place. */
  readonly awsError?: string | undefined;
  /** The handler has accepted a stream before: then its refusals are decisions. */
  readonly proven: boolean;
}

/**
 * The fault for the operator when a callback was not answered with 200; undefined when the handler has simply decided.
 * Contains neither the URL nor the token nor the stream key.
 */
export function describeCallbackFault(answer: CallbackAnswer, about: FaultSurroundings): CallbackFault | undefined {
  switch (answer.outcome) {
    case 'answered':
      return describeStatus(answer.status, about);
    case 'timed-out':
      return {
        kind: 'timed-out',
        message: 'The callback handler did not answer in time (CALLBACK_TIMEOUT_SECONDS)',
      };
    case 'unreachable':
      return describeConnection(answer.reason);
    case 'aborted':
      return undefined;
  }
}

function describeStatus(status: number, about: FaultSurroundings): CallbackFault | undefined {
  const says = `The callback handler answered with status ${status}`;
  const fault = (hint: string): CallbackFault => ({ kind: `status ${status}`, message: `${says}: ${hint}` });
  if (about.awsError !== undefined) {
    const message = `AWS answered in the place of the callback handler: ${about.awsError} (status ${status})`;
    return { kind: `aws ${about.awsError}`, message };
  }
  if (status === 200) return undefined;
  if (status === 401) return fault(`is ${about.proofs} the same on both sides, and are both clocks right?`);
  if (status >= 500) return fault('its own log says why, or that of a proxy in front of it');
  if (status >= 400) return about.proven && !isMisaddressed(status) ? undefined : fault(refusalHint(status));
  if (status >= 300) return fault('redirects are not followed, set CALLBACK_URL to the address where it leads');
  return fault('only status 200 accepts a stream');
}

/** A proxy or web server answers so for a path that does not exist; a handler that decides seldom does. */
function isMisaddressed(status: number): boolean {
  return status === 404 || status === 405;
}

/** Other possible meanings of a refusal. */
function refusalHint(status: number): string {
  if (status === 404) return 'the stream is refused, or is the path of CALLBACK_URL wrong?';
  if (status === 405) return 'does it take POST at the path of CALLBACK_URL?';
  return 'the stream is refused, the log of the handler says why';
}

const TRUST = 'no authority that is trusted signed its certificate, name that authority in SSL_CERT_FILE';

/** By error code; other codes get no hint. */
const CONNECTION_HINTS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens at the host and port of CALLBACK_URL',
  ENOTFOUND: 'the host name of CALLBACK_URL is not known',
  EAI_AGAIN: 'the host name of CALLBACK_URL cannot be looked up now',
  ECONNRESET: 'the connection was closed before an answer came, or does the handler expect https://?',
  EPROTO: 'CALLBACK_URL begins with https://, but what answers there does not speak TLS',
  HPE_INVALID_CONSTANT: 'what answers there does not speak HTTP',
  DEPTH_ZERO_SELF_SIGNED_CERT: TRUST,
  SELF_SIGNED_CERT_IN_CHAIN: TRUST,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: TRUST,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: TRUST,
  CERT_HAS_EXPIRED: 'its certificate has expired',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another host name than that of CALLBACK_URL',
};

function describeConnection(reason: string): CallbackFault {
  const hint = Object.hasOwn(CONNECTION_HINTS, reason) ? `: ${CONNECTION_HINTS[reason]}` : '';
  return { kind: `unreachable ${reason}`, message: `The callback handler could not be reached (${reason})${hint}` };
}
