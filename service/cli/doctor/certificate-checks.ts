import { once } from 'node:events';
import { X509Certificate } from 'node:crypto';
import { type AddressInfo, isIP } from 'node:net';
import { connect, createServer } from 'node:tls';
import { codeOf, messageOf } from '../../errors/error-text';
import { within } from '../../time/within';
import { type CertificatePair, CertificatePairError, checkCertificatePair } from '../../config/certificate-pair';
import type { SecretsManager } from '../../aws/secrets-manager';
import type { TlsConfig } from '../../config/tls-settings';
import { certificateSource } from '../../net/tls/certificate-source';
import { type Examination, localHost, PATIENCE_MS, place } from './examination';
import { failed, type Finding, passed, skipped, warned } from './finding';

const DAY_MS = 86_400_000;
/** Authorities renew certificates 30 days before the end; half of that is a sign that the renewal does not work. */
const FEW_DAYS = 14;

/** The certificate that a server presents. */
interface Presented {
  /** Code of the fault in its chain, such as CERT_HAS_EXPIRED; undefined: this machine accepts it. */
  readonly fault: string | undefined;
  readonly fingerprint: string;
}

/** Key and certificate fit, days left, chain, name, and whether the running server presents this certificate. */
export async function checkCertificate(examination: Examination): Promise<readonly Finding[]> {
  const { tls } = examination.config;
  if (tls === undefined) return [skipped('certificate', 'RTMPS is off: no certificate is set')];
  let pair: CertificatePair;
  try {
    pair = await pairOf(tls, examination);
    const { validTo } = checkCertificatePair(pair);
    const certificate = new X509Certificate(pair.cert);
    const { clientAddress, config } = examination;
    return [
      passed('certificate', 'Certificate and key belong together'),
      daysFinding(certificate, validTo, examination.now()),
      await chainFinding(pair, config.callback?.trustedCa),
      nameFinding(certificate, clientAddress?.host ?? ''),
      ...(config.proxy === undefined ? [await servedFinding(certificate, tls)] : []),
    ];
  } catch (error) {
    const part = error instanceof CertificatePairError ? `the ${error.part} ` : '';
    const todo =
      'SSL_CERT is the PEM file of the certificate and its chain, SSL_KEY that of its key without a passphrase.';
    return [failed('certificate', `RTMPS cannot be used: ${part}${messageOf(error)}`, todo)];
  }
}

function pairOf({ cert, key }: TlsConfig, { readSecret }: Examination): Promise<CertificatePair> {
  const readPair: SecretsManager['readPair'] = (first, second) => Promise.all([readSecret(first), readSecret(second)]);
  return certificateSource(cert, key, { read: readSecret, readPair })();
}

function daysFinding(certificate: X509Certificate, validTo: Date, now: number): Finding {
  const check = 'certificate.days';
  const days = Math.floor((validTo.getTime() - now) / DAY_MS);
  const renew = 'Renew it; the server reads a changed file within SSL_CHECK_RELOAD_SECONDS, without a restart.';
  if (Date.parse(certificate.validFrom) > now) {
    const todo = 'Check the clock of this machine.';
    return failed(check, `The certificate is valid only from ${certificate.validFrom}`, todo);
  }
  if (validTo.getTime() <= now) return failed(check, `The certificate expired on ${validTo.toISOString()}`, renew);
  if (days < FEW_DAYS) return warned(check, `The certificate is valid for ${days} more days`, renew);
  return passed(check, `The certificate is valid for ${days} more days`);
}

/** Faults that concern only the time, which has a finding of its own. */
const OF_TIME: ReadonlySet<string> = new Set(['CERT_HAS_EXPIRED', 'CERT_NOT_YET_VALID']);

async function chainFinding(pair: CertificatePair, trustedCa: string | undefined): Promise<Finding> {
  const check = 'certificate.chain';
  const server = createServer({ cert: pair.cert, key: pair.key });
  server.on('tlsClientError', () => undefined);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const { fault } = await presented('127.0.0.1', port, trustedCa).finally(() => server.close());
  if (fault === undefined) return passed(check, 'Its chain leads to an authority that this machine trusts');
  if (OF_TIME.has(fault)) return skipped(check, `Its chain cannot be judged while it is not valid (${fault})`);
  if (fault === 'DEPTH_ZERO_SELF_SIGNED_CERT') {
    const todo =
      'Use a certificate of a public authority: encoders that check certificates refuse this one, some without a word.';
    return warned(check, 'The certificate is self-signed', todo);
  }
  const todo =
    'Put the intermediate certificates behind the certificate in SSL_CERT ("fullchain"). A private authority has to be known to every encoder.';
  return failed(check, `Its chain does not lead to an authority that this machine trusts (${fault})`, todo);
}

/** @param name the host that clients connect to; empty: not known */
function nameFinding(certificate: X509Certificate, name: string): Finding {
  const check = 'certificate.name';
  const names = certificate.subjectAltName ?? certificate.subject;
  if (name === '') {
    return skipped(check, `It is for ${names}`, 'Add --rtmp with the address that clients use to compare.');
  }
  const fits = isIP(name) === 0 ? certificate.checkHost(name) : certificate.checkIP(name);
  if (fits !== undefined) return passed(check, `It is for ${name}, to which clients connect`);
  const todo = 'Get a certificate for that name, or tell clients to connect to one of its names.';
  return failed(check, `It is not for ${name}, but for ${names}`, todo);
}

/** Whether the running server presents this certificate. */
async function servedFinding(certificate: X509Certificate, { bindAddress, port }: TlsConfig): Promise<Finding> {
  const check = 'port.rtmps';
  if (port === 0) return skipped(check, 'SSL_PORT is 0, so the port is not known');
  const where = place(localHost(bindAddress), port);
  try {
    const { fingerprint } = await presented(localHost(bindAddress), port, undefined);
    if (fingerprint === certificate.fingerprint256) return passed(check, `RTMPS is answered on ${where} with it`);
    const todo = 'Its log says why the new one was not taken, within SSL_CHECK_RELOAD_SECONDS after the change.';
    return failed(check, `The server on ${where} presents another certificate`, todo);
  } catch (error) {
    const todo = 'Start the server, or run doctor with the settings that the server has.';
    return failed(check, `RTMPS is not answered on ${where}: ${codeOf(error) ?? messageOf(error)}`, todo);
  }
}

/** What a client sees that connects with TLS. */
async function presented(host: string, port: number, ca: string | undefined): Promise<Presented> {
  const socket = connect({
    host,
    port,
    ...(ca !== undefined && { ca }),
    // The name is compared separately, so that one fault does not hide the other.
    checkServerIdentity: () => undefined,
    rejectUnauthorized: false,
  });
  try {
    await within(PATIENCE_MS, once(socket, 'secureConnect'), () => {
      throw new Error('no TLS handshake in time');
    });
    const error: unknown = socket.authorizationError;
    const reason = typeof error === 'string' ? error : (codeOf(error) ?? messageOf(error));
    return {
      fault: socket.authorized ? undefined : reason,
      fingerprint: socket.getPeerX509Certificate()?.fingerprint256 ?? '',
    };
  } finally {
    socket.on('error', () => undefined);
    socket.destroy();
  }
}
