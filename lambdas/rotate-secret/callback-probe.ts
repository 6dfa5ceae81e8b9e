import { randomUUID } from 'node:crypto';
import { Sha256 } from '@aws-crypto/sha256-js';
import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SignatureV4 } from '@smithy/signature-v4';
import { SignJWT } from 'jose';
import { PROBE_EVENT } from '../shared/event-claims';
import { describeError } from '../../service/errors/error-text';

/** The region and credentials that sign a request to a Function URL, as in an SDK client's configuration. */
export type SigningIdentity = Pick<SecretsManagerClient['config'], 'region' | 'credentials'>;

export interface ProbeTarget {
  readonly url: URL;
  readonly subject: string;
  /** Absent: the request is not signed. */
  readonly identity?: SigningIdentity | undefined;
}

/** Whether the callback accepted the probe; if not, its answer. */
export type ProbeOutcome = { readonly accepted: true } | { readonly accepted: false; readonly answer: string };

const REQUEST_TIMEOUT_MS = 5_000;
const TOKEN_LIFE_SECONDS = 120;

async function probeToken(secret: string, subject: string): Promise<string> {
  return new SignJWT({ event: PROBE_EVENT })
    .setProtectedHeader({ alg: 'HS256' })
    .setSubject(subject)
    .setJti(randomUUID())
    .setIssuedAt()
    .setExpirationTime(Math.floor(Date.now() / 1000) + TOKEN_LIFE_SECONDS)
    .sign(new TextEncoder().encode(secret));
}

/** Adds the headers of AWS Signature Version 4, for the service `lambda`. */
async function signHeaders(
  url: URL,
  headers: Record<string, string>,
  identity: SigningIdentity,
): Promise<Record<string, string>> {
  const signer = new SignatureV4({ ...identity, service: 'lambda', sha256: Sha256 });
  const signed = await signer.sign({
    method: 'POST',
    protocol: url.protocol,
    hostname: url.hostname,
    path: url.pathname,
    query: Object.fromEntries(url.searchParams),
    headers: { ...headers, host: url.host },
  });
  // The HTTP client writes the host header itself, with the value that was signed.
  return Object.fromEntries(Object.entries(signed.headers).filter(([name]) => name !== 'host'));
}

/** Asks the callback once whether it accepts a token signed with `secret`. Never rejects. */
export async function probeCallback(target: ProbeTarget, secret: string): Promise<ProbeOutcome> {
  const { url, subject, identity } = target;
  try {
    const headers = { 'rtmp-event': await probeToken(secret, subject) };
    const response = await fetch(url, {
      method: 'POST',
      headers: identity === undefined ? headers : await signHeaders(url, headers, identity),
      redirect: 'manual',
      signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
    });
    await response.body?.cancel();
    return response.status === 200 ? { accepted: true } : { accepted: false, answer: `status ${response.status}` };
  } catch (error) {
    return { accepted: false, answer: describeError(error) };
  }
}
